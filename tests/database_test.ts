import { connect, openDatabase } from "../db/connection/database.ts";
import { isLoss, isOutage } from "../db/connection/outages.ts";
import { awaitServer, refuseOld, type Unreached } from "../db/connection/server.ts";
import { OPERATION_MS_MAX } from "../db/connection/supervisor.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { CHANNEL, listen } from "../db/notify.ts";
import { deepEqual, equal, ok, rejects, throws } from "./assert.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { startForgetfulProxy } from "./forgetful_proxy.ts";
import { eventually } from "./support.ts";
import { startProxy } from "./tcp_proxy.ts";

const OUTAGES = [
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "08006", // connection_failure
  "53300", // too_many_connections
  "57P01", // admin_shutdown
  "57P03", // cannot_connect_now
  "57014", // query_canceled
  "25006", // read_only_sql_transaction
  "54000", // program_limit_exceeded
];
const REFUSALS = [
  "23505",
  "23514",
  "22021",
  "42P01",
  "40P01",
  "28P01",
  "3D000",
  "42501",
  "55000",
  "UNDEFINED_VALUE",
  "",
];

// As the service does: when a reconnection is refused, postgres.js leaves a rejected promise unhandled.
globalThis.addEventListener("unhandledrejection", (event) => {
  if (isOutage(event.reason)) event.preventDefault();
});

async function withDatabase(test: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await createTestDatabase({ empty: true });
  try {
    await test(database);
  } finally {
    await database.drop();
  }
}

Deno.test("isOutage() distinguishes a database that cannot be reached from one that refuses a statement", () => {
  const error = (code: unknown) => Object.assign(new Error("It failed"), { code });
  for (const code of OUTAGES) ok(isOutage(error(code)), code);
  for (const code of [...REFUSALS, 8, null, undefined]) ok(!isOutage(error(code)), String(code));
  // The same codes, in errors by which the server ends or refuses a connection.
  for (const code of REFUSALS) {
    ok(isOutage(Object.assign(error(code), { severity: "FATAL" })), code);
    ok(isLoss(Object.assign(error(code), { severity: "FATAL" })), code);
    ok(!isOutage(Object.assign(error(code), { severity: "ERROR" })), code);
  }
  for (const other of [new Error("It failed"), { code: "ECONNRESET" }, "ECONNRESET", null]) {
    ok(!isOutage(other));
  }
});

Deno.test("run() waits for a statement while the database answers", () =>
  withDatabase(async ({ address }) => {
    const database = openDatabase(address, { max: 1 });
    const [row] = await database.run((sql) => sql<{ one: number }[]>`select 1 as one from pg_sleep(2.5)`);
    equal(row!.one, 1);
    await database.close();
  }));

