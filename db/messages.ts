// Reads messages. `drafts.ts` stores them.

import type { Sql } from "./connection/database.ts";

export type MessageType = "text" | "audio" | "video";

/** The part of a message that its sender sets. */
export interface Content {
  message_type: MessageType;
  message: string;
  media_content_id: number | null;
  client_id: string | null;
}

export interface MessageRow extends Content {
  id: number;
  sender_id: number;
  media_type: string | null;
  /** In seconds. */
  duration: number | null;
  /** When the receiver played it. Null for texts, whose reading is a mark of the pair. */
  seen_at: Date | null;
  created_at: Date;
}

/** The columns of a MessageRow that come from messages m. */
function ownColumns(sql: Sql) {
  return sql`m.id, m.sender_id, m.type as message_type, m.body as message, m.media_id as media_content_id, m.seen_at,
    m.client_id, m.created_at`;
}

/** All columns of a MessageRow, from messages m joined with their media. */
function columns(sql: Sql) {
  return sql`${ownColumns(sql)}, media.media_type, media.duration`;
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

/** A message that this user received, in any thread: its conversation, sender and type. */
export async function findReceived(sql: Sql, meId: number, id: number): Promise<Received | null> {
  const [message] = await sql<Received[]>`
    select m.conversation_id, c.peer_id, u.phone_number as peer_phone, m.type as message_type
    from contacts c
    join messages m on m.conversation_id = c.conversation_id and m.sender_id = c.peer_id
    join users u on u.id = c.peer_id
    where c.owner_id = ${meId} and m.id = ${id}`;
  return message ?? null;
}

/**
 * A page of a thread, newest first: the newest messages, the ones before an id, or the ones right after an
 * id.
 */
export async function listMessages(
  sql: Sql,
  conversationId: number,
  { count, before, after }: { count: number; before: number | null; after: number | null },
): Promise<MessageRow[]> {
  const [bound, order] = after === null
    ? [sql`m.id < ${before ?? Number.MAX_SAFE_INTEGER}`, sql`m.id desc`]
    : [sql`m.id > ${after}`, sql`m.id`];
  const rows = await sql<Omit<MessageRow, keyof OfMedia>[]>`
    select ${ownColumns(sql)}
    from messages m
    where m.conversation_id = ${conversationId} and ${bound}
    order by ${order}
    limit ${count}`;
  const page = await withMedia(sql, rows);
  return after === null ? page : page.reverse();
}

/**
 * Adds the type and duration of media. They are queried only if there are any: a join would look for media of
 * texts as well, and takes twice as long as everything else.
 */
async function withMedia(sql: Sql, rows: Omit<MessageRow, keyof OfMedia>[]): Promise<MessageRow[]> {
  const ids = rows.flatMap(({ media_content_id }) => media_content_id ?? []);
  const media = ids.length === 0 ? [] : await sql<Media[]>`
    select id, media_type, duration
    from media
    where id = any(${ids}::bigint[])`;
  const byId = new Map(media.map((one) => [one.id, one]));
  // In place, because copying a page costs as much as writing it.
  return rows.map((row) => {
    const { media_type = null, duration = null } = byId.get(row.media_content_id ?? 0) ?? {};
    return Object.assign(row, { media_type, duration });
  });
}

type OfMedia = Pick<MessageRow, "media_type" | "duration">;

interface Media extends OfMedia {
  id: number;
}

/** When these media messages of a thread were played; unplayed ones are left out. */
export async function listPlayed(
  sql: Sql,
  conversationId: number,
  ids: number[],
): Promise<{ id: number; seen_at: Date }[]> {
  return await sql<{ id: number; seen_at: Date }[]>`
    select id, seen_at
    from messages
    where conversation_id = ${conversationId} and id = any(${ids}::bigint[]) and seen_at is not null`;
}
