// Writing bytes to the database, and the connections that this uses.

import { type Database, openDatabase } from "../db/connection/database.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import type { Bytes } from "../db/media/bytes.ts";
import { deepEqual, equal, ok, rejects } from "./assert.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { startForgetfulProxy } from "./forgetful_proxy.ts";
import { eventually } from "./support.ts";
import { startProxy } from "./tcp_proxy.ts";

interface Scene {
  database: Database;
  bytes: Bytes;
  test: TestDatabase;
}

/** A database with the table `kept`, and `Bytes` that connect to it by the result of `addressOf`. */
async function withBytes(
  run: (scene: Scene) => Promise<void>,
  addressOf: (test: TestDatabase) => string = ({ url }) => url,
): Promise<void> {
  const test = await createTestDatabase({ empty: true });
  const database = openDatabase(test.address, { max: 2 });
  const other = openDatabase(addressOf(test), { max: 1 });
  try {
    await database.run((sql) =>
      sql`create table kept (place int primary key, bytes bytea, pid int default pg_backend_pid(),
        application text default current_setting('application_name'),
        search_path text default current_setting('search_path'))`.execute()
    );
    await run({ database, bytes: other.openBytes(), test });
  } finally {
    await Promise.all([database.close(), other.close()]);
    await test.drop();
  }
}

function keep(bytes: Bytes, place: number, value = Uint8Array.of(place)): Promise<number> {
  return bytes.run({
    name: "keep",
    text: "insert into kept (place, bytes) values ($1, $2)",
    values: [place, value],
  });
}

function kept({ database }: Scene) {
  return database.run((sql) =>
    sql<{ place: number; bytes: Uint8Array; pid: number; application: string; search_path: string }[]>`
      select place, bytes, pid, application, search_path from kept order by place`
  );
}

function sleep(bytes: Bytes, seconds: number): Promise<number> {
  return bytes.run({ name: "sleep", text: "select 1 from pg_sleep($1)", values: [seconds] });
}

Deno.test("run() stores bytes of any value and length unchanged, and counts rows", () =>
  withBytes(async (scene) => {
    const values = [0, 1, 255, 256, 65_536, 1_000_000].map((length) =>
      Uint8Array.from({ length }, (_, place) => place * 7 + (place >> 8) * 13)
    );
    for (const [place, value] of values.entries()) equal(await keep(scene.bytes, place, value), 1);
    const part = Uint8Array.from({ length: 9 }, (_, place) => place).subarray(3, 5);
    await keep(scene.bytes, values.length, part);
    const stored = (await kept(scene)).map(({ bytes }) => new Uint8Array(bytes));
    deepEqual(stored, [...values, Uint8Array.of(3, 4)]);
    const none = { name: "none", text: "update kept set bytes = $1 where place < 0", values: [part] };
    equal(await scene.bytes.run(none), 0);
  }));

Deno.test("run() uses the connection that was used last, and another only while that one is busy", () =>
  withBytes(async (scene) => {
    for (const place of [0, 1, 2]) await keep(scene.bytes, place);
    const slow = sleep(scene.bytes, 0.3);
    await Promise.all([slow, keep(scene.bytes, 3)]);
    await sleep(scene.bytes, 0);
    await keep(scene.bytes, 4);
    const pids = (await kept(scene)).map(({ pid }) => pid);
    deepEqual(pids.slice(0, 3), [pids[0], pids[0], pids[0]]);
    ok(pids[3] !== pids[0]);
    // The connection of `slow` was returned last.
    equal(pids[4], pids[0]);
  }));

Deno.test("run() passes on the errors of refused statements, and the connection remains usable", () =>
  withBytes(async (scene) => {
    await keep(scene.bytes, 1);
    await rejects(keep(scene.bytes, 1), { code: "23505" });
    await rejects(scene.bytes.run({ name: "no", text: "select from missing where $1", values: [true] }), {
      code: "42P01",
    });
    await keep(scene.bytes, 2);
    const [one, other] = await kept(scene);
    equal(one!.pid, other!.pid);
  }));

