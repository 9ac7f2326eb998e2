// Sessions. A session is live until it is ended or expires, and while its user is active.

import type { Sql } from "./connection/database.ts";

export interface Session {
  id: string;
  user_id: number;
  phone_number: string;
  expires_at: Date;
  last_seen_at: Date;
}

export interface SessionRow {
  id: string;
  device: string;
  created_at: Date;
  last_seen_at: Date;
}

export async function insertSession(
  sql: Sql,
  session: { id: string; user_id: number; device: string; now: Date; expires_at: Date },
): Promise<void> {
  await sql`
    insert into sessions (id, user_id, device, created_at, last_seen_at, expires_at)
    values (${session.id}, ${session.user_id}, ${session.device}, ${session.now}, ${session.now},
      ${session.expires_at})`;
}

/** Keeps only live sessions of active users. */
export async function findLiveSessions(sql: Sql, ids: string[], now: Date): Promise<Session[]> {
  return await sql<Session[]>`
    select s.id, s.user_id, u.phone_number, s.expires_at, s.last_seen_at
    from sessions s
    cross join lateral (select phone_number, status from users where users.id = s.user_id limit 1) as u
    where s.id = any(${ids}::text[]) and ${isLive(sql, now)}`;
}

/** Keeps only sessions that are not live or do not exist: few, however many are asked for. */
export async function listDeadSessions(sql: Sql, ids: string[], now: Date): Promise<{ id: string }[]> {
  return await sql<{ id: string }[]>`
    select asked.id
    from unnest(${ids}::text[]) as asked (id)
    where not exists (
      select
      from sessions s
      join users u on u.id = s.user_id
      where s.id = asked.id and ${isLive(sql, now)}
    )`;
}

/** A condition on sessions s and their users u. */
function isLive(sql: Sql, now: Date) {
  return sql`s.ended_at is null and s.expires_at > ${now} and u.status = 'active'`;
}

/** Most recently used first. */
export async function listLiveSessions(sql: Sql, userId: number, now: Date): Promise<SessionRow[]> {
  return await sql<SessionRow[]>`
    select id, device, created_at, last_seen_at
    from sessions
    where user_id = ${userId}
      and ended_at is null
      and expires_at > ${now}
    order by last_seen_at desc, created_at desc, id`;
}

/** Null if the session has ended. */
export async function extendSession(
  sql: Sql,
  { id, now, expires_at }: { id: string; now: Date; expires_at: Date },
): Promise<{ id: string } | null> {
  const [session] = await sql<{ id: string }[]>`
    update sessions
    set expires_at = ${expires_at}, last_seen_at = ${now}
    where id = ${id} and ended_at is null and expires_at > ${now}
    returning id`;
  return session ?? null;
}

/** Ends a session of this user. Null if they have no such live session. */
export async function endSession(
  sql: Sql,
  { id, user_id, now }: { id: string; user_id: number; now: Date },
): Promise<{ id: string } | null> {
  const [session] = await sql<{ id: string }[]>`
    update sessions
    set ended_at = ${now}
    where id = ${id} and user_id = ${user_id} and ended_at is null and expires_at > ${now}
    returning id`;
  return session ?? null;
}

/**
 * Sessions that ended since `since` for any reason, including ones that a clock ahead of ours ended, up to
 * `aheadOf`.
 */
export async function listEndedSince(
  sql: Sql,
  { since, now, aheadOf }: { since: Date; now: Date; aheadOf: Date },
): Promise<{ id: string; user_id: number }[]> {
  return await sql<{ id: string; user_id: number }[]>`
    select id, user_id
    from sessions
    where coalesce(ended_at, expires_at) between ${since} and ${aheadOf}
      and (ended_at is not null or expires_at <= ${now})`;
}

/** Locks the rows in the order of ids, as the deletion of an account does, which ends several sessions. */
export async function touchSessions(sql: Sql, ids: string[], now: Date): Promise<void> {
  await sql`
    with touched as materialized (
      select id
      from sessions
      where id = any(${ids}::text[]) and last_seen_at < ${now}
      order by id
      for no key update
    )
    update sessions
    set last_seen_at = ${now}
    from touched
    where sessions.id = touched.id`;
}
