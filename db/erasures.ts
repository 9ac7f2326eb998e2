// Messages whose conversation is gone, because one of the two has deleted his account: some at a time, until none is left.

import type { Sql } from "./database.ts";

/** Conversations and messages of one step, so that none takes longer than a statement may. */
const CONVERSATIONS_AT_ONCE = 20;
const MESSAGES_AT_ONCE = 1_000;

/**
 * Erases some of them, in a transaction, and says how many; null when nothing is left that nobody else is busy with. Media
 * that they carried are left to the sweep: those of deleted accounts as old as `old`, all others as if uploaded just now.
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
  // One after the other in one order, as sends hold them.
  await sql`
    with held as materialized (
      select media.id, users.status = 'deleted' as is_nobodys
      from media
      join users on users.id = media.owner_id
      where media.id = any(${ids}::bigint[])
      order by media.id
      for no key update of media
    )
    update media
    set touched_at = case when held.is_nobodys then ${old}::timestamptz else ${now}::timestamptz end
    from held
    where media.id = held.id`;
}
