import { connect, type DatabaseAddress, type Pool } from "../db/connection/database.ts";
import { migrate } from "../db/migrate/migrate.ts";
import { deepEqual, equal, ok, rejects } from "./assert.ts";
import { createTestDatabase, MIGRATIONS } from "./database.ts";
import { eventually } from "./support.ts";

interface Scene {
  address: DatabaseAddress;
  sql: Pool;
  /** Where the migrations are. */
  folder: URL;
  write(name: string, text: string): Promise<void>;
  ledger(): Promise<string[]>;
  tables(): Promise<string[]>;
}

/** An empty database and an empty folder. */
async function withScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await createTestDatabase({ empty: true });
  const path = await Deno.makeTempDir({ prefix: "puffintalk-migrations-" });
  const folder = new URL(`file://${path}/`);
  const sql = connect(database.address, { max: 1 });
  const names = (rows: { name: string }[]) => rows.map(({ name }) => name);
  try {
    await test({
      address: database.address,
      sql,
      folder,
      write: (name, text) => Deno.writeTextFile(new URL(name, folder), text),
      ledger: async () => names(await sql`select name from migrations order by applied_at, name`),
      tables: async () =>
        names(await sql`select tablename as name from pg_tables where schemaname = 'public' order by 1`),
    });
  } finally {
    await sql.end({ timeout: 1 });
    await database.drop();
    await Deno.remove(path, { recursive: true });
  }
}

Deno.test("migrate() brings an empty database up to date, returns what it applied, and then has nothing to do", () =>
  withScene(async ({ address, ledger, tables }) => {
    const applied = await migrate(address, MIGRATIONS);
    deepEqual(applied, [...applied].sort());
    ok(applied.includes("0001_people.sql") && applied.includes("0002_conversations.sql"));
    deepEqual((await ledger()).sort(), applied);
    for (const table of ["users", "sessions", "passcodes", "conversations", "contacts", "messages"]) {
      ok((await tables()).includes(table), table);
    }
    deepEqual(await migrate(address, MIGRATIONS), []);
  }));

Deno.test("migrate() applies each file once when many services start together", () =>
  withScene(async ({ address, folder, write, ledger, sql }) => {
    await write("0001_slow.sql", "create table one (id int); select pg_sleep(0.3);");
    await write("0002_rows.sql", "insert into one values (1);");
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(address, folder)));
    deepEqual(applied.flat().sort(), ["0001_slow.sql", "0002_rows.sql"]);
    deepEqual(await ledger(), ["0001_slow.sql", "0002_rows.sql"]);
    equal((await sql`select id from one`).length, 1);
  }));

/** Takes the lock as another process, until the result is called. */
async function takeTurn(address: DatabaseAddress): Promise<() => Promise<void>> {
  const other = connect(address, { max: 1 });
  await other`select pg_advisory_lock(7886342001)`;
  return () => other.end({ timeout: 0 });
}

Deno.test("migrate() reports once that it waits for another process that migrates, and goes on when that is done", () =>
  withScene(async ({ address, folder, write }) => {
    await write("0001_one.sql", "create table one (id int);");
    const end = await takeTurn(address);
    const waiting = Promise.withResolvers<void>();
    let told = 0;
    const onWaiting = () => (told += 1, waiting.resolve());
    const migrated = migrate(address, folder, { onWaiting, toldAfterMs: 20 });
    await waiting.promise;
    await end();
    deepEqual(await migrated, ["0001_one.sql"]);
    equal(told, 1);
    deepEqual(await migrate(address, folder, { onWaiting, toldAfterMs: 2_000 }), []);
    equal(told, 1);
  }));

Deno.test("migrate() that is told to stop does not wait for others, changes nothing, and leaves no lock request behind", () =>
  withScene(async ({ address, folder, write, sql, tables }) => {
    await write("0001_one.sql", "create table one (id int);");
    const end = await takeTurn(address);
    const stop = Promise.withResolvers<void>();
    const onWaiting = () => stop.resolve();
    const startedAt = performance.now();
    const migrating = migrate(address, folder, { stop: stop.promise, onWaiting, toldAfterMs: 20 });
    await rejects(migrating, /^Error: Stopped while another process was migrating/);
    ok(performance.now() - startedAt < 1_500);
    equal((await sql`select 1 from pg_locks where locktype = 'advisory' and not granted`).length, 0);
    await end();
    deepEqual(await tables(), []);
  }));

Deno.test("migrate() says that a database is read-only, and which variable names it", () =>
  withScene(async ({ address, folder, write, sql, tables }) => {
    await write("0001_one.sql", "create table one (id int);");
    const { host, database } = address as { host: string; database: string };
    await sql.unsafe(`alter database ${database} set default_transaction_read_only = on`);
    const url = `postgres://puffintalk@localhost/${database}?host=${encodeURIComponent(host)}`;
    await rejects(migrate(url, folder), {
      message:
        "DATABASE_URL: Cannot use the database: it is read-only, because default_transaction_read_only is on",
    });
    await sql.unsafe(`alter database ${database} reset default_transaction_read_only`);
    deepEqual(await tables(), []);
  }));

