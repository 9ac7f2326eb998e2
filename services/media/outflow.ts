// Streams bytes to a client: reads larger blocks for a fast client, and keeps no block for a slow one.

/** Bytes passed on at a time: for a client that does not read, two pieces wait in the HTTP server. */
const PIECE_BYTES = 64 * 1024;
/** The largest block read at a time, for a client that takes it at once; each block costs a round trip. */
const BLOCK_BYTES_MAX = 256 * 1024;
/**
 * A client that has not taken the next piece after this time is slow: the rest of the block is dropped and
 * read again later.
 */
const KEPT_MS = 50;

/**
 * The bytes from `start` up to, but not including, `end`. A failing read fails the stream.
 * @param read returns exactly `length` bytes
 */
export function outflow(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  { start, end, keptMs = KEPT_MS }: { start: number; end: number; keptMs?: number },
): ReadableStream<Uint8Array> {
  let offset = start;
  let block: Uint8Array = new Uint8Array();
  let blockBytes = PIECE_BYTES;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function letGo(): void {
    block = new Uint8Array();
    blockBytes = PIECE_BYTES;
  }

  return new ReadableStream({
    async pull(controller) {
      clearTimeout(timer);
      if (block.length === 0) {
        block = await read(offset, Math.min(blockBytes, end - offset));
        blockBytes = Math.min(blockBytes * 2, BLOCK_BYTES_MAX);
      }
      // A copy, because a view would keep the whole block in memory until the client takes the piece.
      const piece = new Uint8Array(block.subarray(0, PIECE_BYTES));
      block = block.subarray(piece.length);
      offset += piece.length;
      controller.enqueue(piece);
      if (offset >= end) controller.close();
      else timer = setTimeout(letGo, keptMs);
    },
    cancel() {
      clearTimeout(timer);
      letGo();
    },
  }, { highWaterMark: 0 });
}