Deno.test("run() throws DatabaseUnavailable when its connection is cut, does not call onOutage, and uses another next", () =>
  withBytes(async ({ test, ...scene }) => {
    const database = openDatabase(test.address, { max: 1 });
    const bytes = database.openBytes();
    let outages = 0;
    database.onOutage(() => outages += 1);
    const cut = async (query: string) => {
      const rows = await scene.database.run((sql) =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query like ${query} and pid <> pg_backend_pid()`.execute()
      );
      equal(rows.length, 1);
    };
    await Promise.all([
      rejects(sleep(bytes, 5), DatabaseUnavailable),
      eventually(() => cut("%from pg_sleep($1)")),
    ]);
    // Bytes are announced to nobody, so no client has to be told to fetch again.
    equal(outages, 0);
    await keep(bytes, 1);
    await cut("insert into kept%");
    // A connection that is cut while idle fails no statement once its loss has been noticed.
    await eventually(() => keep(bytes, 2));
    await database.close();
  }));

Deno.test("run() throws DatabaseUnavailable within two seconds if there is no server, and after close()", async () => {
  const database = openDatabase({ host: "/nowhere", port: 5432, user: "x", database: "x" }, { max: 1 });
  const bytes = database.openBytes();
  const startedAt = performance.now();
  await rejects(sleep(bytes, 0), DatabaseUnavailable);
  ok(performance.now() - startedAt < 2_000);
  await database.close();
  for (let time = 0; time < 3; time += 1) await rejects(sleep(bytes, 0), DatabaseUnavailable);
});

Deno.test("close() is not held up by connections that are being opened, and nothing is begun after it", () =>
  withBytes(async (scene) => {
    const { test } = scene;
    const proxy = startForgetfulProxy(`${test.address.host}/.s.PGSQL.5432`);
    const database = openDatabase(`${proxy.urlFor(test.address)}?sslmode=prefer`, { max: 1 });
    const bytes = database.openBytes();
    proxy.freeze();
    const lost = rejects(keep(bytes, 1), DatabaseUnavailable);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startedAt = performance.now();
    await Promise.all([database.close(), lost]);
    ok(performance.now() - startedAt < 4_000);
    proxy.thaw();
    await new Promise((resolve) => setTimeout(resolve, 500));
    equal((await kept(scene)).length, 0);
    proxy.close();
  }));

Deno.test("run() works again when the network has forgotten every connection, and close() waits for none of them", () =>
  withBytes(async ({ test }) => {
    const proxy = startForgetfulProxy(`${test.address.host}/.s.PGSQL.5432`);
    const database = openDatabase(proxy.urlFor(test.address), { max: 1 });
    const bytes = database.openBytes();
    await Promise.all([sleep(bytes, 0), sleep(bytes, 1.2)]);
    proxy.forget();
    await Promise.all([
      rejects(sleep(bytes, 0), DatabaseUnavailable),
      rejects(sleep(bytes, 0), DatabaseUnavailable),
    ]);
    await Promise.all([sleep(bytes, 0), sleep(bytes, 0)]);
    proxy.forget();
    const startedAt = performance.now();
    await database.close();
    ok(performance.now() - startedAt < 4_000);
    proxy.close();
  }));

Deno.test("close() lets running statements finish", () =>
  withBytes(async ({ test }) => {
    const database = openDatabase(test.address, { max: 1 });
    const slow = sleep(database.openBytes(), 0.5);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await Promise.all([database.close(), slow]);
  }));

Deno.test("the address is read as for every other connection: settings, and TLS if the server has it", () =>
  withBytes(async (scene) => {
    await keep(scene.bytes, 1);
    const [row] = await kept(scene);
    equal(row!.application, "puffintalk");
    equal(row!.search_path, 'one, "two \\\\ three", public');
  }, ({ url }) => {
    const address = new URL(url);
    address.searchParams.set("sslmode", "prefer");
    address.searchParams.set("options", "-c geqo=off");
    address.searchParams.set("search_path", 'one, "two \\\\ three", public');
    return address.href;
  }));

Deno.test("the first of several hosts that answers is used", () =>
  withBytes(async ({ test }) => {
    const proxy = startProxy(`${test.address.host}/.s.PGSQL.5432`);
    const { user, database: name } = test.address;
    const database = openDatabase(`postgres://${user}@127.0.0.2,127.0.0.1:${proxy.port}/${name}`, { max: 1 });
    equal(await sleep(database.openBytes(), 0), 1);
    await database.close();
    proxy.close();
  }));
