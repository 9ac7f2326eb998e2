// A minimal WebSocket client (RFC 6455), because Deno's own delays small frames by 40 ms.

import { type Address, endOfHead, latin1, writeAll } from "./http.ts";

export interface Listener {
  /** Resolves when the connection ends, whichever side ended it. */
  ended: Promise<void>;
  close(): void;
}

const BUFFER_BYTES = 4_096;
const TEXT = 1, CLOSE = 8, PING = 9;

/**
 * Opens a person's notifications. `onFrame` gets each text frame, `connected` included; its bytes are valid
 * only during the call.
 */
export async function listenTo(
  { hostname, port }: Address,
  token: string,
  onFrame: (text: Uint8Array) => void,
): Promise<Listener> {
  const conn = await Deno.connect({ hostname, port });
  conn.setNoDelay(true);
  const handshake = `GET /api/notifications HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n` +
    "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "sec-websocket-version: 13\r\n\r\n";
  await writeAll(conn, new TextEncoder().encode(handshake));
  const buffer = new Uint8Array(BUFFER_BYTES);
  let filled = 0;
  let end = -1;
  while (end < 0) {
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) throw new Error("The service closed the connection before it was a WebSocket");
    filled += count;
    end = endOfHead(buffer, filled);
  }
  const head = latin1(buffer.subarray(0, end));
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(`No WebSocket: ${head}`);

  let isClosed = false;
  let from = end + 4;
  const read = async () => {
    while (!isClosed) {
      from = takeFrames(from);
      buffer.copyWithin(0, from, filled);
      filled -= from;
      from = 0;
      const count = await conn.read(buffer.subarray(filled));
      if (count === null) break;
      filled += count;
    }
  };

  /** Consumes all complete frames; returns the offset of the rest. */
  function takeFrames(start: number): number {
    let at = start;
    while (filled - at >= 2) {
      const short = buffer[at + 1]! & 0x7f;
      const isLong = short === 126;
      const length = isLong ? (buffer[at + 2]! << 8) | buffer[at + 3]! : short;
      const payload = at + (isLong ? 4 : 2);
      if (short === 127 || payload + length > buffer.length) throw new Error("A frame too long for a hint");
      if ((isLong && filled - at < 4) || filled < payload + length) break;
      take(buffer[at]! & 0x0f, buffer.subarray(payload, payload + length));
      at = payload + length;
    }
    return at;
  }

  function take(opcode: number, payload: Uint8Array): void {
    if (opcode === TEXT) onFrame(payload);
    // A pong, masked with zeros, which leave the payload unchanged.
    if (opcode === PING) {
      conn.write(Uint8Array.of(0x8a, 0x80 | payload.length, 0, 0, 0, 0, ...payload)).catch(() => {});
    }
    if (opcode === CLOSE) close();
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    conn.close();
  }

  const ended = read().catch((error) => {
    if (!isClosed) throw error;
  }).finally(close);
  ended.catch(() => {});
  return { ended, close };
}
