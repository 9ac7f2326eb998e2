import { deepEqual, equal, rejects } from "node:assert/strict";
import { openDatabase } from "../db/database.ts";
import { DatabaseUnavailable } from "../db/door.ts";
import { openLending } from "../db/lending.ts";
import { createTestDatabase } from "./database.ts";

/** Named in the order in which they are made. */
function lendingOf(max: number) {
  const made: string[] = [];
  const ended: [string, number][] = [];
  const lending = openLending(() => {
    const name = "abc"[made.length]!;
    made.push(name);
    return {
      name,
      end: ({ timeout }: { timeout: number }) => Promise.resolve(void ended.push([name, timeout])),
    };
  }, { max });
  return { made, ended, lending };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("a connection is lent to one at a time, the last used first, and to whoever waits in their order", async () => {
  const { lending, made } = lendingOf(2);
  const seen: string[] = [];
  const holds = new Map<number, () => void>();
  const all = [1, 2, 3, 4].map((who) =>
    lending.lend(async ({ name }) => {
      seen.push(`${who} ${name}`);
      await new Promise<void>((resolve) => holds.set(who, resolve));
    })
  );
  await turn();
  deepEqual(seen, ["1 a", "2 b"]);
  for (const who of [2, 1, 4, 3]) {
    holds.get(who)!();
    await all[who - 1];
    await turn();
  }
  deepEqual(seen.slice(2), ["3 b", "4 a"]);
  for (let time = 0; time < 3; time++) equal(await lending.lend(({ name }) => Promise.resolve(name)), "b");
  deepEqual(made, ["a", "b"]);
});

Deno.test("connections are made when they are needed, and one whose work failed is lent again", async () => {
  const { lending, made, ended } = lendingOf(3);
  deepEqual(made, []);
  await rejects(lending.lend(() => Promise.reject(new Error("It failed"))), /It failed/);
  equal(await lending.lend(({ name }) => Promise.resolve(name)), "a");
  deepEqual(made, ["a"]);
  await lending.end(3);
  deepEqual(ended, [["a", 3]]);
});

Deno.test("connections that are lent in turn are all opened, and then the one used longest ago goes first", async () => {
  const { lending } = lendingOf(3);
  const names: string[] = [];
  const use = (options?: { inTurn: boolean }) =>
    lending.lend(({ name }) => Promise.resolve(void names.push(name)), options);
  for (let time = 0; time < 5; time++) await use({ inTurn: true });
  for (let time = 0; time < 2; time++) await use();
  deepEqual(names, ["a", "b", "c", "a", "b", "b", "b"]);
});

Deno.test("one that was lost is ended, and who waited for it has another", async () => {
  const { lending, made, ended } = lendingOf(1);
  const lost = Object.assign(new Error("It was lost"), { code: "CONNECTION_CLOSED" });
  const first = lending.lend(async () => {
    await turn();
    throw lost;
  });
  const second = lending.lend(({ name }) => Promise.resolve(name));
  await rejects(first, /It was lost/);
  equal(await second, "b");
  equal(await lending.lend(({ name }) => Promise.resolve(name)), "b");
  deepEqual([made, ended], [["a", "b"], [["a", 0]]]);
});

Deno.test("who waits when all are ended is DatabaseUnavailable, and never has one", async () => {
  const { lending } = lendingOf(1);
  const end = Promise.withResolvers<void>();
  let hasRun = false;
  const first = lending.lend(() => end.promise);
  const second = rejects(lending.lend(() => Promise.resolve(hasRun = true)), DatabaseUnavailable);
  await turn();
  await lending.end(0);
  await second;
  end.resolve();
  await first;
  equal(hasRun, false);
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
