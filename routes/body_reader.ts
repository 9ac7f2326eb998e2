/**
 * What one read asks for, of every body alike. With each, Deno 2.9 takes as many bytes off the connection as the largest
 * read on that connection ever asked for, but hands out no more than are left of a chunk that the client sends in. What is
 * over piles up without a bound and is moved by every read: the less is asked for, the less is over at a chunk's end.
 */
const READ_BYTES = 4_096;

export interface BodyReader {
  /** Null at the end. Rejects when the client went away. */
  read(): Promise<Uint8Array | null>;
  /** Also ends a read. */
  cancel(): Promise<void>;
}

/** The one way to read a body: a larger read anywhere makes that of others pile up on the same connection. */
export function openBody(body: ReadableStream<Uint8Array>): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return openSmallBody(body);
  }
  let buffer = new ArrayBuffer(READ_BYTES);
  return {
    async read() {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) return null;
      // The same memory takes the next bytes.
      buffer = value.buffer;
      return value.slice();
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
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
