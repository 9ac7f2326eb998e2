// Which subscribed sessions have a socket, at which process.

import type { Sql } from "../connection/database.ts";

/** Notes that these sessions have a socket here; who has one is owed no wake. Which of them are subscribed. */
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
 * Notes that these sessions have no socket here any more. What was owed them in case this process had died is owed no
 * more: it knows itself what they have missed.
 */
export async function noteGone(sql: Sql, sessionIds: string[], process: string): Promise<void> {
  // Subscriptions before presences, as whoever deletes a subscription: what nothing reads from is run last.
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

/** Takes away what processes left behind. */
export async function deleteOldPresences(sql: Sql, now: Date): Promise<void> {
  await sql`
    delete from push_presences
    where until <= ${now}`;
}
