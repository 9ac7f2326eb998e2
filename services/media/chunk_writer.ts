// Writes the bytes of an upload in chunks: one is filled while the previous one is written.

export interface Chunk {
  /** Position in the upload. */
  offset: number;
  /** Valid until `write` resolves: two buffers are used alternately, and then this one is filled again. */
  bytes: Uint8Array;
  /** Whether a crash of the database may lose it. */
  isLazy: boolean;
}

/**
 * Writes chunks of `chunkBytes`, the first at `start`, never two at once. After a failed write nothing is
 * retried, and all later calls fail with the same error.
 */
export function createChunkWriter(
  { start, chunkBytes, write }: { start: number; chunkBytes: number; write: (chunk: Chunk) => Promise<void> },
) {
  let filling = new Uint8Array(chunkBytes);
  let other: Uint8Array<ArrayBuffer> | null = null;
  let filled = 0;
  let offset = start;
  let isLazy = false;
  let writing = Promise.resolve();

  /** Starts writing the chunk; resolves when the previous one is written. */
  async function begin(isLazyNow: boolean): Promise<void> {
    await writing;
    const chunk = { offset, bytes: filling.subarray(0, filled), isLazy: isLazyNow };
    [filling, other] = [other ?? new Uint8Array(chunkBytes), filling];
    offset += filled;
    filled = 0;
    isLazy = isLazyNow;
    writing = write(chunk);
    // Its error surfaces with the next chunk, or at the end.
    writing.catch(() => {});
  }

  async function take(bytes: Uint8Array): Promise<void> {
    for (let taken = 0; taken < bytes.length;) {
      const part = bytes.subarray(taken, taken + chunkBytes - filled);
      filling.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled === chunkBytes) await begin(true);
    }
  }

  /**
   * Writes the rest, however little. After this a crash loses nothing: the last chunk is not lazy, and makes
   * all earlier ones durable.
   */
  async function flush(): Promise<void> {
    if (filled > 0 || isLazy) await begin(false);
    await writing;
  }

  return { take, flush, end: () => offset + filled, unwritten: () => filled };
}
