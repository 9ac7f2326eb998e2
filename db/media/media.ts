// Media and their large objects, in short statements: a slow download holds no transaction.

import { Buffer } from "node:buffer";
import type { Fragment, Sql } from "../connection/database.ts";

export type MediaKind = "audio" | "video";

export interface MediaRow {
  id: number;
  size: number;
  media_type: string;
  kind: MediaKind;
  created_at: Date;
}

/**
 * PostgreSQL is asked for so many bytes as a row: it takes memory for larger ones from the system anew for each of them, and
 * gives it back, which costs more than all the rest.
 */
const ROW_BYTES = 32 * 1024;

/**
 * Bytes of media or of an upload; shorter where it ends before. Null when it is gone. What a binary cursor gives comes as it
 * is, where any other answer comes to the driver as text that is twice as long. `sql` is a connection: the transaction that
 * the cursor lives in is begun, used and ended in one round trip.
 */
export async function readChunk(
  sql: Sql,
  { id, offset, length }: { id: number; offset: number; length: number },
): Promise<Uint8Array | null> {
  const end = offset + length;
  const [, , rows] = await Promise.all([
    sql`begin`.simple(),
    sql`
      declare chunk binary cursor for
      select lo_get(oid, at, least(${end} - at, ${ROW_BYTES})::int)
      from media
      cross join generate_series(${offset}::bigint, ${Math.max(end - 1, offset)}, ${ROW_BYTES}) as at
      where id = ${id}
      order by at`,
    sql`fetch all from chunk`.simple().raw(),
    sql`commit`.simple(),
  ]);
  const parts = rows.map(([bytes]) => bytes as Uint8Array);
  return parts.length > 1 ? Buffer.concat(parts) : parts[0] ?? null;
}

/**
 * The role that owns large objects which ours may not read, as after a restore by another role; null where there is none. Looks
 * at twenty media: ids are random, so that those are a sample of all.
 */
export async function findUnreadable(sql: Sql): Promise<{ owner: string } | null> {
  const [row] = await sql<{ owner: string }[]>`
    select pg_get_userbyid(lomowner) as owner
    from (select oid from media where state = 'ready' order by id limit 20) as drawn
    join pg_largeobject_metadata o on o.oid = drawn.oid
    where not pg_has_role(lomowner, 'usage')
    limit 1`;
  return row ?? null;
}

/** Media whose upload is finished, without asking who may have them. */
export async function findMedia(sql: Sql, id: number): Promise<MediaRow | null> {
  const [row] = await sql<MediaRow[]>`
    select id, size, media_type, kind, created_at
    from media
    where id = ${id} and state = 'ready'`;
  return row ?? null;
}

/** The media if this user uploaded them, or is one of the two of a message that carries them. */
export async function findReadable(sql: Sql, id: number, userId: number): Promise<MediaRow | null> {
  const [row] = await sql<MediaRow[]>`
    select id, size, media_type, kind, created_at
    from media
    where id = ${id}
      and state = 'ready'
      and (owner_id = ${userId} or ${wereShown(sql, sql`media.id`, sql`${userId}::bigint`)})`;
  return row ?? null;
}

/**
 * Whether a message that carries these media is in a conversation of this user. It goes by his conversations, which are few; of
 * messages that carry the same media others may make as many as they like.
 */
export function wereShown(sql: Sql, mediaId: Fragment, userId: Fragment): Fragment {
  return sql`exists (
    select from messages m
    where m.media_id = ${mediaId}
      and m.conversation_id = any(array(
        select id from conversations where low_id = ${userId}
        union all
        select id from conversations where high_id = ${userId}
      ))
  )`;
}
