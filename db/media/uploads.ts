// Uploads on their way to be media, in short statements: a slow one holds no connection between its chunks. An upload and
// the media that it becomes are the same row.

import type { Bytes } from "./bytes.ts";
import type { Sql } from "../connection/database.ts";
import type { MediaKind } from "./media.ts";

/** An upload on its way. */
export interface UploadRow {
  id: number;
  owner_id: number;
  declared: MediaKind;
  /** What a resumable upload is to reach; null where its end will tell. */
  length: number | null;
  /** Bytes that have arrived. */
  size: number;
  state: "uploading" | "ready";
  /** When the last of them did. */
  touched_at: Date;
  /** What the client of a resumable upload said of it, as it was said. */
  metadata: string | null;
}

/** Makes the large object and its row together, so that neither is ever alone. */
export async function insertUpload(
  sql: Sql,
  upload: {
    id: number;
    owner_id: number;
    declared: MediaKind;
    length: number | null;
    metadata: string | null;
    now: Date;
  },
): Promise<UploadRow> {
  const [row] = await sql<UploadRow[]>`
    insert into media (id, owner_id, oid, declared, length, metadata, created_at, touched_at)
    values (${upload.id}, ${upload.owner_id}, lo_create(0), ${upload.declared}, ${upload.length}, ${upload.metadata},
      ${upload.now}, ${upload.now})
    returning id, owner_id, declared, length, size, state, touched_at, metadata`;
  return row!;
}

/**
 * Puts bytes at the end of an upload, which is at `offset`. False when it is not, or is gone, or is finished, or is as old as
 * `keptMs`, as one of an account that was deleted while this waited. What is lazy does not wait for the disk: a crash of the
 * database may lose it, until any later commit that does wait.
 */
export async function appendChunk(
  connections: Bytes,
  { id, offset, bytes, isLazy, now, keptMs }: {
    id: number;
    offset: number;
    bytes: Uint8Array;
    isLazy: boolean;
    now: Date;
    keptMs: number;
  },
): Promise<boolean> {
  const rows = await connections.run({
    name: "append_chunk",
    text: `
      with grown as (
        update media
        set size = size + $4, touched_at = $6
        where id = $1 and state = 'uploading' and size = $2
          and touched_at > $6::timestamptz - $7 * interval '1 millisecond'
        returning oid
      )
      select lo_put(oid, $2, $3),
        case when $5 then set_config('synchronous_commit', 'off', true) end
      from grown`,
    values: [id, offset, bytes, bytes.length, isLazy, now, keptMs],
  });
  return rows > 0;
}

export async function findUpload(sql: Sql, id: number, ownerId: number): Promise<UploadRow | null> {
  const [row] = await sql<UploadRow[]>`
    select id, owner_id, declared, length, size, state, touched_at, metadata
    from media
    where id = ${id} and owner_id = ${ownerId}`;
  return row ?? null;
}

/** Makes an upload media that can be sent. Null when it is gone, or is not what was recognised any more. */
export async function finishUpload(
  sql: Sql,
  media: {
    id: number;
    size: number;
    kind: MediaKind;
    media_type: string;
    duration: number | null;
    now: Date;
  },
): Promise<{ id: number } | null> {
  const [row] = await sql<{ id: number }[]>`
    update media
    set state = 'ready', kind = ${media.kind}, media_type = ${media.media_type}, duration = ${media.duration},
      length = size, touched_at = ${media.now}
    where id = ${media.id} and state = 'uploading' and size = ${media.size}
    returning id`;
  return row ?? null;
}

/** Deletes an upload that will not be finished, with its large object. */
export async function deleteUpload(sql: Sql, id: number): Promise<{ id: number } | null> {
  const [row] = await sql<{ id: number }[]>`
    delete from media
    where id = ${id} and state = 'uploading'
    returning id`;
  return row ?? null;
}

/**
 * Holds an upload or media until the transaction ends, as a send does by a key share lock: one of the two waits for the
 * other. Null when they are gone.
 */
export async function lockMedia(sql: Sql, id: number): Promise<{ id: number } | null> {
  const [row] = await sql<{ id: number }[]>`
    select id
    from media
    where id = ${id}
    for update`;
  return row ?? null;
}

/**
 * Deletes an upload or media, with the large object. Null when a message carries them: only behind `lockMedia` does that
 * stay so.
 */
export async function deleteUncarried(sql: Sql, id: number): Promise<{ id: number } | null> {
  const [row] = await sql<{ id: number }[]>`
    delete from media
    where id = ${id} and not exists (select from messages where messages.media_id = media.id)
    returning id`;
  return row ?? null;
}

/**
 * What a user's media take up, in bytes, with the whole length of resumable uploads. What comes in one piece counts from
 * its end: of two for which there is room for one, the first to end is kept.
 */
export async function sumOfOwner(sql: Sql, ownerId: number): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(length), 0)::bigint as bytes
    from media
    where owner_id = ${ownerId} and (state = 'ready' or length is not null)`;
  return row!.bytes;
}

/** Holds up everybody else who changes this user's sum until the transaction ends. Null where his account is deleted. */
export async function lockOwner(sql: Sql, ownerId: number): Promise<{ id: number } | null> {
  const [owner] = await sql<{ id: number }[]>`
    select id
    from users
    where id = ${ownerId} and status <> 'deleted'
    for no key update`;
  return owner ?? null;
}
