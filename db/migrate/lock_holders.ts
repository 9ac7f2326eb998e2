import type { Pool, Sql } from "../connection/database.ts";

/** A transaction that others wait for, as of a dump. */
export interface Holder {
  /** Its server process. */
  pid: number;
  application_name: string;
  /** As `client backend`; an `autovacuum worker` is ended by PostgreSQL when somebody has waited for deadlock_timeout. */
  backend_type: string;
}

const LOOK_MS = 200;

/** Collects who holds up this transaction while it works. @param watch another way to the same database */
export async function watchHolders<T>(
  sql: Sql,
  watch: Pool,
  holders: Map<number, Holder>,
  work: () => Promise<T>,
): Promise<T> {
  const [own] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const look = async () => {
    const found = await watch<Holder[]>`
      select pid, coalesce(application_name, '') as application_name, coalesce(backend_type, '') as backend_type
      from pg_stat_activity
      where pid = any(pg_blocking_pids(${own!.pid}))`;
    for (const holder of found) holders.set(holder.pid, holder);
  };
  // What it does not find out is only not told.
  const timer = setInterval(() => look().catch(() => {}), LOOK_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
