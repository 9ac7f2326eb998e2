// Who is owed a wake. The row of the subscription is the queue: a wake is noted there, taken from there before it is
// sent, and put back with a later time where it has to be tried again.

import type { Subscription } from "./push.ts";
import type { Sql } from "../connection/database.ts";

export type WakeEvent = "messages_updated" | "contacts_updated";

/** Whom to wake: a user in all his sessions, or in this one. */
export interface Owed {
  user_id: number;
  session_id: string | null;
  wake_for: WakeEvent;
}

export interface Wake extends Subscription {
  session_id: string;
  /** Of its push service, with the port where it is none of https. */
  host: string;
  wake_for: WakeEvent;
  /** How often its push service has failed in a row. */
  failures: number;
  /** `present`: it has a socket by now; `over`: its session, or itself, has expired. */
  state: "away" | "present" | "over";
}

/** How many wakes may be taken for this host. */
export interface Room {
  host: string;
  room: number;
}

/**
 * Notes that these users' subscribed sessions are to be woken, those of them without a socket at this process: in `afterMs`,
 * but not before a minute since the last time, not while a new subscription's socket may be unknown, and not while
 * another process is believed to have one; should that be alive, it takes the wake back. One that is owed already
 * stays so, unwritten; a message is the greater news.
 */
export async function oweWakes(
  sql: Sql,
  wakes: Owed[],
  { process, now, afterMs, everyMs, settlesMs }: {
    process: string;
    now: Date;
    afterMs: number;
    everyMs: number;
    settlesMs: number;
  },
): Promise<void> {
  const later = (ms: number) => `${ms} milliseconds`;
  await sql`
    with told as (
      select user_id, session_id, wake_for
      from unnest(
        ${wakes.map((wake) => wake.user_id)}::bigint[],
        ${wakes.map((wake) => wake.session_id)}::text[],
        ${wakes.map((wake) => wake.wake_for)}::text[]
      ) as told (user_id, session_id, wake_for)
    ), owed as materialized (
      select p.session_id, told.wake_for, present.until
      from told
      join push_subscriptions p on p.user_id = told.user_id
      cross join lateral (
        select max(here.until) as until, coalesce(bool_or(here.process = ${process}), false) as is_here
        from push_presences here
        where here.session_id = p.session_id and here.until > ${now}
      ) present
      where p.session_id = coalesce(told.session_id, p.session_id)
        and (p.wake_for is null or p.wake_for <> told.wake_for)
        and not present.is_here
      order by p.session_id
      for no key update of p
    )
    update push_subscriptions p
    set wake_at = coalesce(p.wake_at, greatest(
        ${now}::timestamptz + ${later(afterMs)}::interval,
        p.woken_at + ${later(everyMs)}::interval,
        p.created_at + ${later(settlesMs)}::interval,
        owed.until
      )),
      wake_for = case when p.wake_for = 'messages_updated' then p.wake_for else owed.wake_for end
    from owed
    where p.session_id = owed.session_id`;
}

/**
 * Takes wakes that are due, oldest first, for each host as many as it has room for: `share` where `rooms` says nothing else.
 * The others stay due. Each is taken once, by one process: a crash from here on loses it.
 */
export async function takeWakes(
  sql: Sql,
  { now, public_key, count, rooms, share }: {
    now: Date;
    public_key: string;
    count: number;
    rooms: Room[];
    share: number;
  },
): Promise<Wake[]> {
  // From one host to the next by the index, so that what waits for one is not read again and again.
  return await sql<Wake[]>`
    with recursive hosts as (
      (
        select p.host
        from push_subscriptions p
        where p.wake_at is not null
        order by p.host
        limit 1
      )
      union all
      select (
        select p.host
        from push_subscriptions p
        where p.wake_at is not null and p.host > hosts.host
        order by p.host
        limit 1
      )
      from hosts
      where hosts.host is not null
    ), due as materialized (
      select p.session_id, p.wake_for,
        case
          when s.expires_at <= ${now} or p.expires_at <= ${now} then 'over'
          when exists (
            select from push_presences here
            where here.session_id = p.session_id and here.until > ${now}
          ) then 'present'
          else 'away'
        end as state
      from hosts
      left join unnest(
        ${rooms.map((room) => room.host)}::text[],
        ${rooms.map((room) => room.room)}::int[]
      ) as known (host, room) on known.host = hosts.host
      cross join lateral (
        select p.session_id, p.wake_for, p.wake_at, p.expires_at
        from push_subscriptions p
        where p.host = hosts.host and p.wake_at <= ${now} and p.public_key = ${public_key}
        order by p.wake_at
        limit coalesce(known.room, ${share})
        for no key update skip locked
      ) p
      join sessions s on s.id = p.session_id
      order by p.wake_at
      limit ${count}
    )
    update push_subscriptions p
    set wake_at = null, wake_for = null,
      woken_at = case when due.state = 'away' then ${now} else p.woken_at end
    from due
    where p.session_id = due.session_id
    returning p.session_id, p.host, p.endpoint, p.p256dh, p.auth, p.failures, due.wake_for, due.state`;
}

/** Notes that the push service took it. */
export async function noteWoken(sql: Sql, { session_id, endpoint }: Wake): Promise<void> {
  await sql`
    update push_subscriptions
    set failures = 0
    where session_id = ${session_id} and endpoint = ${endpoint} and failures > 0`;
}

/** Puts a wake back for later, unless it is owed again already; with null as `at` only the failure is counted. */
export async function noteFailed(
  sql: Sql,
  { session_id, endpoint, wake_for }: Wake,
  at: Date | null,
): Promise<void> {
  await sql`
    update push_subscriptions
    set failures = least(failures + 1, 100),
      wake_at = case when ${at}::timestamptz is null then wake_at else greatest(wake_at, ${at}) end,
      wake_for = case when ${at}::timestamptz is null then wake_for else coalesce(wake_for, ${wake_for}) end
    where session_id = ${session_id} and endpoint = ${endpoint}`;
}
