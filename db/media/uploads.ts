// Uploads, written in short statements: a slow one holds no connection between its chunks. An upload and the
// media that it becomes are the same row.

import type { Sql } from "../connection/database.ts";
import type { Bytes } from "./bytes.ts";
import type { MediaKind } from "./media.ts";

/** An upload, or the media that it has become (`ready`). */
export interface UploadRow {
  id: number;
  owner_id: number;
  declared: MediaKind;
  /** Total length in bytes of a resumable upload; null if only its end will tell. */
  length: number | null;
  /** Bytes received so far. */
  size: number;
  state: "uploading" | "ready";
  /** When the last bytes arrived. */
  touched_at: Date;
  /** Metadata from the client of a resumable upload, unchanged. */
  metadata: string | null;
}

/** Creates the large object and its row together, so that neither ever exists alone. */
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
 * Appends bytes at `offset`, which has to be the current end. Returns false if it is not, or if the upload is
 * gone, finished, or was last touched more than `keptMs` ago, as when its account was deleted while this
 * waited. A lazy append commits without waiting for the disk: a crash of the database may lose it until a
 * later commit waits.
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

/**
 * Turns an upload into media that can be sent. Null if it is gone, or its size is not the one that was
 * recognised.
 */
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

/** Deletes an unfinished upload, with its large object. */
export async function deleteUpload(sql: Sql, id: number): Promise<{ id: number } | null> {
  const [row] = await sql<{ id: number }[]>`
    delete from media
    where id = ${id} and state = 'uploading'
    returning id`;
  return row ?? null;
}

/**
 * Locks an upload or media until the transaction ends. A send takes a key share lock on them, so one of the
 * two waits for the other. Null if they are gone.
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
 * Deletes an upload or media, with the large object. Null if a message carries them; only under `lockMedia`
 * can that not change meanwhile.
 */
export async function deleteUncarried(sql: Sql, id: number): Promise<{ id: number } | null> {
  const [row] = await sql<{ id: number }[]>`
    delete from media
    where id = ${id} and not exists (select from messages where messages.media_id = media.id)
    returning id`;
  return row ?? null;
}

/**
 * Bytes that a user's media take up, with the full length of resumable uploads. An upload in one piece counts
 * only when it is finished: if there is room for one of two, the first to finish is kept.
 */
export async function sumOfOwner(sql: Sql, ownerId: number): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(length), 0)::bigint as bytes
    from media
    where owner_id = ${ownerId} and (state = 'ready' or length is not null)`;
  return row!.bytes;
}

/** Locks the user's quota until the transaction ends. Null if the account is deleted. */
export async function lockOwner(sql: Sql, ownerId: number): Promise<{ id: number } | null> {
  const [owner] = await sql<{ id: number }[]>`
    select id
    from users
    where id = ${ownerId} and status <> 'deleted'
    for no key update`;
  return owner ?? null;
}
