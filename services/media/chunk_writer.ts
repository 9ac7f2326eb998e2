// Bytes of an upload on their way to the database: one chunk is filled while the last ones are written.

export interface Chunk {
  /** Where in the upload it belongs. */
  offset: number;
  /** Good until the chunk is written. */
  bytes: Uint8Array;
  /** Whether a crash of the database may still lose it. */
  isLazy: boolean;
}

/** So many chunks are on their way at once: one is written, one waits for that, and the next is filled. */
const UNDER_WAY_MAX = 2;

export type ChunkWriter = ReturnType<typeof createChunkWriter>;

/**
 * Writes in chunks of this size, the first of them at `start`, and never two at once. After a failure nothing is tried
 * again, and whatever is asked next fails with it.
 */
export function createChunkWriter(
  { start, chunkBytes, write }: { start: number; chunkBytes: number; write: (chunk: Chunk) => Promise<void> },
) {
  const spare: Uint8Array<ArrayBuffer>[] = [];
  let filling = new Uint8Array(chunkBytes);
  let filled = 0;
  let offset = start;
  let isLazy = false;
  let hasFailed = false;
  /** The chunks on their way, the oldest first. One that failed stays, and all that is asked from then on fails with it. */
  const underWay: Promise<void>[] = [];

  /** Resolves when there is room for another chunk on its way: this one is then. */
  async function begin(isLazyNow: boolean): Promise<void> {
    while (hasFailed || underWay.length === UNDER_WAY_MAX) await oldest();
    const buffer = filling;
    const chunk = { offset, bytes: buffer.subarray(0, filled), isLazy: isLazyNow };
    filling = spare.pop() ?? new Uint8Array(chunkBytes);
    offset += filled;
    filled = 0;
    isLazy = isLazyNow;
    const before = underWay.at(-1) ?? Promise.resolve();
    const written = before.then(() => write(chunk)).then(() => void spare.push(buffer));
    // It is heard of with the next chunk, or at the end.
    written.catch(() => hasFailed = true);
    underWay.push(written);
  }

  async function oldest(): Promise<void> {
    await underWay[0];
    underWay.shift();
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
    while (underWay.length > 0) await oldest();
  }

  return { take, flush, end: () => offset + filled, unwritten: () => filled };
}
