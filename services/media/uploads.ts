// Uploads. An upload is a row and a large object from the start; each chunk is one statement, so that a slow
// phone holds no connection. Unfinished uploads are deleted, here or by the sweep.

import type { Database } from "../../db/connection/database.ts";
import { findMedia, type MediaKind, readChunk } from "../../db/media/media.ts";
import * as rows from "../../db/media/uploads.ts";
import type { UploadRow } from "../../db/media/uploads.ts";
import { listDeleted } from "../../db/users.ts";
import { AppError } from "../errors.ts";
import { createQueuedConcurrencyLimit } from "../limits/concurrency.ts";
import type { MemoryLimiter } from "../limits/memory_limiter.ts";
import { createSemaphore } from "../semaphore.ts";
import type { Actor } from "../sessions/sessions.ts";
import { type Chunk, createChunkWriter } from "./chunk_writer.ts";
import { type ByteSource, recognise, type Recognised } from "./recognition.ts";
import { RESUMABLE_MS } from "./sweep.ts";

/** Size of a chunk: large enough for PostgreSQL, small enough for many uploads at once. */
export const CHUNK_BYTES = 256 * 1024;
/** Chunks of all uploads being written at a time: each exists in memory in several copies. */
const WRITES_AT_ONCE_MAX = 2;
/** Bytes that arrive slowly are written after this time, even if they do not fill a chunk. */
const UNWRITTEN_MS_MAX = 60_000;
/** A body is given up after this time without any bytes. */
const SILENCE_MS_MAX = 30_000;
/**
 * A body is also given up if it brings less than this: a quarter of the rate of the slowest phone networks,
 * over minutes to allow for gaps.
 */
const FLOW = { bytesMin: 64 * 1024, periodMs: 5 * 60_000 };
/** Uploads of one person are recognised one at a time: HEAD can trigger it too, and HEAD is not limited. */
const RECOGNITIONS_MAX = 1;
/**
 * Limits on one person's transfers. A client that starts many at once gets through, and nothing waits for
 * ever behind two long ones.
 */
const TRANSFERS = { max: 2, waiting: 30, msMax: 30_000, retrySeconds: 5 };

export type Uploads = ReturnType<typeof createUploads>;

/** What is known of an upload before its bytes arrive. */
export interface UploadPlan {
  declared: MediaKind;
  /** Total length in bytes of a resumable upload; null if only its end will tell. */
  length: number | null;
  /** Metadata from the client of a resumable upload. */
  metadata: string | null;
}

export function createUploads(
  { database, now, uploadBytesMax, quotaBytes, limiter, silenceMsMax = SILENCE_MS_MAX, flow = FLOW }: {
    database: Database;
    now: () => Date;
    uploadBytesMax: number;
    quotaBytes: number;
    /** Limits how fast a user may begin uploads. */
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
   * Runs a transfer. A user may have two at a time on this process; others wait for a slot, unless their
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
   * Counts an upload that is about to begin, before its request is examined. Call the result to take that
   * back.
   * @throws AppError rate_limited
   */
  function admit(me: Actor): () => void {
    const key = String(me.user_id);
    const retryAfter = limiter.take(key);
    if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
    return () => limiter.giveBack(key);
  }

  /**
   * @throws AppError too_large, quota_exceeded; unauthenticated if the account was deleted, which also goes
   * for the functions below
   */
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
   * Appends bytes to an upload as they arrive, writing them in chunks. The result has the new size.
   * @throws AppError too_large, quota_exceeded; upload_conflict or media_not_found if the upload has changed
   * meanwhile
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
        // The sweep judges an upload by its last write, so a chunk that takes an hour to fill is written
        // earlier.
        if (writer.unwritten() > 0 && now().getTime() - writtenAt > UNWRITTEN_MS_MAX) await writer.flush();
      }
    } finally {
      // Bytes that arrived before a connection broke are kept: a resumable upload continues from there.
      await writer.flush();
    }
    return { ...upload, size: writer.end() };
  }

  async function put({ id, owner_id }: UploadRow, chunk: Chunk & { now: Date }): Promise<void> {
    if (await writes.run(() => rows.appendChunk(connections, { id, ...chunk, keptMs: RESUMABLE_MS }))) return;
    throw await find({ user_id: owner_id }, id) ? new AppError("upload_conflict") : await gone(owner_id);
  }

  /**
   * Bytes that the quota still allows for this upload. The length of a resumable one was reserved when it
   * began.
   */
  async function roomFor(upload: UploadRow): Promise<number> {
    if (upload.length !== null) return upload.length - upload.size;
    return quotaBytes - await database.run((sql) => rows.sumOfOwner(sql, upload.owner_id));
  }

  /**
   * Recognises the uploaded file and turns it into media that can be sent, or deletes it. Calling it again
   * has no further effect.
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
      // Another request may have finished the same upload.
      return (await findMedia(sql, id)) ? null : new AppError("media_not_found");
    });
  }

  async function read({ id, owner_id }: UploadRow, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await database.run((sql) => readChunk(sql, { id, offset, length }));
    if (!bytes) throw await gone(owner_id);
    return bytes;
  }

  /**
   * Why an upload does not exist any more: it was swept, or its account was deleted, which the client may not
   * know yet.
   */
  async function gone(ownerId: number): Promise<AppError> {
    const [deleted] = await database.run((sql) => listDeleted(sql, [ownerId]));
    return new AppError(deleted === undefined ? "media_not_found" : "unauthenticated");
  }

  /** Deletes an unfinished upload. */
  async function abort(id: number): Promise<void> {
    await database.run((sql) => rows.deleteUpload(sql, id));
  }

  /**
   * Deletes an upload at its owner's request, even if it is finished. Media that a message carries belong to
   * the other person too and stay.
   * @throws AppError media_not_found, media_sent
   */
  async function remove({ id }: UploadRow): Promise<void> {
    const refusal = await database.begin(async (sql) => {
      if (!(await rows.lockMedia(sql, id))) return "media_not_found";
      return (await rows.deleteUncarried(sql, id)) ? null : "media_sent";
    });
    if (refusal) throw new AppError(refusal);
  }

  /** One of my uploads, also if it is finished. Null if it is not mine or has expired. */
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

/** 52 random bits: never zero, below 2^53, and revealing no count. */
function newMediaId(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high! & 0xfffff) * 2 ** 32 + low! || newMediaId();
}

function invalidMedia(found: MediaKind | null, declared: MediaKind): AppError {
  const issue = found === null
    ? { path: "file", message: "Is not audio or video in a supported format" }
    : { path: "media_type", message: `Says ${declared}, and the file is ${found}` };
  return new AppError("invalid_media", { issues: [issue] });
}
