// Deletes an account in one transaction: the identity of its user, its pairs with the lists of both sides,
// and its sessions. Its messages are then out of everybody's reach, and are erased later (`erasures.ts`).

import type { Sql } from "./connection/database.ts";

/** A pair that was deleted with an account, from the other side's view. */
export interface LostPeer {
  peer_id: number;
  /** Whether to notify the peer: their list showed the account, and they do not refuse it. */
  is_told: boolean;
  /** Whether the two ever exchanged messages. */
  has_messages: boolean;
}

/** Locks all pairs of a user, in the order of ids as everywhere, and returns their ids. */
export async function lockPairsOf(sql: Sql, userId: number): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id
    from conversations
    where id = any(array(
      select id from conversations where low_id = ${userId}
      union all
      select id from conversations where high_id = ${userId}
    ))
    order by id
    for update`;
  return rows.map(({ id }) => id);
}

/**
 * Locks an account until the transaction ends: no session, pair, invitation or media of it can begin
 * meanwhile. Null if it is already deleted, or suspended.
 */
export async function lockAccount(sql: Sql, userId: number): Promise<{ phone_number: string } | null> {
  const [user] = await sql<{ phone_number: string }[]>`
    select phone_number
    from users
    where id = ${userId} and status in ('active', 'leaving')
    for update`;
  return user ?? null;
}

/** Users that the operator has marked for deletion (status `leaving`). */
export async function listLeaving(sql: Sql): Promise<{ id: number }[]> {
  return await sql<{ id: number }[]>`
    select id
    from users
    where status = 'leaving'
    order by id`;
}

/** The number of a user's pairs. */
export async function countPairsOf(sql: Sql, userId: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select (select count(*) from conversations where low_id = ${userId}) +
      (select count(*) from conversations where high_id = ${userId}) as count`;
  return row!.count;
}

/**
 * Deletes these pairs of a user with the list entries of both sides, and queues their messages for erasure.
 */
export async function deletePairs(sql: Sql, userId: number, ids: number[]): Promise<LostPeer[]> {
  return await sql<LostPeer[]>`
    with pair as (
      delete from conversations
      where id = any(${ids}::bigint[])
      returning id, last_message_at,
        case low_id when ${userId} then high_id else low_id end as peer_id,
        case low_id when ${userId} then high_intent else low_intent end as peer_intent
    ), mine as (
      delete from contacts
      where owner_id = ${userId}
    ), theirs as (
      delete from contacts
      using pair
      where contacts.owner_id = pair.peer_id and contacts.peer_id = ${userId}
      returning contacts.owner_id
    ), doomed as (
      insert into erasures (conversation_id)
      select id
      from pair
      where last_message_at is not null
    )
    select pair.peer_id, theirs.owner_id is not null and pair.peer_intent <> 'refuse' as is_told,
      pair.last_message_at is not null as has_messages
    from pair
    left join theirs on theirs.owner_id = pair.peer_id`;
}

/** Ends all sessions of a user and returns their ids. Locks them in the same order as `touchSessions`. */
export async function endSessionsOf(sql: Sql, userId: number, now: Date): Promise<{ id: string }[]> {
  return await sql<{ id: string }[]>`
    with live as materialized (
      select id
      from sessions
      where user_id = ${userId} and ended_at is null
      order by id
      for no key update
    )
    update sessions
    set ended_at = ${now}
    from live
    where sessions.id = live.id
    returning sessions.id`;
}

/**
 * Dates a user's media and uploads back, so that the sweep deletes them as soon as no message carries them.
 * Locks them in the same order as erasures do.
 */
export async function ageMediaOf(sql: Sql, userId: number, touchedAt: Date): Promise<void> {
  await sql`
    with young as materialized (
      select id
      from media
      where owner_id = ${userId} and touched_at > ${touchedAt}
      order by id
      for no key update
    )
    update media
    set touched_at = ${touchedAt}
    from young
    where media.id = young.id`;
}

/**
 * Removes everything from the row that identifies the person, and so frees the number. A new column that says
 * something about a person has to be cleared here.
 */
export async function forgetUser(sql: Sql, userId: number): Promise<void> {
  await sql`
    update users
    set status = 'deleted', phone_number = null
    where id = ${userId}`;
}

/**
 * Creates a user without an account, like an invited one, that inherits the number of a deleted user with
 * what has to outlive the account: refusals of that number, and invitations from and to it, which limits
 * count. Null if there is nothing to inherit.
 */
export async function insertHeir(
  sql: Sql,
  { user_id, phone, now }: { user_id: number; phone: string; now: Date },
): Promise<{ id: number } | null> {
  const [heir] = await sql<{ id: number }[]>`
    insert into users (phone_number, status, created_at)
    select ${phone}, 'invited', ${now}
    where exists (select from invites where inviter_id = ${user_id})
      or exists (select from invites where invitee_id = ${user_id})
      or exists (select from sides where me_id = ${user_id} and theirs = 'refuse')
    returning id`;
  return heir ?? null;
}

/** Moves invitations to the heir and marks them as past: they only count for limits. */
export async function passInvites(sql: Sql, userId: number, heirId: number): Promise<void> {
  await sql`
    update invites
    set inviter_id = case inviter_id when ${userId} then ${heirId} else inviter_id end,
      invitee_id = case invitee_id when ${userId} then ${heirId} else invitee_id end,
      is_past = true
    where id = any(array(
      select id from invites where inviter_id = ${userId}
      union all
      select id from invites where invitee_id = ${userId}
    ))`;
}

/**
 * Moves refusals to the heir: a refusal applies to the number and stays on the refusing user's list, so
 * deleting an account does not get around it.
 */
export async function passRefusals(sql: Sql, userId: number, heirId: number): Promise<void> {
  await sql`
    with refusing as materialized (
      select peer_id
      from sides
      where me_id = ${userId} and theirs = 'refuse'
    ), made as (
      insert into conversations (low_id, high_id, low_intent, high_intent)
      select least(peer_id, ${heirId}), greatest(peer_id, ${heirId}),
        (case when peer_id < ${heirId} then 'refuse' else 'none' end)::intent,
        (case when peer_id < ${heirId} then 'none' else 'refuse' end)::intent
      from refusing
      returning id, low_id, high_id
    )
    insert into contacts (owner_id, peer_id, conversation_id, display_name, changed_at)
    select c.owner_id, ${heirId}, made.id, c.display_name, c.changed_at
    from refusing
    join made on made.low_id = least(refusing.peer_id, ${heirId}) and made.high_id = greatest(refusing.peer_id, ${heirId})
    join contacts c on c.owner_id = refusing.peer_id and c.peer_id = ${userId}`;
}
