import { openDatabase } from "../db/connection/database.ts";
import { openLifoPool } from "../db/connection/lifo_pool.ts";
import { OpeningRefused } from "../db/connection/outages.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { deepEqual, equal, ok, rejects } from "./assert.ts";
import { createTestDatabase } from "./database.ts";

interface Named {
  name: string;
  /** Closes by itself. */
  close(): void;
  end(options: { timeout: number }): Promise<void>;
}

/**
 * A pool whose connections are named in the order in which they are made. While `refused` is set, opening
 * one fails with it.
 */
function poolOf(max: number, { retryMs = 60_000 } = {}) {
  const made: string[] = [];
  const ended: [string, number][] = [];
  const cramped: number[] = [];
  const server = { refused: null as Error | null };
  const pool = openLifoPool<Named>({
    connect(close) {
      const name = "abcdefghij"[made.length]!;
      made.push(name);
      const end = ({ timeout }: { timeout: number }) => Promise.resolve(void ended.push([name, timeout]));
      return { name, close, end };
    },
    async open() {
      if (server.refused) throw server.refused;
    },
  }, { max, retryMs, onCramped: (_refusal, connections) => void cramped.push(connections) });
  return { made, ended, cramped, server, pool };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("a connection is lent to one borrower at a time, the most recently used one first; those who wait are served in order", async () => {
  const { pool, made } = poolOf(2);
  const seen: string[] = [];
  const holds = new Map<number, () => void>();
  const all = [1, 2, 3, 4].map((who) =>
    pool.lend(async ({ name }) => {
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
  for (let time = 0; time < 3; time++) equal(await pool.lend(({ name }) => Promise.resolve(name)), "b");
  deepEqual(made, ["a", "b"]);
});

Deno.test("connections are made when they are needed, and one whose work failed is lent again", async () => {
  const { pool, made, ended } = poolOf(3);
  deepEqual(made, []);
  await rejects(pool.lend(() => Promise.reject(new Error("It failed"))), /It failed/);
  equal(await pool.lend(({ name }) => Promise.resolve(name)), "a");
  deepEqual(made, ["a"]);
  await pool.end(3);
  deepEqual(ended, [["a", 3]]);
});

Deno.test("lending in turn opens all connections, and then lends the least recently used one", async () => {
  const { pool } = poolOf(3);
  const names: string[] = [];
  const use = (options?: { inTurn: boolean }) =>
    pool.lend(({ name }) => Promise.resolve(void names.push(name)), options);
  for (let time = 0; time < 5; time++) await use({ inTurn: true });
  for (let time = 0; time < 2; time++) await use();
  deepEqual(names, ["a", "b", "c", "a", "b", "b", "b"]);
});

Deno.test("a lost connection is ended, and those who waited for it get another", async () => {
  const { pool, made, ended } = poolOf(1);
  const lost = Object.assign(new Error("It was lost"), { code: "CONNECTION_CLOSED" });
  const first = pool.lend(async () => {
    await turn();
    throw lost;
  });
  const second = pool.lend(({ name }) => Promise.resolve(name));
  await rejects(first, /It was lost/);
  equal(await second, "b");
  equal(await pool.lend(({ name }) => Promise.resolve(name)), "b");
  deepEqual([made, ended], [["a", "b"], [["a", 0]]]);
});

Deno.test("those who wait when all connections are ended get DatabaseUnavailable, and never a connection", async () => {
  const { pool } = poolOf(1);
  const end = Promise.withResolvers<void>();
  let hasRun = false;
  const first = pool.lend(() => end.promise);
  const second = rejects(pool.lend(() => Promise.resolve(hasRun = true)), DatabaseUnavailable);
  await turn();
  await pool.end(0);
  await second;
  end.resolve();
  await first;
  equal(hasRun, false);
});

Deno.test("those who come after all connections are ended get DatabaseUnavailable, and none is made", async () => {
  const { pool, made } = poolOf(1);
  await pool.end(0);
  await rejects(pool.lend(() => Promise.resolve()), DatabaseUnavailable);
  deepEqual(made, []);
});

const refused = new OpeningRefused("Connection was not opened");

Deno.test("a borrower whose new connection is refused gets the next free one, before later borrowers, and no open one is ended", async () => {
  const { pool, server, made, ended, cramped } = poolOf(3);
  const hold = Promise.withResolvers<void>();
  const first = pool.lend(() => hold.promise);
  await turn();
  server.refused = refused;
  const seen: string[] = [];
  const others = [2, 3].map((who) =>
    pool.lend(({ name }) => Promise.resolve(void seen.push(`${who} ${name}`)))
  );
  await turn();
  deepEqual([seen, made, ended], [[], ["a", "b", "c"], [["b", 0], ["c", 0]]]);
  const last = pool.lend(({ name }) => Promise.resolve(void seen.push(`4 ${name}`)));
  hold.resolve();
  await Promise.all([first, ...others, last]);
  deepEqual(seen.toSorted(), ["2 a", "3 a", "4 a"]);
  equal(seen[2], "4 a");
  // For a while no other connection is opened, and borrowers in turn get the open one as well.
  for (const inTurn of [true, false]) {
    equal(await pool.lend(({ name }) => Promise.resolve(name), { inTurn }), "a");
  }
  deepEqual([made.length, ended.length], [3, 2]);
  deepEqual(cramped, [1, 1]);
});

Deno.test("some time after a refusal another connection is opened again", async () => {
  const { pool, server, made } = poolOf(2, { retryMs: 0 });
  await pool.lend(() => Promise.resolve());
  server.refused = refused;
  const use = () => pool.lend(({ name }) => Promise.resolve(name), { inTurn: true });
  deepEqual([await use(), await use()], ["a", "a"]);
  server.refused = null;
  equal(await use(), "d");
  deepEqual(made, ["a", "b", "c", "d"]);
});

Deno.test("when no connection can be opened, all who wait get OpeningRefused, and the next borrower tries again", async () => {
  const { pool, server } = poolOf(2);
  server.refused = refused;
  const use = () => pool.lend(({ name }) => Promise.resolve(name));
  await Promise.all(Array.from({ length: 5 }, () => rejects(use(), OpeningRefused)));
  await rejects(use(), OpeningRefused);
  server.refused = null;
  ok(await use());
});

Deno.test("a connection that closes by itself, idle or while it is lent, is not lent again", async () => {
  const { pool, made, ended } = poolOf(1);
  const closed = await pool.lend((connection) => Promise.resolve(connection));
  closed.close();
  const again = await pool.lend(async (connection) => {
    connection.close();
    return connection;
  });
  equal(again.name, "b");
  equal(await pool.lend(({ name }) => Promise.resolve(name)), "c");
  deepEqual([made, ended], [["a", "b", "c"], [["a", 0], ["b", 0]]]);
});

Deno.test("consecutive statements run in one server process, and concurrent ones in as many as the pool has", async () => {
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

Deno.test("spare() ends the least recently used idle connection, never the last open one, and does not replace it", async () => {
  const { pool, made, ended } = poolOf(3);
  equal(await pool.spare(), false);
  const hold = Promise.withResolvers<void>();
  const held = pool.lend(() => hold.promise);
  await pool.lend(() => Promise.resolve());
  equal(await pool.spare(), true);
  deepEqual([made, ended], [["a", "b"], [["b", 0]]]);
  equal(await pool.spare(), false);
  const next = pool.lend(({ name }) => Promise.resolve(name));
  hold.resolve();
  await held;
  equal(await next, "a");
  deepEqual(made, ["a", "b"]);
});

Deno.test("if no connection can be opened, makeRoom() is called and one is opened; without room, lending fails", async () => {
  const refusal = new OpeningRefused("No room");
  let rooms = 1;
  const server = { refused: refusal as Error | null };
  const pool = openLifoPool<Named>({
    connect: () => ({ name: "a", close: () => {}, end: () => Promise.resolve() }),
    async open() {
      if (server.refused) throw server.refused;
    },
  }, {
    max: 2,
    makeRoom: () => {
      if (rooms === 1) server.refused = null;
      return Promise.resolve(rooms-- > 0);
    },
  });
  equal(await pool.lend(({ name }) => Promise.resolve(name)), "a");
  equal(rooms, 0);

  const { pool: other, server: shut } = poolOf(2);
  shut.refused = refusal;
  await rejects(other.lend(() => Promise.resolve()), OpeningRefused);
});