Deno.test("migrate() applies new migrations in the order of their numbers", () =>
  withScene(async ({ address, folder, write }) => {
    await write("0002_two.sql", "alter table one add two int;");
    await write("0001_one.sql", "create table one (id int);");
    await write("notes.md", "Not a migration");
    deepEqual(await migrate(address, folder), ["0001_one.sql", "0002_two.sql"]);
    await write("0010_ten.sql", "alter table one add ten int;");
    deepEqual(await migrate(address, folder), ["0010_ten.sql"]);
  }));

Deno.test("migrate() refuses a file that has changed since it was applied, names it, and applies nothing", () =>
  withScene(async ({ address, folder, write, tables }) => {
    await write("0001_one.sql", "create table one (id int);\n");
    await migrate(address, folder);
    await write("0001_one.sql", "create table one (id bigint);\n");
    await write("0002_two.sql", "create table two (id int);");
    await rejects(migrate(address, folder), /"0001_one.sql" has changed since it was applied/);
    deepEqual(await tables(), ["migrations", "one"]);
  }));

Deno.test("migrate() treats a file with other line endings as the same", () =>
  withScene(async ({ address, folder, write }) => {
    await write("0001_one.sql", "create table one (\n  id int\n);\n");
    await migrate(address, folder);
    await write("0001_one.sql", "create table one (\r\n  id int\r\n);\r\n");
    deepEqual(await migrate(address, folder), []);
  }));

Deno.test("migrate() refuses a database that is newer than the code, and names the unknown migrations", () =>
  withScene(async ({ address, folder, write, tables }) => {
    await write("0001_one.sql", "create table one (id int);");
    await write("0002_later.sql", "create table later (id int);");
    await migrate(address, folder);
    await Deno.remove(new URL("0002_later.sql", folder));
    await write("0003_mine.sql", "create table mine (id int);");
    await rejects(migrate(address, folder), /newer than this version: it has "0002_later.sql"/);
    deepEqual(await tables(), ["later", "migrations", "one"]);
  }));

Deno.test("migrate() leaves nothing behind when a file fails, and says which", () =>
  withScene(async ({ address, folder, write, tables }) => {
    await write("0001_one.sql", "create table one (id int);");
    await write("0002_two.sql", "create table two (id int); insert into missing values (1);");
    await rejects(migrate(address, folder), /^Error: Cannot migrate: "0002_two.sql" failed: .*missing/);
    deepEqual(await tables(), []);
    await write("0002_two.sql", "create table two (id int);");
    deepEqual(await migrate(address, folder), ["0001_one.sql", "0002_two.sql"]);
  }));

Deno.test("migrate() refuses a file whose name it would ignore", () =>
  withScene(async ({ address, folder, write }) => {
    for (const name of ["1_one.sql", "0001-one.sql", "0001_one.SQL.sql"]) {
      await write(name, "create table one (id int);");
      await rejects(migrate(address, folder), {
        message: `Cannot migrate: "${name}" is not named like "0001_people.sql"`,
      });
      await Deno.remove(new URL(name, folder));
    }
  }));

/** Opens a transaction that has read this table, as a dump does, until `end` is called. */
async function holdTable(
  address: DatabaseAddress,
  table: string,
): Promise<{ pid: number; end(): Promise<void> }> {
  const other = connect(address, { max: 1 });
  const [row] = await other<{ pid: number }[]>`select pg_backend_pid() as pid`;
  await other.unsafe("set application_name = 'a dump'");
  await other.unsafe("begin");
  await other.unsafe(`select from ${table}`);
  return { pid: row!.pid, end: () => other.end({ timeout: 1 }) };
}

Deno.test("migrate() gives way while others lock a table that it has to change, reports them once, and goes on when they are done", () =>
  withScene(async ({ address, folder, write, sql, ledger }) => {
    await write("0001_one.sql", "create table one (id int);");
    await migrate(address, folder);
    await write("0002_two.sql", "create table two (id int); alter table one add two int;");
    const dump = await holdTable(address, "one");
    const told: unknown[] = [];
    const isTold = Promise.withResolvers<void>();
    const onHeldUp = (holders: unknown) => (told.push(holders), isTold.resolve());
    const migrated = migrate(address, folder, { onHeldUp, retryMs: 10 });
    await isTold.promise;
    // Statements queued behind the migration wait only for a moment, not for the dump.
    for (let reads = 0; reads < 5; reads += 1) await sql`select from one`;
    deepEqual(await ledger(), ["0001_one.sql"]);
    await dump.end();
    deepEqual(await migrated, ["0002_two.sql"]);
    const backend_type = "client backend";
    deepEqual(told, [[{ pid: dump.pid, application_name: "a dump", backend_type }]]);
  }));

/** Applies the service's own migrations before this one to an empty database. */
async function migrateBefore({ address, folder, write }: Scene, name: string): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(MIGRATIONS));
  for (const one of entries.map((entry) => entry.name).filter((one) => one < name)) {
    await write(one, await Deno.readTextFile(new URL(one, MIGRATIONS)));
  }
  await migrate(address, folder);
}

