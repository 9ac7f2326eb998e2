// Meeting the moments that parallel tests meet only by chance: what waits for a lock of another transaction.

import { equal } from "./assert.ts";
import { eventually, type TestApp } from "./support.ts";

/** Resolves once so many statements on this test's database wait for a lock. */
export async function untilWaiting({ sql }: Pick<TestApp, "sql">, count = 1): Promise<void> {
  await eventually(async () => {
    const [row] = await sql<{ waiting: number }[]>`
      select count(*)::int as waiting
      from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    equal(row!.waiting, count);
  });
}

/** Kills the one connection of this test's database that waits for a lock, once there is one. */
export async function killWaiting({ sql }: Pick<TestApp, "sql">): Promise<void> {
  await eventually(async () => {
    const killed = await sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    equal(killed.length, 1);
  });
}
