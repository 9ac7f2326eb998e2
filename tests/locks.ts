// Makes races deterministic: waits until statements are blocked by a lock of another transaction.

import type { Sql } from "../db/connection/database.ts";
import { equal } from "./assert.ts";
import { eventually, type TestApp } from "./support.ts";

/** A transaction that stays open for as long as `run` takes, with its locks: no timeout ends it. */
export async function holding(
  { sql }: Pick<TestApp, "sql">,
  run: (sql: Sql) => Promise<void>,
): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`set local idle_in_transaction_session_timeout = 0`;
    await run(sql);
  });
}

/** Resolves once `count` statements on this test's database are waiting for a lock. */
export async function untilWaiting({ sql }: Pick<TestApp, "sql">, count = 1): Promise<void> {
  await eventually(async () => {
    const [row] = await sql<{ waiting: number }[]>`
      select count(*)::int as waiting
      from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    equal(row!.waiting, count);
  });
}

/** Kills the connection of this test's database that is waiting for a lock, once there is one. */
export async function killWaiting({ sql }: Pick<TestApp, "sql">): Promise<void> {
  await eventually(async () => {
    const killed = await sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    equal(killed.length, 1);
  });
}