/** Blocks the event loop of this process. */
function beBusy(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

Deno.test("run() does not throw DatabaseUnavailable if this process itself was blocked for two seconds", () =>
  withDatabase(async ({ address }) => {
    const proxy = startForgetfulProxy(`${address.host}/.s.PGSQL.5432`);
    const database = openDatabase(proxy.urlFor(address), { max: 2 });
    let outages = 0;
    database.onOutage(() => outages += 1);
    const nap = (seconds: number) =>
      database.run((sql) => sql<{ one: number }[]>`select 1 as one from pg_sleep(${seconds})`);
    // The connection used to probe the database is open by then.
    await nap(1.2);
    for (let round = 0; round < 2; round += 1) {
      const answer = nap(1.5);
      // The probe is under way when this process is blocked, and its answer arrives meanwhile.
      setTimeout(proxy.freeze, 800);
      setTimeout(() => (proxy.thaw(), beBusy(2_000)), 1_000);
      equal((await answer)[0]!.one, 1);
    }
    equal(outages, 0);
    await database.close();
    proxy.close();
  }));

Deno.test("run() does not throw DatabaseUnavailable if this process was blocked while connecting", () =>
  withDatabase(async ({ address }) => {
    const proxy = startForgetfulProxy(`${address.host}/.s.PGSQL.5432`);
    const database = openDatabase(proxy.urlFor(address), { max: 2 });
    proxy.freeze();
    const answer = database.run((sql) => sql<{ one: number }[]>`select 1 as one`);
    setTimeout(() => (proxy.thaw(), beBusy(2_500)), 100);
    equal((await answer)[0]!.one, 1);
    await database.close();
    proxy.close();
  }));

Deno.test("run() and begin() pass on an error of the database unchanged", () =>
  withDatabase(async ({ address }) => {
    const database = openDatabase(address, { max: 1 });
    for (const way of [database.run, database.begin]) {
      await rejects(way((sql) => sql`select * from missing`.execute()), {
        name: "PostgresError",
        code: "42P01",
      });
    }
    await database.close();
  }));

Deno.test("run() and begin() throw DatabaseUnavailable within two seconds if there is no server", async () => {
  const database = openDatabase({ host: "/nowhere", port: 5432, user: "x", database: "x" }, { max: 2 });
  for (const way of [database.run, database.begin]) {
    const startedAt = performance.now();
    await rejects(way((sql) => sql`select 1`.execute()), DatabaseUnavailable);
    ok(performance.now() - startedAt < 2_000);
  }
  await database.close();
});

Deno.test("begin() keeps nothing of a transaction that threw", () =>
  withDatabase(async ({ address }) => {
    const database = openDatabase(address, { max: 1 });
    await database.run((sql) => sql`create table kept (id int)`.execute());
    await rejects(
      database.begin(async (sql) => {
        await sql`insert into kept values (1)`;
        throw new RangeError("No");
      }),
      RangeError,
    );
    deepEqual(await database.run((sql) => sql`select id from kept`.execute()).then((rows) => [...rows]), []);
    await database.close();
  }));

Deno.test("begin() rolls back a transaction that was given up while the database was silent", () =>
  withDatabase(async ({ address }) => {
    const proxy = startForgetfulProxy(`${address.host}/.s.PGSQL.5432`);
    const direct = openDatabase(address, { max: 1 });
    const database = openDatabase(proxy.urlFor(address), { max: 2 });
    await direct.run((sql) => sql`create table kept (id int)`.execute());
    const goOn = Promise.withResolvers<void>();
    const transaction = database.begin(async (sql) => {
      await sql`insert into kept values (1)`;
      proxy.freeze();
      await goOn.promise;
    });
    await rejects(transaction, DatabaseUnavailable);
    proxy.thaw();
    goOn.resolve();

    await eventually(async () => {
      const [row] = await direct.run((sql) =>
        sql<{ count: number }[]>`
          select count(*)::int as count
          from pg_stat_activity
          where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()`
      );
      return row!.count === 0;
    });
    const [row] = await direct.run((sql) =>
      sql<{ count: number }[]>`select count(*)::int as count from kept`
    );
    equal(row!.count, 0);
    await database.close();
    await direct.close();
    proxy.close();
  }));

Deno.test("run() works again when the network has forgotten every connection but accepts new ones", () =>
  withDatabase(async ({ address }) => {
    const proxy = startForgetfulProxy(`${address.host}/.s.PGSQL.5432`);
    const database = openDatabase(proxy.urlFor(address), { max: 2 });
    const ask = () => database.run((sql) => sql`select 1`.execute());
    await Promise.all([ask(), ask()]);
    // Two that ran the statements, and the one used to probe the database.
    await eventually(() => proxy.open() === 3);

    proxy.forget();
    const askedAt = performance.now();
    await Promise.all([rejects(ask(), DatabaseUnavailable), rejects(ask(), DatabaseUnavailable)]);
    ok(performance.now() - askedAt < OPERATION_MS_MAX / 2, "as long as what is slow");
    await Promise.all([ask(), ask(), ask()]);
    await database.close();
    proxy.close();
  }));

Deno.test("run() works again in time even if the probe's connection was lost alone before all were forgotten", () =>
  withDatabase(async ({ address }) => {
    const admin = connect(address, { max: 1 });
    const proxy = startForgetfulProxy(`${address.host}/.s.PGSQL.5432`);
    const database = openDatabase(proxy.urlFor(address), { max: 2 });
    const run = () => database.run((sql) => sql`select 2`.execute());
    await Promise.all([run(), run()]);
    await eventually(() => proxy.open() === 3);
    await admin`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database() and query = 'select 1'`;
    await eventually(() => proxy.open() === 2);
    // If the probe reconnected after the others were forgotten, it would answer in their place.
    await eventually(() => run().then(() => proxy.open() === 3));

    proxy.forget();
    const askedAt = performance.now();
    await rejects(run(), DatabaseUnavailable);
    ok(performance.now() - askedAt < OPERATION_MS_MAX / 2, "as long as what is slow");
    await run();
    await database.close();
    proxy.close();
    await admin.end({ timeout: 1 });
  }));

Deno.test("awaitServer() returns the version, and does not wait if waiting cannot help", () =>
  withDatabase(async ({ address }) => {
    const never = new Promise(() => {});
    ok(parseInt((await awaitServer(address, never)).version) >= 15);
    await rejects(
      awaitServer({ ...address, database: "missing" }, never),
      /^Error: Cannot use the database: .*missing.* does not exist/,
    );
  }));

Deno.test("awaitServer() returns how far this clock is ahead of the server's", () =>
  withDatabase(async ({ address }) => {
    for (const apartMs of [0, 600_000, -600_000]) {
      const now = () => new Date(Date.now() + apartMs);
      const { clockAheadMs } = await awaitServer(address, new Promise(() => {}), { now });
      ok(Math.abs(clockAheadMs - apartMs) < 5_000, String(clockAheadMs));
    }
  }));

Deno.test("connections stay open when idle and have our lock timeout, whatever the role's settings; so do those that listen", () =>
  withDatabase(async ({ address }) => {
    const admin = connect(address, { max: 1 });
    const role = `r_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.unsafe(`create role ${role} login superuser`);
    await admin.unsafe(`alter role ${role} set idle_session_timeout = '300ms'`);
    await admin.unsafe(`alter role ${role} set lock_timeout = '100ms'`);
    const database = openDatabase({ ...address, user: role }, { max: 1 });
    const listener = await listen({ ...address, user: role }, {
      onPayload: () => {},
      onGap: () => Promise.resolve(),
    });
    /** The pids of connections that have been idle for this long. */
    const idle = async (ms: number) => {
      const rows = await admin<{ pid: number }[]>`
        select pid
        from pg_stat_activity
        where usename = ${role} and clock_timestamp() - state_change >= ${ms} * interval '1 millisecond'
        order by pid`;
      return rows.map(({ pid }: { pid: number }) => pid);
    };
    try {
      const settings = await database.run((sql) =>
        sql<{ setting: string }[]>`
          select setting from pg_settings where name in ('idle_session_timeout', 'lock_timeout') order by name`
      );
      deepEqual(settings.map(({ setting }) => setting), ["0", "1500"]);
      const before = await idle(0);
      ok(before.length >= 2);
      await eventually(async () => {
        const kept = await idle(600);
        return before.every((pid: number) => kept.includes(pid));
      });
    } finally {
      await listener.close();
      await database.close();
      await admin.unsafe(`drop role ${role}`);
      await admin.end({ timeout: 1 });
    }
  }));

Deno.test("listen() reports once that it receives nothing, and why, and when it receives again", () =>
  withDatabase(async ({ address }) => {
    const admin = connect(address, { max: 1 });
    const role = `r_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.unsafe(`create role ${role} login`);
    const told: unknown[] = [];
    const listener = await listen({ ...address, user: role }, {
      onPayload: (payload) => void told.push(payload),
      onGap: () => Promise.resolve(),
      onLost: (reason) => void told.push(reason),
      onBack: (afterMs) => void told.push(afterMs >= 5_000),
    });
    const sayAfter = async (statement: string) => {
      await admin.unsafe(statement);
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
    };
    try {
      await sayAfter(`alter role ${role} nologin`);
      const lost = { reason: "login refused", code: "28000" };
      await eventually(() => deepEqual(told, [lost]), 15_000);
      await admin.unsafe(`alter role ${role} login`);
      await eventually(() => deepEqual(told, [lost, true]));
      await admin.notify(CHANNEL, "x");
      await eventually(() => deepEqual(told, [lost, true, "x"]));
    } finally {
      await listener.close();
      await admin.unsafe(`drop role ${role}`);
      await admin.end({ timeout: 1 });
    }
  }));

Deno.test("listen() reports a gap that begins before everything missed, even if something older arrived after that", () =>
  withDatabase(async ({ address }) => {
    const admin = connect(address, { max: 1 });
    const proxy = startProxy(`${address.host}/.s.PGSQL.${address.port}`);
    const heard: string[] = [];
    const gap = Promise.withResolvers<number>();
    const listener = await listen(`postgres://${address.user}@127.0.0.1:${proxy.port}/${address.database}`, {
      onPayload: (payload) => void heard.push(payload),
      onGap: (gapMs) => Promise.resolve(gap.resolve(performance.now() - gapMs)),
    });
    try {
      await eventually(async () => {
        const asked = await admin`
          select from pg_stat_activity
          where datname = current_database() and state = 'idle' and query like '%pg_notification_queue_usage()%'
            and pid <> pg_backend_pid()`;
        equal(asked.length, 1, "it has looked whether it hears, and does not again for seconds");
      });
      // Simulates a standstill of this process, which afterwards receives what was in transit.
      proxy.freeze();
      await admin.notify(CHANNEL, "before");
      await eventually(() => ok(proxy.heldBytes() > 0));
      await admin`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
      await eventually(async () => {
        const [row] = await admin`
          select count(*)::int as count from pg_stat_activity where datname = current_database()`;
        equal(row!.count, 1);
      });
      const missedAt = performance.now();
      await admin.notify(CHANNEL, "missed");
      await new Promise((resolve) => setTimeout(resolve, 500));
      proxy.resume();

      const since = await gap.promise;
      deepEqual(heard, ["before"]);
      ok(since <= missedAt, `Begins ${since - missedAt} ms too late`);
    } finally {
      await listener.close();
      proxy.close();
      await admin.end({ timeout: 1 });
    }
  }));

Deno.test("awaitServer() says at once which server it waits for, and at the end why it failed, without secrets", async () => {
  const port = freePort();
  const waiting: Unreached[] = [];
  const never = new Promise(() => {});
  const options = { onWaiting: (unreached: Unreached) => void waiting.push(unreached), msMax: 700 };
  await rejects(awaitServer(`postgres://user:secret@127.0.0.1:${port}/name`, never, options), {
    message: `DATABASE_URL: Cannot reach the database at 127.0.0.1:${port}: ECONNREFUSED`,
  });
  deepEqual(waiting, [{ server: `127.0.0.1:${port}`, reason: "ECONNREFUSED" }]);
});

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("refuseOld() accepts PostgreSQL 15 and later, and names any other version", () => {
  for (const version of ["15.8 (Debian 15.8-0+deb12u1)", "18.4", "18beta1", "100.1"]) refuseOld(version);
  for (const version of ["14.13", "9.6.24", "7.4"]) {
    throws(() => refuseOld(version), {
      message: `Cannot use PostgreSQL ${version}: it has to be 15 or later`,
    });
  }
});
