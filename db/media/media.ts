// Media and their large objects, read in short statements: a slow download holds no transaction open.

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
 * Bytes per row of a read: for larger values PostgreSQL allocates memory from the system for each value and
 * returns it, which costs more than everything else.
 */
const ROW_BYTES = 32 * 1024;

/**
 * Reads bytes of media or of an upload; fewer than `length` at its end, null if it is gone. A binary cursor
 * returns the bytes as they are; any other query would return text of twice the length to the driver. `sql`
 * has to be a connection: the cursor's transaction begins, runs and ends in one round trip.
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
 * The owner of large objects that our role may not read, as after a restore by another role; null if there is
 * none. Looks at twenty media: ids are random, so these are a random sample.
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

/** Finished media, without checking who may have them. */
export async function findMedia(sql: Sql, id: number): Promise<MediaRow | null> {
  const [row] = await sql<MediaRow[]>`
    select id, size, media_type, kind, created_at
    from media
    where id = ${id} and state = 'ready'`;
  return row ?? null;
}

/** The media, if this user uploaded them or sent or received a message that carries them. */
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
 * Whether a message that carries these media is in one of this user's conversations. Goes by the user's
 * conversations, which are few, because others may create any number of messages with the same media.
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
