// Media on their way out: who may have them, and their bytes. A foreign and a missing one are the same.

import type { Database } from "../../db/connection/database.ts";
import { findMedia, findReadable, type MediaRow, readChunk } from "../../db/media/media.ts";
import { AppError } from "../errors.ts";
import { describeError, log } from "../log.ts";
import type { Actor } from "../sessions/sessions.ts";
import { createQueuedConcurrencyLimit } from "../limits/concurrency.ts";
import { createSemaphore } from "../semaphore.ts";
import type { MediaLinks, Signature } from "./links.ts";
import { outflow } from "./outflow.ts";

/** Each read takes a connection: of these so many at once, so that most are there for others. */
const READS_AT_ONCE_MAX = 4;
/** Downloads of one person's: a player takes a few at once, a page of films some more, and the rest waits for these. */
const DOWNLOADS = { max: 16, waiting: 48, msMax: 5_000, retrySeconds: 5 };

export interface OpenMedia extends MediaRow {
  /** On whose account: the same of one person, whether by a session or by a signature. */
  by: string;
}

export type Library = ReturnType<typeof createLibrary>;

export function createLibrary({ database, links }: { database: Database; links: MediaLinks }) {
  const reads = createSemaphore(READS_AT_ONCE_MAX);
  const slots = createQueuedConcurrencyLimit(DOWNLOADS);

  /** For the uploader and the two of any message that carries it. @throws AppError media_not_found */
  async function open(me: Actor, id: number): Promise<OpenMedia> {
    const media = await database.run((sql) => findReadable(sql, id, me.user_id));
    if (!media) throw new AppError("media_not_found");
    return { ...media, by: links.tagOf(me.user_id) };
  }

  /** For whoever holds a signature that `sign` made, on the account of who had it made. @throws AppError media_not_found */
  async function openSigned(id: number, signature: Signature): Promise<OpenMedia> {
    const by = links.signerOf(id, signature);
    const media = by === null ? null : await database.run((sql) => findMedia(sql, id));
    if (by === null || !media) throw new AppError("media_not_found");
    return { ...media, by };
  }

  /** A signature for one media that I may have. @throws AppError media_not_found */
  async function sign(me: Actor, id: number): Promise<Signature & { expires_at: Date }> {
    await open(me, id);
    return links.sign(id, me.user_id);
  }

  /**
   * The bytes from `start` up to but not with `end`, read as they are wanted: a slow reader holds no connection. Where
   * they cannot be read, or may not be any more, the stream breaks off, so that nobody takes what came for the whole.
   * @param confirm rejects when the reader may not go on
   */
  function bytes(
    { id }: MediaRow,
    { start, end, confirm }: { start: number; end: number; confirm: () => Promise<void> },
  ): ReadableStream<Uint8Array> {
    return outflow((offset, length) => read({ id, confirm }, offset, length), { start, end });
  }

  async function read(
    { id, confirm }: { id: number; confirm: () => Promise<void> },
    offset: number,
    length: number,
  ): Promise<Uint8Array> {
    try {
      await confirm();
      // One connection after the other: from the one used last, several films at once take three times the memory.
      const chunk = await reads.run(() =>
        database.run((sql) => readChunk(sql, { id, offset, length }), { inTurn: true })
      );
      if (chunk?.length === length) return chunk;
      throw new Error("Media ended before their size");
    } catch (error) {
      // Deno itself prints what a response's stream fails with, past our log: that has to say nothing.
      log.warn("Download broken off", describeError(error));
      throw new Error("Download broken off");
    }
  }

  return { open, openSigned, sign, bytes, takeSlot: slots.take };
}
