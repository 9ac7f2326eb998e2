// The conversation of two people, with their intents and marks, read without locks. Its row stores both sides
// as `low` and `high`, by user id; the view `sides` shows it from the view of each of them.

import type { Sql } from "./connection/database.ts";

/** What one side wants of the other. */
export type Intent = "none" | "want" | "refuse";

/** The marks of both, from the view of one of them: ids of messages. */
export interface Marks {
  my_delivered_id: number;
  peer_delivered_id: number;
  peer_seen_text_id: number;
  my_seen_text_id: number;
}

/** The conversation of a user with a number; null before the first request between them. */
export async function findThread(
  sql: Sql,
  meId: number,
  phone: string,
): Promise<{ conversation_id: number; peer_id: number } | null> {
  const [thread] = await sql<{ conversation_id: number; peer_id: number }[]>`
    select v.id as conversation_id, u.id as peer_id
    from users u
    join conversations v on v.low_id = least(u.id, ${meId}::bigint) and v.high_id = greatest(u.id, ${meId}::bigint)
    where u.phone_number = ${phone}`;
  return thread ?? null;
}

/**
 * A pair and its marks from the view of one of the two, and the id of the newest message of either; 0 if
 * there is none.
 */
export interface Side extends Marks {
  conversation_id: number;
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
  newest_id: number;
}

interface PairRow {
  id: number;
  low_id: number;
  high_id: number;
  low_intent: Intent;
  high_intent: Intent;
  ever_accepted: boolean;
  low_delivered_id: number;
  high_delivered_id: number;
  low_seen_text_id: number;
  high_seen_text_id: number;
  newest_id: number;
}

/** Reads pairs without a lock, each from the view of `me_id`; null if that user is not part of it. */
export async function readSides(
  sql: Sql,
  asked: { conversation_id: number; me_id: number }[],
): Promise<(Side | null)[]> {
  const rows = await sql<PairRow[]>`
    select id, low_id, high_id, low_intent, high_intent, ever_accepted, low_delivered_id, high_delivered_id,
      low_seen_text_id, high_seen_text_id, greatest(low_sent_id, high_sent_id) as newest_id
    from conversations
    where id = any(${asked.map(({ conversation_id }) => conversation_id)}::bigint[])`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  return asked.map(({ conversation_id, me_id }) => {
    const row = byId.get(conversation_id);
    if (row?.low_id === me_id) return sideOf(row, true);
    return row?.high_id === me_id ? sideOf(row, false) : null;
  });
}

function sideOf(row: PairRow, isLow: boolean): Side {
  const { id: conversation_id, ever_accepted, newest_id } = row;
  const low = {
    intent: row.low_intent,
    delivered_id: row.low_delivered_id,
    seen_text_id: row.low_seen_text_id,
  };
  const high = {
    intent: row.high_intent,
    delivered_id: row.high_delivered_id,
    seen_text_id: row.high_seen_text_id,
  };
  const [me, peer] = isLow ? [low, high] : [high, low];
  return {
    conversation_id,
    mine: me.intent,
    theirs: peer.intent,
    ever_accepted,
    my_delivered_id: me.delivered_id,
    peer_delivered_id: peer.delivered_id,
    my_seen_text_id: me.seen_text_id,
    peer_seen_text_id: peer.seen_text_id,
    newest_id,
  };
}

/** Ids of the users with an open request to this user; they are notified when the user signs up. */
export async function listRequesters(sql: Sql, meId: number): Promise<number[]> {
  const rows = await sql<{ peer_id: number }[]>`
    select v.peer_id
    from contacts c
    join sides v on v.conversation_id = c.conversation_id and v.me_id = c.owner_id
    where c.owner_id = ${meId} and v.theirs = 'want'`;
  return rows.map(({ peer_id }) => peer_id);
}

/** A thread from the view of one of the two. */
export interface ChangedThread {
  me_id: number;
  peer_phone: string;
}

/**
 * The threads of these users that changed within the last `ms`, by the database's clock. Pairs that were
 * never friends are left out: nothing is in their threads, and a declined request must not be revealed.
 */
export async function listChangedThreads(
  sql: Sql,
  userIds: number[],
  ms: number,
): Promise<ChangedThread[]> {
  return await sql<ChangedThread[]>`
    select v.me_id, u.phone_number as peer_phone
    from contacts c
    join sides v on v.conversation_id = c.conversation_id and v.me_id = c.owner_id
    join users u on u.id = v.peer_id
    where c.owner_id = any(${userIds}::bigint[])
      and v.changed_at > clock_timestamp() - ${ms} * interval '1 millisecond'
      and v.ever_accepted
      and v.mine <> 'refuse'`;
}
