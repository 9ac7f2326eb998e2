import { setImmediate } from "node:timers";

/**
 * What one read asks for, of every body alike. With each, Deno 2.9 takes as many bytes off the connection as the largest
 * read on that connection ever asked for, but hands out no more than are left of a chunk that the client sends in. What is
 * over piles up without a bound and is moved by every read: the less is asked for, the less is over at a chunk's end.
 */
export const READ_BYTES = 4_096;

/** What is handed on together: each piece has a long way to go. */
const PIECE_BYTES_MAX = 65_536;

export interface BodyReader {
  /** What is there by the end of a turn of the event loop. Null at the end. Rejects when the client went away. */
  read(): Promise<Uint8Array | null>;
  /** Also ends a read. */
  cancel(): Promise<void>;
}

/** How every body is read that may be larger than such a read: a larger one makes what follows on the same connection pile up. */
export function openBody(body: ReadableStream<Uint8Array>): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return openSmallBody(body);
  }
  let buffer = new ArrayBuffer(READ_BYTES);
  let asked: Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> | null = null;

  /** Takes what a read has brought; the same memory takes the next bytes. */
  function take(value: Uint8Array<ArrayBuffer>, piece: Uint8Array, filled: number): number {
    piece.set(value, filled);
    buffer = value.buffer;
    asked = null;
    return filled + value.length;
  }

  /** Who sends less than a read at a time costs no memory for more. */
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
      // A read that has not ended yet, the body's end, and a failure are all for the next call: this has bytes to give.
      const more = await Promise.race([asked, turn]).catch(() => null);
      if (!more || more.done) break;
      filled = take(more.value, piece, filled);
    }
    // Where the parser holds on to a few bytes it would hold on to all of the piece.
    return filled < PIECE_BYTES_MAX / 2 ? piece.slice(0, filled) : piece.subarray(0, filled);
  }

  return { read, cancel: () => reader.cancel().catch(() => {}) };
}

/** One that had arrived together with its head is a stream whose reader cannot say how much it wants. */
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
