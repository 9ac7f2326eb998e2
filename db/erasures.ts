// Erases messages whose conversation was deleted with an account, in steps until none is left.

import type { Sql } from "./connection/database.ts";

/** Conversations and messages per step, so that no statement exceeds its timeout. */
const CONVERSATIONS_AT_ONCE = 20;
const MESSAGES_AT_ONCE = 1_000;

/**
 * Erases some messages, within a transaction, and returns how many; null if nothing is left that no other
 * process is working on. Their media are left to the sweep: those of deleted accounts are dated `old`, all
 * others as if uploaded just now.
 */
export async function eraseSome(sql: Sql, { now, old }: { now: Date; old: Date }): Promise<number | null> {
  const doomed = await sql<{ conversation_id: number }[]>`
    select conversation_id
    from erasures
    order by conversation_id
    limit ${CONVERSATIONS_AT_ONCE}
    for update skip locked`;
  if (doomed.length === 0) return null;
  const ids = doomed.map(({ conversation_id }) => conversation_id);
  const erased = await sql<{ media_id: number | null }[]>`
    delete from messages
    where ctid = any(array(
      select ctid
      from messages
      where conversation_id = any(${ids}::bigint[])
      limit ${MESSAGES_AT_ONCE}
    ))
    returning media_id`;
  await touchMedia(sql, erased.flatMap(({ media_id }) => media_id ?? []), { now, old });
  if (erased.length < MESSAGES_AT_ONCE) {
    await sql`
      delete from erasures
      where conversation_id = any(${ids}::bigint[])`;
  }
  return erased.length;
}

async function touchMedia(sql: Sql, ids: number[], { now, old }: { now: Date; old: Date }): Promise<void> {
  if (ids.length === 0) return;
  // Users are locked before their media, as the deletion of an account does. An owner who is being deleted is
  // waited for here, or waits for us and then dates the media back.
  const living = await sql<{ id: number }[]>`
    select id
    from users
    where id = any(array(select owner_id from media where id = any(${ids}::bigint[]))) and status <> 'deleted'
    order by id
    for key share`;
  // Locked in the order of ids, as sends lock them.
  await sql`
    with held as materialized (
      select id, owner_id = any(${living.map(({ id }) => id)}::bigint[]) as is_somebodys
      from media
      where id = any(${ids}::bigint[])
      order by id
      for no key update
    )
    update media
    set touched_at = case when held.is_somebodys then ${now}::timestamptz else ${old}::timestamptz end
    from held
    where media.id = held.id`;
}