Deno.test("0014_deleted_accounts.sql blocks no lookup of people while it waits for a lock on another table", () =>
  withScene(async (scene) => {
    const { address, sql, ledger } = scene;
    await migrateBefore(scene, "0014");
    for (const table of ["contacts", "conversations"]) {
      const dump = await holdTable(address, table);
      const isStopped = Promise.withResolvers<void>();
      const migrated = migrate(address, MIGRATIONS, { stop: isStopped.promise });
      migrated.catch(() => {});
      await eventually(async () => {
        const waiting = await sql`
          select from pg_locks where relation = ${table}::regclass and not granted`;
        equal(waiting.length, 1);
      });
      const found = await sql.begin(async (sql) => {
        await sql`set local lock_timeout = 100`;
        return await sql`select from users for key share`;
      }).then(() => "found", (error: Error) => error.message);
      isStopped.resolve();
      await rejects(migrated, /Stopped while/);
      await dump.end();
      equal(found, "found", table);
    }
    ok(!(await ledger()).some((name) => name > "0014"));
  }));

Deno.test("0014_deleted_accounts.sql scans no table while it locks them, and yet checks what is written later", () =>
  withScene(async (scene) => {
    const { sql } = scene;
    await migrateBefore(scene, "0014");
    await sql`insert into users (phone_number, status, created_at) values ('+14155550101', 'active', now())`;
    const text = await Deno.readTextFile(new URL("0014_deleted_accounts.sql", MIGRATIONS));
    await sql.begin(async (sql) => {
      const scans = async () => {
        const [row] = await sql<{ scans: number }[]>`
          select coalesce(sum(seq_scan), 0)::int as scans
          from pg_stat_xact_user_tables
          where relname in ('users', 'contacts', 'conversations', 'invites', 'sessions')`;
        return row!.scans;
      };
      const [before, behind] = text.split(/^(?=lock table)/m);
      await sql.unsafe(before!);
      const scansBefore = await scans();
      await sql.unsafe(behind!);
      equal(await scans(), scansBefore);
      throw new Error("Undone");
    }).catch((error) => equal(error.message, "Undone"));
    await migrate(scene.address, MIGRATIONS);
    await rejects(sql`update users set status = 'deleted'`, /users_number_check/);
    await rejects(sql`update users set phone_number = null`, /users_number_check/);
    await rejects(sql`update users set status = 'gone'`, /users_status_check/);
    await sql`update users set status = 'deleted', phone_number = null`;
  }));

Deno.test("migrate() that is told to stop does not wait for others who lock a table it has to change", () =>
  withScene(async ({ address, folder, write, tables }) => {
    await write("0001_one.sql", "create table one (id int);");
    await migrate(address, folder);
    await write("0002_two.sql", "create table two (id int); alter table one add two int;");
    const dump = await holdTable(address, "one");
    const stop = Promise.withResolvers<void>();
    const migrating = migrate(address, folder, { stop: stop.promise, onHeldUp: () => stop.resolve() });
    await rejects(migrating, /^Error: Stopped while others were using tables that have to change/);
    deepEqual(await tables(), ["migrations", "one"]);
    await dump.end();
  }));

Deno.test("migrate() says what a role that may not create tables lacks, and what to do", () =>
  withScene(async ({ address, folder, write, sql }) => {
    await write("0001_one.sql", "create table one (id int);");
    const { host, database } = address as { host: string; database: string };
    const role = `r_${crypto.randomUUID().replaceAll("-", "")}`;
    await sql.unsafe(`create role ${role} login`);
    try {
      const url = `postgres://${role}@localhost/${database}?host=${encodeURIComponent(host)}`;
      await rejects(
        migrate(url, folder),
        /^Error: DATABASE_URL: Cannot migrate: permission denied for schema public\. Make its role the owner of the database/,
      );
    } finally {
      await sql.unsafe(`drop role ${role}`);
    }
  }));

Deno.test("migrate() makes no second set of tables in a schema that now precedes that of the first", () =>
  withScene(async ({ address, folder, write, sql }) => {
    await write("0001_one.sql", "create table one (id int);");
    await migrate(address, folder);
    await sql.unsafe(`create schema puffintalk`);
    await rejects(
      migrate(address, folder),
      /the tables are in schema "public", but new ones .* in "puffintalk"/,
    );
    await sql.unsafe(`drop schema puffintalk`);
    deepEqual(await migrate(address, folder), []);
  }));

Deno.test("migrate() may take longer than the transaction_timeout of its database, if the server has that setting", () =>
  withScene(async ({ address, folder, write, sql }) => {
    const { database } = address as { database: string };
    const [known] = await sql`select from pg_settings where name = 'transaction_timeout'`;
    if (known) await sql.unsafe(`alter database ${database} set transaction_timeout = '300ms'`);
    await write("0001_slow.sql", "create table one (id int); select pg_sleep(0.7);");
    deepEqual(await migrate(address, folder), ["0001_slow.sql"]);
  }));
