import type { Sql } from "./connection/database.ts";

/** Rows deleted per statement, so that it does not exceed its timeout. */
export const ROWS_AT_ONCE = 10_000;

const IS_OLD = {
  passcodes: (sql: Sql, before: Date) => sql`expires_at < ${before}`,
  limits: (sql: Sql, before: Date) => sql`last_hit_at < ${before}`,
  buckets: (sql: Sql, before: Date) => sql`full_at < ${before}`,
  paid_passcodes: (sql: Sql, before: Date) => sql`sent_at < ${before}`,
  tickets: (sql: Sql, before: Date) => sql`expires_at < ${before}`,
  sessions: (sql: Sql, before: Date) => sql`coalesce(ended_at, expires_at) < ${before}`,
};

/** A table whose rows are not needed any more once they are old. */
export type OldTable = keyof typeof IS_OLD;

/** Deletes up to ROWS_AT_ONCE old rows, skipping locked ones, and returns how many. */
export async function deleteOld(sql: Sql, table: OldTable, before: Date): Promise<number> {
  const deleted = await sql`
    delete from ${sql(table)}
    where ctid = any(array(
      select ctid
      from ${sql(table)}
      where ${IS_OLD[table](sql, before)}
      limit ${ROWS_AT_ONCE}
      for update skip locked
    ))`;
  return deleted.count;
}
