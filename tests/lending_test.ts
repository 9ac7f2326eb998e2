import { deepEqual, equal, rejects } from "node:assert/strict";
import { openLending } from "../db/lending.ts";
import { createTestDatabase } from "./database.ts";
import { openDatabase } from "../db/database.ts";

const named = (...names: string[]) => {
  const ended: [string, number][] = [];
  const connections = names.map((name) => ({
    name,
    end: ({ timeout }: { timeout: number }) => Promise.resolve(void ended.push([name, timeout])),
  }));
  return { ended, lending: openLending(connections) };
};

Deno.test("a connection is lent to one at a time, the last used first, and to whoever waits in their order", async () => {
  const { lending } = named("one", "two");
  const seen: string[] = [];
  const holds = new Map<string, () => void>();
  const use = (who: string) =>
    lending.lend(async ({ name }) => {
      seen.push(`${who} ${name}`);
      await new Promise<void>((resolve) => holds.set(who, resolve));
    });
  const all = ["a", "b", "c", "d"].map(use);
  await Promise.resolve();
  deepEqual(seen, ["a two", "b one"]);
  holds.get("b")!();
  await all[1];
  deepEqual(seen.slice(2), ["c one"]);
  holds.get("a")!();
  await all[0];
  deepEqual(seen.slice(3), ["d two"]);
  holds.get("c")!();
  await all[2];
  holds.get("d")!();
  await all[3];
  for (let time = 0; time < 3; time++) equal(await lending.lend(({ name }) => Promise.resolve(name)), "two");
});

Deno.test("a connection whose work failed is lent again, and all of them are ended", async () => {
  const { lending, ended } = named("one");
  await rejects(lending.lend(() => Promise.reject(new Error("It failed"))), /It failed/);
  equal(await lending.lend(({ name }) => Promise.resolve(name)), "one");
  await lending.end(3);
  deepEqual(ended, [["one", 3]]);
});

Deno.test("statements one after the other run in one server process, and those at the same time in as many as there are", async () => {
  const test = await createTestDatabase({ empty: true });
  const database = openDatabase(test.address, { max: 3 });
  const pid = () =>
    database.run(async (sql) => {
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid from pg_sleep(0.05)`;
      return row!.pid;
    });
  try {
    const alone = [await pid(), await pid(), await pid()];
    equal(new Set(alone).size, 1);
    equal(new Set(await Promise.all(Array.from({ length: 9 }, pid))).size, 3);
  } finally {
    await database.close();
    await test.drop();
  }
});
