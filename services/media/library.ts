// Downloads of media: who may have them, and their bytes. Media that are somebody else's look the same as
// missing ones.

import type { Database } from "../../db/connection/database.ts";
import { findMedia, findReadable, type MediaRow, readChunk } from "../../db/media/media.ts";
import { AppError } from "../errors.ts";
import { createQueuedConcurrencyLimit } from "../limits/concurrency.ts";
import { describeError, log } from "../log.ts";
import { createSemaphore } from "../semaphore.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { MediaLinks, Signature } from "./links.ts";
import { outflow } from "./outflow.ts";

/** Reads at a time: each takes a connection, and most connections should stay free for others. */
const READS_AT_ONCE_MAX = 4;
/**
 * Limits on one person's downloads: a player opens a few at once and a page of films some more; the rest
 * wait.
 */
const DOWNLOADS = { max: 16, waiting: 48, msMax: 5_000, retrySeconds: 5 };

export interface OpenMedia extends MediaRow {
  /**
   * Whose limit the download counts against: the same tag for a person, whether by session or by signature.
   */
  by: string;
}

export type Library = ReturnType<typeof createLibrary>;

export function createLibrary({ database, links }: { database: Database; links: MediaLinks }) {
  const reads = createSemaphore(READS_AT_ONCE_MAX);
  const slots = createQueuedConcurrencyLimit(DOWNLOADS);

  /**
   * Opens media for the uploader, or for the two people of a message that carries them.
   * @throws AppError media_not_found
   */
  async function open(me: Actor, id: number): Promise<OpenMedia> {
    const media = await database.run((sql) => findReadable(sql, id, me.user_id));
    if (!media) throw new AppError("media_not_found");
    return { ...media, by: links.tagOf(me.user_id) };
  }

  /**
   * Opens media by a signature that `sign` made; counts against the limit of its signer.
   * @throws AppError media_not_found
   */
  async function openSigned(id: number, signature: Signature): Promise<OpenMedia> {
    const by = links.signerOf(id, signature);
    const media = by === null ? null : await database.run((sql) => findMedia(sql, id));
    if (by === null || !media) throw new AppError("media_not_found");
    return { ...media, by };
  }

  /** A signature for media that I may have. @throws AppError media_not_found */
  async function sign(me: Actor, id: number): Promise<Signature & { expires_at: Date }> {
    await open(me, id);
    return links.sign(id, me.user_id);
  }

  /**
   * The bytes from `start` up to, but not including, `end`. They are read on demand, so a slow reader holds
   * no connection. If they cannot be read, or may not be any more, the stream fails, so that nobody takes
   * what arrived for the whole.
   * @param confirm rejects if the reader may not continue
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
      // Uses the connections in rotation: on the most recently used one, several films at once take three
      // times the memory.
      const chunk = await reads.run(() =>
        database.run((sql) => readChunk(sql, { id, offset, length }), { inTurn: true })
      );
      if (chunk?.length === length) return chunk;
      throw new Error("Media ended before their size");
    } catch (error) {
      // Deno prints the error of a response stream itself, bypassing our log, so it must not contain any
      // details.
      log.warn("Download aborted", describeError(error));
      throw new Error("Download aborted");
    }
  }

  return { open, openSigned, sign, bytes, takeSlot: slots.take };
}
