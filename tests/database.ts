// A database of its own for every test, copied from a migrated template on the cluster that `deno task test`
// starts.

import { connect, type DatabaseAddress, type Pool } from "../db/connection/database.ts";
import { migrate } from "../db/migrate/migrate.ts";

export const MIGRATIONS = new URL("../migrations/", import.meta.url);
const TEMPLATE = "puffintalk_template";
/** Advisory lock: test files that start at once create the template only once. */
const LOCK = 5_551_000;

type SocketAddress = Exclude<DatabaseAddress, string>;

function addressOf(database: string): SocketAddress {
  const host = Deno.env.get("TEST_DATABASE_HOST");
  if (!host) throw new Error("Cannot find the tests' database: run the tests by deno task test");
  return { host, port: 5432, user: "puffintalk", database };
}

/**
 * One connection to the cluster for all tests of a file: connecting takes longer than most of the queries.
 */
let connection: Pool | undefined;

function cluster(): Pool {
  return connection ??= connect(addressOf("puffintalk"), { max: 1, takesArrays: false });
}

Deno.test.afterAll(() => connection?.end({ timeout: 1 }));

let made: Promise<void> | null = null;

async function makeTemplate(): Promise<void> {
  const sql = cluster();
  await sql`select pg_advisory_lock(${LOCK}::bigint)`;
  try {
    const [known] = await sql`select 1 from pg_database where datname = ${TEMPLATE}`;
    if (known) return;
    const name = `${TEMPLATE}_new`;
    await sql.unsafe(`create database ${name}`);
    await migrate(addressOf(name), MIGRATIONS);
    await sql.unsafe(`comment on database ${name} is '${await askInside(name, fingerprint)}'`);
    await sql.unsafe(`alter database ${name} rename to ${TEMPLATE}`);
  } finally {
    await sql`select pg_advisory_unlock(${LOCK}::bigint)`;
  }
}

/** Runs a query inside a database, over a connection of its own. */
async function askInside<Answer>(name: string, ask: (sql: Pool) => Promise<Answer>): Promise<Answer> {
  const sql = connect(addressOf(name), { max: 1, takesArrays: false });
  try {
    return await ask(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

export interface TestDatabase {
  address: SocketAddress;
  /** The database as a DATABASE_URL, for services in processes of their own. */
  url: string;
  drop(): Promise<void>;
}

/**
 * Databases of earlier tests that have been emptied and can be used again: a copy takes 90 ms, emptying 10.
 */
const wiped: string[] = [];

/** @param options `empty` for a database without the service's tables */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  await (made ??= makeTemplate());
  const name = (empty ? undefined : wiped.pop()) ?? await copyTemplate(empty);
  const address = addressOf(name);
  return {
    address,
    url: `postgres://${address.user}@localhost/${name}?host=${encodeURIComponent(address.host)}`,
    async drop() {
      if (!empty && await wipe(name)) wiped.push(name);
      else await cluster().unsafe(`drop database ${name} with (force)`);
    },
  };
}

async function copyTemplate(empty: boolean): Promise<string> {
  const name = `t_${crypto.randomUUID().replaceAll("-", "")}`;
  await cluster().unsafe(`create database ${name} ${empty ? "" : `template ${TEMPLATE}`}`);
  return name;
}

/**
 * Deletes all rows. False if the test has changed more than rows, so that the database cannot be used again.
 */
async function wipe(name: string): Promise<boolean> {
  shape ??= await shapeOfTemplate();
  await cluster()`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
  return await askInside(name, async (sql) => {
    if (await fingerprint(sql) !== shape) return false;
    const tables = await sql<{ name: string }[]>`
      select quote_ident(relname) as name
      from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'migrations'`;
    await sql.unsafe(`
      begin;
      set local session_replication_role = replica;
      ${tables.map(({ name }) => `delete from ${name};`).join("\n")}
      select setval(oid, 1, false) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S';
      select lo_unlink(oid) from pg_largeobject_metadata;
      commit`);
    return true;
  }).catch(() => false);
}

let shape: string | undefined;

async function shapeOfTemplate(): Promise<string> {
  const [template] = await cluster()<{ shape: string | null }[]>`
    select shobj_description(oid, 'pg_database') as shape from pg_database where datname = ${TEMPLATE}`;
  if (!template?.shape) throw new Error("The tests' template does not say what it is like");
  return template.shape;
}

/**
 * A hash of the schema: tables, columns, constraints, triggers, functions, settings, and the ledger of
 * migrations.
 */
async function fingerprint(sql: Pool): Promise<string> {
  const [row] = await sql<{ shape: string }[]>`
    select md5(concat(
      (select string_agg(concat(oid, relname, relkind, relnatts, relchecks, relhasrules), ',' order by oid)
        from pg_class where relnamespace = 'public'::regnamespace),
      (select string_agg(concat(attrelid, attname, atttypid, attnotnull, attisdropped), ',' order by attrelid, attnum)
        from pg_attribute where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)),
      (select string_agg(concat(oid, conname), ',' order by oid) from pg_constraint),
      (select string_agg(concat(oid, tgname, tgenabled), ',' order by oid) from pg_trigger),
      (select string_agg(concat(oid, proname, md5(prosrc)), ',' order by oid)
        from pg_proc where pronamespace = 'public'::regnamespace),
      (select count(*) from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())),
      (select string_agg(concat(name, checksum), ',' order by name) from migrations)
    )) as shape`;
  return row!.shape;
}
