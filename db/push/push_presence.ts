// Records which subscribed sessions have a socket, and on which process.

import type { Sql } from "../connection/database.ts";

/**
 * Records that these sessions have a socket on this process until `until`, and cancels their pending wakes.
 * Returns the ones that are subscribed.
 */
export async function notePresent(
  sql: Sql,
  { session_ids, process, until }: { session_ids: string[]; process: string; until: Date },
): Promise<{ session_id: string }[]> {
  return await sql<{ session_id: string }[]>`
    with own as materialized (
      select session_id
      from push_subscriptions
      where session_id = any(${session_ids}::text[])
      order by session_id
      for no key update
    ), settled as (
      update push_subscriptions p
      set wake_at = null, wake_for = null
      from own
      where p.session_id = own.session_id and p.wake_at is not null
    )
    insert into push_presences (session_id, process, until)
    select session_id, ${process}, ${until}
    from own
    on conflict (session_id, process) do update
    set until = excluded.until
    returning session_id`;
}

/**
 * Records that these sessions have no socket on this process any more. Wakes that were queued for the case
 * that this process had died are cancelled: it knows itself what the sessions have missed.
 */
export async function noteGone(sql: Sql, sessionIds: string[], process: string): Promise<void> {
  // Subscriptions are locked before presences, as when a subscription is deleted: a CTE that nothing reads
  // from runs last.
  await sql`
    with own as materialized (
      select session_id
      from push_subscriptions
      where session_id = any(${sessionIds}::text[]) and wake_at is not null
      order by session_id
      for no key update
    ), gone as (
      delete from push_presences
      where session_id = any(${sessionIds}::text[]) and process = ${process}
    )
    update push_subscriptions p
    set wake_at = null, wake_for = null
    from own
    where p.session_id = own.session_id`;
}

/** Deletes expired entries, which processes left behind. */
export async function deleteOldPresences(sql: Sql, now: Date): Promise<void> {
  await sql`
    delete from push_presences
    where until <= ${now}`;
}
