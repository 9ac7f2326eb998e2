// Tickets, stored by their hash; each opens one WebSocket for a session.

import type { Sql } from "./connection/database.ts";

/** The session and user that a ticket is for. */
export interface TicketHolder {
  session_id: string;
  user_id: number;
  phone_number: string;
}

/**
 * Stores a ticket of a live session, and deletes that session's expired tickets and its oldest ones beyond
 * `max`. Rows are locked in the order of hashes, so that two statements cannot deadlock. Null if the session
 * has ended.
 */
export async function insertTicket(
  sql: Sql,
  ticket: { hash: Uint8Array; session_id: string; expires_at: Date; now: Date; max: number },
): Promise<{ session_id: string } | null> {
  const [stored] = await sql<{ session_id: string }[]>`
    with dropped as (
      delete from tickets
      where hash in (
        select hash
        from tickets
        where session_id = ${ticket.session_id}
          and hash not in (
            select hash
            from tickets
            where session_id = ${ticket.session_id} and expires_at > ${ticket.now}
            order by expires_at desc
            limit ${ticket.max - 1}
          )
        order by hash
        for update
      )
    )
    insert into tickets (hash, session_id, expires_at)
    select ${ticket.hash}, id, ${ticket.expires_at}
    from sessions
    where id = ${ticket.session_id} and ended_at is null and expires_at > ${ticket.now}
    returning session_id`;
  return stored ?? null;
}

/** The holder of a ticket that could be used now; null for any other ticket. */
export async function findTicket(sql: Sql, hash: Uint8Array, now: Date): Promise<TicketHolder | null> {
  const [found] = await sql<TicketHolder[]>`
    select t.session_id, s.user_id, u.phone_number
    from tickets t
    join sessions s on s.id = t.session_id
    join users u on u.id = s.user_id
    where t.hash = ${hash}
      and t.expires_at > ${now}
      and s.ended_at is null
      and s.expires_at > ${now}
      and u.status = 'active'`;
  return found ?? null;
}

/**
 * Uses a ticket up, in one statement, so that only one of several parallel requests succeeds. Null for a
 * ticket that cannot be used.
 */
export async function takeTicket(sql: Sql, hash: Uint8Array, now: Date): Promise<TicketHolder | null> {
  const [taken] = await sql<TicketHolder[]>`
    delete from tickets t
    using sessions s, users u
    where t.hash = ${hash}
      and t.expires_at > ${now}
      and s.id = t.session_id
      and s.ended_at is null
      and s.expires_at > ${now}
      and u.id = s.user_id
      and u.status = 'active'
    returning t.session_id, s.user_id, u.phone_number`;
  return taken ?? null;
}
