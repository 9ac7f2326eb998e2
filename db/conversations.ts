import type { Sql } from "./database.ts";

export type Intent = "none" | "want" | "refuse";

/** A pair as one of the two sees it. */
export interface Pair {
  conversation_id: number;
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
}

/** How far each of the two has got, as one of them sees it: ids of messages. */
export interface Marks {
  my_delivered_id: number;
  peer_delivered_id: number;
  peer_seen_text_id: number;
  my_seen_text_id: number;
}

/** The conversation of a user with a number, null before the first request between them. */
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

/** Pair and marks without a lock, for reading. */
export async function readSide(
  sql: Sql,
  conversationId: number,
  meId: number,
): Promise<(Pair & Marks) | null> {
  const [side] = await sql<(Pair & Marks)[]>`
    select conversation_id, mine, theirs, ever_accepted,
      my_delivered_id, peer_delivered_id, my_seen_text_id, peer_seen_text_id
    from sides
    where conversation_id = ${conversationId} and me_id = ${meId}`;
  return side ?? null;
}

/** Who waits for an answer of this user: told when he has signed up. */
export async function listAdmirers(sql: Sql, meId: number): Promise<number[]> {
  const rows = await sql<{ peer_id: number }[]>`
    select v.peer_id
    from contacts c
    join sides v on v.conversation_id = c.conversation_id and v.me_id = c.owner_id
    where c.owner_id = ${meId} and v.theirs = 'want'`;
  return rows.map(({ peer_id }) => peer_id);
}

/** What of the given users' threads changed within the last `ms`, by the database's clock. */
export async function listChangedThreads(
  sql: Sql,
  userIds: number[],
  ms: number,
): Promise<{ me_id: number; peer_phone: string }[]> {
  return await sql<{ me_id: number; peer_phone: string }[]>`
    select v.me_id, u.phone_number as peer_phone
    from contacts c
    join sides v on v.conversation_id = c.conversation_id and v.me_id = c.owner_id
    join users u on u.id = v.peer_id
    where c.owner_id = any(${userIds}::bigint[])
      and v.changed_at > clock_timestamp() - ${ms} * interval '1 millisecond'
      and v.mine <> 'refuse'`;
}
