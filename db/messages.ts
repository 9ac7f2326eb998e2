import type { Sql } from "./database.ts";

export type MessageType = "text" | "audio" | "video";

export interface MessageRow {
  id: number;
  sender_id: number;
  message_type: MessageType;
  message: string;
  media_content_id: number | null;
  media_type: string | null;
  /** Seconds. */
  duration: number | null;
  /** When the receiver played it; null for texts, whose reading is a mark of the pair. */
  seen_at: Date | null;
  client_id: string | null;
  created_at: Date;
}

/** The columns of a MessageRow, of messages m with their media, if any. */
function columns(sql: Sql) {
  return sql`m.id, m.sender_id, m.type as message_type, m.body as message, m.media_id as media_content_id,
    media.media_type, media.duration, m.seen_at, m.client_id, m.created_at`;
}

export async function findMessage(sql: Sql, conversationId: number, id: number): Promise<MessageRow | null> {
  const [message] = await sql<MessageRow[]>`
    select ${columns(sql)}
    from messages m
    left join media on media.id = m.media_id
    where m.conversation_id = ${conversationId} and m.id = ${id}`;
  return message ?? null;
}

export async function findByClientId(
  sql: Sql,
  of: { conversation_id: number; sender_id: number; client_id: string },
): Promise<MessageRow | null> {
  const [message] = await sql<MessageRow[]>`
    select ${columns(sql)}
    from messages m
    left join media on media.id = m.media_id
    where m.conversation_id = ${of.conversation_id}
      and m.sender_id = ${of.sender_id}
      and m.client_id = ${of.client_id}`;
  return message ?? null;
}

export interface Received {
  conversation_id: number;
  peer_id: number;
  peer_phone: string;
  message_type: MessageType;
}

/** A message to this user, wherever it is in his threads: where, and from whom. */
export async function findReceived(sql: Sql, meId: number, id: number): Promise<Received | null> {
  const [message] = await sql<Received[]>`
    select m.conversation_id, c.peer_id, u.phone_number as peer_phone, m.type as message_type
    from contacts c
    join messages m on m.conversation_id = c.conversation_id and m.sender_id = c.peer_id
    join users u on u.id = c.peer_id
    where c.owner_id = ${meId} and m.id = ${id}`;
  return message ?? null;
}

/** A page of a thread, newest first: the newest, those before an id, or those next after one. */
export async function listMessages(
  sql: Sql,
  conversationId: number,
  { count, before, after }: { count: number; before: number | null; after: number | null },
): Promise<MessageRow[]> {
  if (after !== null) {
    const rows = await sql<MessageRow[]>`
      select ${columns(sql)}
      from messages m
      left join media on media.id = m.media_id
      where m.conversation_id = ${conversationId} and m.id > ${after}
      order by m.id
      limit ${count}`;
    return rows.reverse();
  }
  return await sql<MessageRow[]>`
    select ${columns(sql)}
    from messages m
    left join media on media.id = m.media_id
    where m.conversation_id = ${conversationId} and m.id < ${before ?? Number.MAX_SAFE_INTEGER}
    order by m.id desc
    limit ${count}`;
}
