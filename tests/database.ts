// A database of its own for every test, copied from a migrated template on the cluster that `deno task test` runs.

import { connect, type DatabaseAddress } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";

export const MIGRATIONS = new URL("../migrations/", import.meta.url);
const TEMPLATE = "puffintalk_template";
/** Two test files that start at once make the template once. */
const LOCK = 5_551_000;

type SocketAddress = Exclude<DatabaseAddress, string>;

function addressOf(database: string): SocketAddress {
  const host = Deno.env.get("TEST_DATABASE_HOST");
  if (!host) throw new Error("Cannot find the tests' database: run the tests by deno task test");
  return { host, port: 5432, user: "puffintalk", database };
}

let made: Promise<void> | null = null;

async function makeTemplate(): Promise<void> {
  const admin = connect(addressOf("puffintalk"), { max: 1 });
  try {
    await admin`select pg_advisory_lock(${LOCK}::bigint)`;
    const [known] = await admin`select 1 from pg_database where datname = ${TEMPLATE}`;
    if (known) return;
    await admin.unsafe(`create database ${TEMPLATE}_new`);
    await migrate(addressOf(`${TEMPLATE}_new`), MIGRATIONS);
    await admin.unsafe(`alter database ${TEMPLATE}_new rename to ${TEMPLATE}`);
  } finally {
    await admin.end({ timeout: 1 });
  }
}

export interface TestDatabase {
  address: SocketAddress;
  /** The same as DATABASE_URL, for services in processes of their own. */
  url: string;
  drop(): Promise<void>;
}

/** @param options `empty` for one without our tables */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  await (made ??= makeTemplate());
  const name = `t_${crypto.randomUUID().replaceAll("-", "")}`;
  const admin = connect(addressOf("puffintalk"), { max: 1 });
  await admin.unsafe(`create database ${name} ${empty ? "" : `template ${TEMPLATE}`}`);
  const address = addressOf(name);
  return {
    address,
    url: `postgres://${address.user}@localhost/${name}?host=${encodeURIComponent(address.host)}`,
    async drop() {
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end({ timeout: 1 });
    },
  };
}
