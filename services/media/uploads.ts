// Media on their way in. An upload is a row and a large object from its first moment; each chunk is one statement, so
// that a slow phone holds no connection. What is not finished is deleted, here or by the sweep.

import type { Database } from "../../db/connection/database.ts";
import { findMedia, type MediaKind, readChunk } from "../../db/media/media.ts";
import * as rows from "../../db/media/uploads.ts";
import { listDeleted } from "../../db/users.ts";
import type { UploadRow } from "../../db/media/uploads.ts";
import { AppError } from "../errors.ts";
import type { MemoryLimiter } from "../limits/memory_limiter.ts";
import type { Actor } from "../sessions/sessions.ts";
import { createQueuedConcurrencyLimit } from "../limits/concurrency.ts";
import { createSemaphore } from "../semaphore.ts";
import { type Chunk, createChunkWriter } from "./chunk_writer.ts";
import { type ByteSource, recognise, type Recognised } from "./recognition.ts";
import { RESUMABLE_MS } from "./sweep.ts";

/** Chunks are written in this size: large enough for PostgreSQL, small enough for many at once. */
export const CHUNK_BYTES = 256 * 1024;
/** So many chunks are on their way to PostgreSQL at once, of all uploads: each is there in several copies. */
const WRITES_AT_ONCE_MAX = 2;
/** Bytes that come slowly are written after so long, whatever they fill. */
const UNWRITTEN_MS_MAX = 60_000;
/** A body that brings nothing for so long is given up. */
const SILENCE_MS_MAX = 30_000;
/** So is one that brings less: a quarter of what the slowest phone networks carry, with minutes for their gaps. */
const FLOW = { bytesMin: 64 * 1024, periodMs: 5 * 60_000 };
/** What one person has uploaded is recognised one after the other: HEAD asks for it too, and of that there is no limit. */
const RECOGNITIONS_MAX = 1;
/** Transfers of one person's. What a client begins all at once gets through, and behind two long ones nothing waits for good. */
const TRANSFERS = { max: 2, waiting: 30, msMax: 30_000, retrySeconds: 5 };

export type Uploads = ReturnType<typeof createUploads>;

/** What is known of an upload before its bytes come. */
export interface UploadPlan {
  declared: MediaKind;
  /** Of a resumable upload; null where its end will tell. */
  length: number | null;
  /** Of a resumable upload: what its client says of it. */
  metadata: string | null;
}

