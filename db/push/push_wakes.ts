// The queue of wakes, kept in the rows of subscriptions: a wake is noted there, taken before it is sent, and
// put back with a later time if it has to be retried.

import type { Sql } from "../connection/database.ts";
import type { Subscription } from "./push.ts";

export type WakeEvent = "messages_updated" | "contacts_updated";

/** Whom to wake: all sessions of a user, or one session of theirs. */
export interface Owed {
  user_id: number;
  session_id: string | null;
  wake_for: WakeEvent;
}

export interface Wake extends Subscription {
  session_id: string;
  /** Host of the push service, with the port unless it is the one of https. */
  host: string;
  wake_for: WakeEvent;
  /** Failures of the push service in a row. */
  failures: number;
  /** `present`: the session has a socket by now; `over`: the session or the subscription has expired. */
  state: "away" | "present" | "over";
}

/** How many wakes may be taken for a host. */
export interface Room {
  host: string;
  room: number;
}

/**
 * Queues wakes for those subscribed sessions of these users that have no socket on this process. A wake is
 * due in `afterMs`, but not within `everyMs` of the last one, not within `settlesMs` of subscribing, when the
 * session's socket may not be known yet, and not while another process is believed to have a socket of the
 * session; if that process is alive, it cancels the wake. A wake that is already queued is not written again,
 * except that a message replaces a lesser reason.
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
    ), greatest_owed as (
      -- If a session is owed one wake of its user and one of its own, the message wins: its name is the greater text.
      select session_id, max(wake_for) as wake_for, max(until) as until
      from owed
      group by session_id
    )
    update push_subscriptions p
    set wake_at = coalesce(p.wake_at, greatest(
        ${now}::timestamptz + ${later(afterMs)}::interval,
        p.woken_at + ${later(everyMs)}::interval,
        p.created_at + ${later(settlesMs)}::interval,
        owed.until
      )),
      wake_for = case when p.wake_for = 'messages_updated' then p.wake_for else owed.wake_for end
    from greatest_owed as owed
    where p.session_id = owed.session_id`;
}

/**
 * Takes due wakes, oldest first, and for each host as many as it has room for: `share` unless `rooms` says
 * otherwise. The others stay due. Each wake is taken once, by one process; a crash after this loses it.
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
  // Walks from host to host by the index, so that a backlog for one host is not scanned again and again.
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

/** Records that the push service accepted the wake. */
export async function noteWoken(sql: Sql, { session_id, endpoint }: Wake): Promise<void> {
  await sql`
    update push_subscriptions
    set failures = 0
    where session_id = ${session_id} and endpoint = ${endpoint} and failures > 0`;
}

/**
 * Counts a failure and puts the wake back for `at`, unless a new one is queued already; if `at` is null only
 * the failure is counted.
 */
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
