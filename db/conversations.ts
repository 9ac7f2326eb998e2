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

/** Makes the row that is the pair's lock, where it is missing. */
export async function ensurePair(sql: Sql, meId: number, peerId: number): Promise<void> {
  await sql`
    insert into conversations (low_id, high_id)
    values (least(${meId}::bigint, ${peerId}::bigint), greatest(${meId}::bigint, ${peerId}::bigint))
    on conflict (low_id, high_id) do nothing`;
}

/** Locks the pair until the transaction ends. Null when the two never had to do with each other. */
export async function lockPair(sql: Sql, meId: number, peerId: number): Promise<Pair | null> {
  const [pair] = await sql<Pair[]>`
    select id as conversation_id,
      case when low_id = ${meId} then low_intent else high_intent end as mine,
      case when low_id = ${meId} then high_intent else low_intent end as theirs,
      ever_accepted
    from conversations
    where low_id = least(${meId}::bigint, ${peerId}::bigint)
      and high_id = greatest(${meId}::bigint, ${peerId}::bigint)
    for no key update`;
  return pair ?? null;
}

/** Writes one side's intent on a locked pair, and nothing of the other's. */
export async function setIntent(
  sql: Sql,
  { conversation_id, me_id, intent, ever_accepted }: {
    conversation_id: number;
    me_id: number;
    intent: Intent;
    ever_accepted: boolean;
  },
): Promise<void> {
  await sql`
    update conversations
    set low_intent = case when low_id = ${me_id} then ${intent}::intent else low_intent end,
      high_intent = case when high_id = ${me_id} then ${intent}::intent else high_intent end,
      ever_accepted = ${ever_accepted},
      changed_at = clock_timestamp()
    where id = ${conversation_id}`;
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