export function createUploads(
  { database, now, uploadBytesMax, quotaBytes, limiter, silenceMsMax = SILENCE_MS_MAX, flow = FLOW }: {
    database: Database;
    now: () => Date;
    uploadBytesMax: number;
    quotaBytes: number;
    /** How fast a user may begin uploads. */
    limiter: MemoryLimiter;
    silenceMsMax?: number;
    flow?: { bytesMin: number; periodMs: number };
  },
) {
  const slots = createQueuedConcurrencyLimit(TRANSFERS);
  const writes = createSemaphore(WRITES_AT_ONCE_MAX);
  const recognitions = createSemaphore(RECOGNITIONS_MAX);
  const connections = database.openBytes();

  /**
   * Runs one transfer of a user's, who may have two at a time on this process; others wait for their turn, unless their
   * client leaves.
   * @throws AppError rate_limited
   */
  async function transfer<T>(me: Actor, run: () => Promise<T>, client?: Pick<Request, "signal">): Promise<T> {
    const leave = await slots.take(String(me.user_id), client);
    try {
      return await run();
    } finally {
      leave();
    }
  }

  /**
   * Counts one that is about to begin, before anything of it is looked at. The result takes it back.
   * @throws AppError rate_limited
   */
  function admit(me: Actor): () => void {
    const key = String(me.user_id);
    const retryAfter = limiter.take(key);
    if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
    return () => limiter.giveBack(key);
  }

  /** @throws AppError too_large, quota_exceeded; unauthenticated of somebody whose account is deleted, as all that follow */
  async function begin(me: Actor, { declared, length, metadata }: UploadPlan): Promise<UploadRow> {
    if (length !== null && length > uploadBytesMax) throw tooLarge();
    return await database.begin(async (sql) => {
      if (!await rows.lockOwner(sql, me.user_id)) throw new AppError("unauthenticated");
      const used = await rows.sumOfOwner(sql, me.user_id);
      if (used + (length ?? 1) > quotaBytes) throw quotaExceeded();
      return await rows.insertUpload(sql, {
        id: newMediaId(),
        owner_id: me.user_id,
        declared,
        length,
        metadata,
        now: now(),
      });
    });
  }

  /**
   * Takes the bytes as they come, for the end of what has arrived, and writes them in chunks. The result has the new
   * size.
   * @throws AppError too_large, quota_exceeded; where the upload has changed meanwhile upload_conflict or media_not_found
   */
  async function append(upload: UploadRow, bytes: AsyncIterable<Uint8Array>): Promise<UploadRow> {
    const room = await roomFor(upload);
    let writtenAt = now().getTime();
    const writer = createChunkWriter({
      start: upload.size,
      chunkBytes: CHUNK_BYTES,
      async write(chunk) {
        const writtenNow = now();
        await put(upload, { ...chunk, now: writtenNow });
        writtenAt = writtenNow.getTime();
      },
    });
    try {
      for await (const some of bytes) {
        if (writer.end() + some.length > uploadBytesMax) throw tooLarge();
        if (writer.end() + some.length > upload.size + room) throw quotaExceeded();
        await writer.take(some);
        // For the sweep an upload lives by what it writes, also one that takes an hour for a chunk.
        if (writer.unwritten() > 0 && now().getTime() - writtenAt > UNWRITTEN_MS_MAX) await writer.flush();
      }
    } finally {
      // What arrived before a connection broke is kept: a resumable upload goes on from there.
      await writer.flush();
    }
    return { ...upload, size: writer.end() };
  }

  async function put({ id, owner_id }: UploadRow, chunk: Chunk & { now: Date }): Promise<void> {
    if (await writes.run(() => rows.appendChunk(connections, { id, ...chunk, keptMs: RESUMABLE_MS }))) return;
    throw await find({ user_id: owner_id }, id) ? new AppError("upload_conflict") : await gone(owner_id);
  }

  /** Bytes that the quota still allows to this upload; the length of a resumable one was set aside at its beginning. */
  async function roomFor(upload: UploadRow): Promise<number> {
    if (upload.length !== null) return upload.length - upload.size;
    return quotaBytes - await database.run((sql) => rows.sumOfOwner(sql, upload.owner_id));
  }

  /**
   * Recognises what has arrived, and makes it media that can be sent; or deletes it. Doing so twice is doing it once.
   * @throws AppError invalid_media, quota_exceeded, media_not_found
   */
  async function finish(upload: UploadRow): Promise<number> {
    if (upload.state === "ready") return upload.id;
    const source: ByteSource = {
      size: upload.size,
      read: (offset, length) => read(upload, offset, length),
    };
    const found = await recognitions.run(() => recognise(source), String(upload.owner_id));
    const refusal = found?.kind === upload.declared
      ? await settle(upload, found)
      : invalidMedia(found?.kind ?? null, upload.declared);
    if (refusal) {
      await abort(upload.id);
      throw refusal;
    }
    return upload.id;
  }

  async function settle(
    { id, owner_id, length, size }: UploadRow,
    found: Recognised,
  ): Promise<AppError | null> {
    return await database.begin(async (sql) => {
      if (!await rows.lockOwner(sql, owner_id)) throw new AppError("unauthenticated");
      const used = await rows.sumOfOwner(sql, owner_id);
      if (length === null && used + size > quotaBytes) return quotaExceeded();
      if (await rows.finishUpload(sql, { id, size, ...found, now: now() })) return null;
      // Perhaps another request of the same upload was faster.
      return (await findMedia(sql, id)) ? null : new AppError("media_not_found");
    });
  }

  async function read({ id, owner_id }: UploadRow, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await database.run((sql) => readChunk(sql, { id, offset, length }));
    if (!bytes) throw await gone(owner_id);
    return bytes;
  }

  /** Why an upload is there no more: swept, which its client may hear of before it hears that its account is deleted. */
  async function gone(ownerId: number): Promise<AppError> {
    const [deleted] = await database.run((sql) => listDeleted(sql, [ownerId]));
    return new AppError(deleted === undefined ? "media_not_found" : "unauthenticated");
  }

  /** Deletes an upload that will not be finished. */
  async function abort(id: number): Promise<void> {
    await database.run((sql) => rows.deleteUpload(sql, id));
  }

  /**
   * Deletes an upload because its owner wants it gone, also when it is finished; but what a message carries is not his
   * alone any more.
   * @throws AppError media_not_found, media_sent
   */
  async function remove({ id }: UploadRow): Promise<void> {
    const refusal = await database.begin(async (sql) => {
      if (!(await rows.lockMedia(sql, id))) return "media_not_found";
      return (await rows.deleteUncarried(sql, id)) ? null : "media_sent";
    });
    if (refusal) throw new AppError(refusal);
  }

  /** One of my uploads, also when it is finished. Null for what is not mine, and for what was left for too long. */
  async function find({ user_id }: Pick<Actor, "user_id">, id: number): Promise<UploadRow | null> {
    const row = await database.run((sql) => rows.findUpload(sql, id, user_id));
    const expired = row?.state === "uploading" && now().getTime() - row.touched_at.getTime() > RESUMABLE_MS;
    return expired ? null : row;
  }

  function tooLarge(): AppError {
    return new AppError("too_large", { maxBytes: uploadBytesMax });
  }

  function quotaExceeded(): AppError {
    return new AppError("quota_exceeded", { maxBytes: quotaBytes });
  }

  return { transfer, admit, begin, append, finish, abort, remove, find, uploadBytesMax, silenceMsMax, flow };
}

/** 52 random bits: never zero, below 2^53, and nothing to count by. */
function newMediaId(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high! & 0xfffff) * 2 ** 32 + low! || newMediaId();
}

function invalidMedia(found: MediaKind | null, declared: MediaKind): AppError {
  const issue = found === null
    ? { path: "file", message: "Is no audio or video in a format that is known here" }
    : { path: "media_type", message: `Says ${declared}, and the file is ${found}` };
  return new AppError("invalid_media", { issues: [issue] });
}
