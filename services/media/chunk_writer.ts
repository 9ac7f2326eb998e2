// Bytes of an upload on their way to the database: one chunk is filled while the last is written.

export interface Chunk {
  /** Where in the upload it belongs. */
  offset: number;
  /** Good until the chunk after the next is begun. */
  bytes: Uint8Array;
  /** Whether a crash of the database may still lose it. */
  isLazy: boolean;
}

/**
 * Writes in chunks of this size, the first of them at `start`, and never two at once. After a failure nothing is tried
 * again, and whatever is asked next fails with it.
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

  /** Resolves when the chunk before is written: this one is on its way then. */
  async function begin(isLazyNow: boolean): Promise<void> {
    await writing;
    const chunk = { offset, bytes: filling.subarray(0, filled), isLazy: isLazyNow };
    [filling, other] = [other ?? new Uint8Array(chunkBytes), filling];
    offset += filled;
    filled = 0;
    isLazy = isLazyNow;
    writing = write(chunk);
    // It is heard of with the next chunk, or at the end.
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

  /** Writes what is left, however little. A crash can lose nothing from then on: who keeps the last keeps all before. */
  async function flush(): Promise<void> {
    if (filled > 0 || isLazy) await begin(false);
    await writing;
  }

  return { take, flush, end: () => offset + filled, unwritten: () => filled };
}
