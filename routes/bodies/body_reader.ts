import { setImmediate } from "node:timers";

/**
 * How many bytes one read asks for. All bodies use the same size, because of how Deno 2.9 reads: each read
 * takes as many bytes off the connection as the largest read there ever asked for, but returns no more than
 * the rest of the client's current chunk. The surplus piles up without a bound and is moved by every read.
 * The smaller the reads, the smaller the surplus at the end of a chunk.
 */
export const READ_BYTES = 4_096;

/** Reads are handed on together up to this size, because every piece has a fixed cost further down. */
const PIECE_BYTES_MAX = 65_536;

export interface BodyReader {
  /**
   * What has arrived by the end of a turn of the event loop; null at the end. Rejects if the client hung up.
   */
  read(): Promise<Uint8Array | null>;
  /** Ends a pending read as well. */
  cancel(): Promise<void>;
}

/**
 * Opens a body for reading in steps of `READ_BYTES`. Every body that may be larger than that has to be read
 * this way: one larger read makes later bodies on the same connection pile up.
 */
export function openBody(body: ReadableStream<Uint8Array>): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return openSmallBody(body);
  }
  let buffer = new ArrayBuffer(READ_BYTES);
  let asked: Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> | null = null;

  /** Copies the result of a read into the piece, and takes the read's buffer back for the next one. */
  function take(value: Uint8Array<ArrayBuffer>, piece: Uint8Array, filled: number): number {
    piece.set(value, filled);
    buffer = value.buffer;
    asked = null;
    return filled + value.length;
  }

  /**
   * A short read gets a piece of its own size, so that a client which sends little at a time does not cost a
   * whole piece of memory.
   */
  function takeAlone(value: Uint8Array<ArrayBuffer>): Uint8Array {
    const piece = new Uint8Array(value.length);
    take(value, piece, 0);
    return piece;
  }

  async function read(): Promise<Uint8Array | null> {
    const { value, done } = await (asked ??= reader.read(new Uint8Array(buffer)));
    if (done) return null;
    if (value.length < READ_BYTES) return takeAlone(value);
    const piece = new Uint8Array(PIECE_BYTES_MAX);
    let filled = take(value, piece, 0);
    const turn = new Promise<null>((resolve) => setImmediate(resolve, null));
    while (filled <= PIECE_BYTES_MAX - READ_BYTES) {
      asked = reader.read(new Uint8Array(buffer));
      // A read that is still pending, the end of the body, or a failure is left for the next call: this one
      // has bytes to return.
      const more = await Promise.race([asked, turn]).catch(() => null);
      if (!more || more.done) break;
      filled = take(more.value, piece, filled);
    }
    // Copied where it is mostly empty: a parser that keeps a few bytes of it would keep the whole piece in
    // memory.
    return filled < PIECE_BYTES_MAX / 2 ? piece.slice(0, filled) : piece.subarray(0, filled);
  }

  return { read, cancel: () => reader.cancel().catch(() => {}) };
}

/** A body that arrived together with its head is a stream without byte reads. */
function openSmallBody(body: ReadableStream<Uint8Array>): BodyReader {
  const reader = body.getReader();
  return {
    async read() {
      const { value, done } = await reader.read();
      return done ? null : value;
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}
