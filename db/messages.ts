import type { Sql } from "./connection/database.ts";

export type MessageType = "text" | "audio" | "video";

/** What its sender says of a message. */
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
  /** Seconds. */
  duration: number | null;
  /** When the receiver played it; null for texts, whose reading is a mark of the pair. */
  seen_at: Date | null;
  created_at: Date;
}

/** The columns of a MessageRow that messages m have themselves. */
function ownColumns(sql: Sql) {
  return sql`m.id, m.sender_id, m.type as message_type, m.body as message, m.media_id as media_content_id, m.seen_at,
    m.client_id, m.created_at`;
}

/** All of them, of messages m with their media, if any. */
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
 * Says what their media are, and asks for them only where there are any: a join would look for those of each text as well,
 * and takes twice the time of all the rest.
 */
async function withMedia(sql: Sql, rows: Omit<MessageRow, keyof OfMedia>[]): Promise<MessageRow[]> {
  const ids = rows.flatMap(({ media_content_id }) => media_content_id ?? []);
  const media = ids.length === 0 ? [] : await sql<Media[]>`
    select id, media_type, duration
    from media
    where id = any(${ids}::bigint[])`;
  const byId = new Map(media.map((one) => [one.id, one]));
  // In place: to copy a page costs as much as to write it.
  return rows.map((row) => {
    const { media_type = null, duration = null } = byId.get(row.media_content_id ?? 0) ?? {};
    return Object.assign(row, { media_type, duration });
  });
}

type OfMedia = Pick<MessageRow, "media_type" | "duration">;

interface Media extends OfMedia {
  id: number;
}

/** When these media messages of a thread were played; those that were not are left out. */
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
