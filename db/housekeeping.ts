import type { Sql } from "./database.ts";

/** Deletes what no rule looks at any more. */
export async function sweep(
  sql: Sql,
  before: {
    passcodes: Date;
    limits: Date;
    buckets: Date;
    paid_passcodes: Date;
    sessions: Date;
    tickets: Date;
  },
): Promise<void> {
  await sql`
    delete from passcodes
    where expires_at < ${before.passcodes}`;
  await sql`
    delete from limits
    where last_hit_at < ${before.limits}`;
  await sql`
    delete from buckets
    where key in (select key from buckets where full_at < ${before.buckets} for update skip locked)`;
  await sql`
    delete from paid_passcodes
    where sent_at < ${before.paid_passcodes}`;
  await sql`
    delete from tickets
    where expires_at < ${before.tickets}`;
  await sql`
    delete from sessions
    where coalesce(ended_at, expires_at) < ${before.sessions}`;
}
