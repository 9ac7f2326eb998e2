import type { Pool, Sql } from "../connection/database.ts";

/** A transaction that others wait for, such as a dump. */
export interface Holder {
  /** Pid of its server process. */
  pid: number;
  application_name: string;
  /**
   * For example `client backend`. PostgreSQL itself ends an `autovacuum worker` when somebody has waited for
   * deadlock_timeout.
   */
  backend_type: string;
}

const LOOK_MS = 200;

/**
 * Collects which transactions this one waits for, while `work` runs.
 * @param watch another connection to the same database
 */
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
  // If a check fails, the holders are just not reported.
  const timer = setInterval(() => look().catch(() => {}), LOOK_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
