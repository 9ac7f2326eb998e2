// Bytes on their way out, read in as large blocks as the client is fast, and held for no longer than it is.

/** What a client is given at a time: of what it does not read, two pieces wait in the HTTP server. */
const PIECE_BYTES = 64 * 1024;
/** What is read at a time for a client that takes it at once: a block costs a round trip. */
const BLOCK_BYTES_MAX = 256 * 1024;
/** A client that has not taken the next piece by then is slow: what was read ahead for it is let go, and read again. */
const KEPT_MS = 50;

/**
 * The bytes from `start` up to but not with `end`. A failing read breaks the stream off.
 * @param read gives exactly `length` bytes
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
      // A copy, since a view would keep all of the block for as long as the client does not take it.
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
