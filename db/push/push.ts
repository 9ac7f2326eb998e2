// The Web Push subscriptions of sessions.

import type { Sql } from "../connection/database.ts";

/** A browser's subscription, with the keys of RFC 8291. */
export interface Subscription {
  endpoint: string;
  p256dh: string;
  auth: string;
}

/**
 * Sets the subscription of a session, within a transaction. If another session has the same subscription, it
 * is taken over: it is the same browser, since only that knows its keys. Null if the session has ended.
 */
export async function saveSubscription(
  sql: Sql,
  { session_id, endpoint, p256dh, auth, public_key, expires_at, now }: Subscription & {
    session_id: string;
    public_key: string;
    expires_at: Date | null;
    now: Date;
  },
): Promise<{ session_id: string } | null> {
  // Serialises changes of an endpoint, so that two sessions of a browser cannot both get it.
  await sql`
    select pg_advisory_xact_lock(hashtextextended(${endpoint}, 0))`;
  // Serialises changes of a session. A session that ends meanwhile either ends before this, or after it and
  // takes the subscription with it.
  const [live] = await sql<{ user_id: number }[]>`
    select user_id
    from sessions
    where id = ${session_id} and ended_at is null and expires_at > ${now}
    for no key update`;
  if (!live) return null;
  // In the order that is used everywhere; otherwise two sessions that take over each other's subscription
  // could deadlock.
  await sql`
    select session_id
    from push_subscriptions
    where session_id = ${session_id} or endpoint = ${endpoint} and p256dh = ${p256dh} and auth = ${auth}
    order by session_id
    for update`;
  await sql`
    delete from push_subscriptions
    where endpoint = ${endpoint} and p256dh = ${p256dh} and auth = ${auth} and session_id <> ${session_id}`;
  await sql`
    insert into push_subscriptions
      (session_id, user_id, endpoint, p256dh, auth, public_key, expires_at, created_at)
    values
      (${session_id}, ${live.user_id}, ${endpoint}, ${p256dh}, ${auth}, ${public_key}, ${expires_at}, ${now})
    on conflict (session_id) do update
    set endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth,
      public_key = excluded.public_key, expires_at = excluded.expires_at, failures = 0`;
  return { session_id };
}

export async function deleteSubscription(sql: Sql, sessionId: string): Promise<void> {
  await sql`
    delete from push_subscriptions
    where session_id = ${sessionId}`;
}

/** Deletes the subscription unless the session has another one by now. */
export async function deleteEndpoint(sql: Sql, sessionId: string, endpoint: string): Promise<void> {
  await sql`
    delete from push_subscriptions
    where session_id = ${sessionId} and endpoint = ${endpoint}`;
}

/** Deletes subscriptions that have expired, or whose session has. Locked rows are left to the next run. */
export async function deleteExpired(sql: Sql, now: Date): Promise<void> {
  await sql`
    with expired as materialized (
      select p.session_id
      from push_subscriptions p
      join sessions s on s.id = p.session_id
      where s.expires_at <= ${now} or p.expires_at <= ${now}
      for update of p skip locked
    )
    delete from push_subscriptions p
    using expired
    where p.session_id = expired.session_id`;
}
