// Deleting an account, in one transaction: who had it, what he and others see of each other, his sessions. What the two
// of each pair wrote is out of everybody's reach with that, and is erased afterwards (`erasures.ts`).

import type { Sql } from "./connection/database.ts";

/** A pair that went with an account, as its other side knew it. */
export interface LostPeer {
  peer_id: number;
  /** Whether he is to hear of it: his list showed the account, and he does not refuse it. */
  is_told: boolean;
  /** Whether the two ever wrote to each other. */
  has_messages: boolean;
}

/** Locks all pairs of a user, in the order of their ids as everybody does, and says which. */
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
 * Locks an account until the transaction ends: no session, pair, invitation or media of it begins meanwhile. Null where it is
 * deleted already, or suspended.
 */
export async function lockAccount(sql: Sql, userId: number): Promise<{ phone_number: string } | null> {
  const [user] = await sql<{ phone_number: string }[]>`
    select phone_number
    from users
    where id = ${userId} and status in ('active', 'leaving')
    for update`;
  return user ?? null;
}

/** The users whom the operator has marked for deletion (`leaving`). */
export async function listLeaving(sql: Sql): Promise<{ id: number }[]> {
  return await sql<{ id: number }[]>`
    select id
    from users
    where status = 'leaving'
    order by id`;
}

/** How many pairs a user has. */
export async function countPairsOf(sql: Sql, userId: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select (select count(*) from conversations where low_id = ${userId}) +
      (select count(*) from conversations where high_id = ${userId}) as count`;
  return row!.count;
}

/** Takes these pairs of a user away, with both sides' rows, and notes whose messages are to be erased. */
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

/** Ends all sessions of a user, and says which; one after the other in the order of `touchSessions`. */
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
 * Makes a user's media and uploads old, so that the sweep takes them as soon as no message carries them; one after the other
 * in the order in which erasures touch them.
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

/** Takes from the row all that says who had the account, so that its number is free. A new column that says something of a person is emptied here. */
export async function forgetUser(sql: Sql, userId: number): Promise<void> {
  await sql`
    update users
    set status = 'deleted', phone_number = null
    where id = ${userId}`;
}

/**
 * Makes a user without an account, as one who was invited is, who inherits a deleted user's number and what has to outlive him:
 * that somebody refuses that number, and invitations of and to it, which limits count. Null where there is nothing to inherit.
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

/** Invitations are past from here on: they count, and are nothing else. */
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

/** Whoever refuses a user refuses his number, and his list goes on showing it: to delete an account is no way around that. */
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
