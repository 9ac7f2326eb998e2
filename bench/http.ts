// A minimal HTTP/1.1 client, one request at a time, so that the cost of a client does not distort the
// service's figures.

export interface Address {
  hostname: string;
  port: number;
}

export interface Reply {
  status: number;
  /** Valid until the next request. */
  body: Uint8Array;
}

export interface Connection {
  /** Sends the request, followed by `body` if the request has none yet. */
  ask(request: Uint8Array, body?: Uint8Array[]): Promise<Reply>;
  /** Reads the answer and discards its body. */
  fetch(request: Uint8Array): Promise<{ status: number; bodyBytes: number }>;
  close(): void;
}

const BUFFER_BYTES = 65_536;
const CR = 13;

export async function openConnection({ hostname, port }: Address): Promise<Connection> {
  const conn = await Deno.connect({ hostname, port });
  conn.setNoDelay(true);
  let buffer = new Uint8Array(BUFFER_BYTES);
  let filled = 0;

  async function readMore(): Promise<void> {
    if (filled === buffer.length) {
      const larger = new Uint8Array(buffer.length * 2);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) throw new Error("The service closed the connection");
    filled += count;
  }

  async function readHead(): Promise<{ status: number; bodyFrom: number; bodyLength: number }> {
    filled = 0;
    let end = -1;
    while (end < 0) {
      await readMore();
      end = endOfHead(buffer, filled);
    }
    const head = latin1(buffer.subarray(0, end));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`An answer without a length: ${head}`);
    return { status: Number(head.slice(9, 12)), bodyFrom: end + 4, bodyLength: Number(length) };
  }

  return {
    async ask(request, body = []) {
      await writeAll(conn, request);
      for (const part of body) await writeAll(conn, part);
      const { status, bodyFrom, bodyLength } = await readHead();
      while (filled < bodyFrom + bodyLength) await readMore();
      return { status, body: buffer.subarray(bodyFrom, bodyFrom + bodyLength) };
    },
    async fetch(request) {
      await writeAll(conn, request);
      const { status, bodyFrom, bodyLength } = await readHead();
      let arrived = filled - bodyFrom;
      while (arrived < bodyLength) {
        const count = await conn.read(buffer);
        if (count === null) throw new Error(`The answer ended after ${arrived} of ${bodyLength} bytes`);
        arrived += count;
      }
      return { status, bodyBytes: arrived };
    },
    close: () => conn.close(),
  };
}

/** A request as bytes. A body is JSON unless the headers say otherwise. */
export function request(
  line: string,
  { token, body = "", headers = {} }: { token: string; body?: string; headers?: Record<string, string> },
): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(body);
  const all = {
    host: "bench",
    authorization: `Bearer ${token}`,
    ...(body === "" ? {} : { "content-type": "application/json", "content-length": String(encoded.length) }),
    ...headers,
  };
  const fields = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = new TextEncoder().encode(`${line} HTTP/1.1\r\n${fields}\r\n`);
  const bytes = new Uint8Array(head.length + encoded.length);
  bytes.set(head);
  bytes.set(encoded, head.length);
  return bytes;
}

export function json(reply: Reply): unknown {
  return JSON.parse(new TextDecoder().decode(reply.body));
}

export async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let written = await conn.write(bytes);
  while (written < bytes.length) written += await conn.write(bytes.subarray(written));
}

/** The offset of the empty line after the head; -1 if it has not arrived. */
export function endOfHead(bytes: Uint8Array, filled: number): number {
  for (let at = bytes.indexOf(CR); at >= 0 && at + 3 < filled; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 2] === CR) return at;
  }
  return -1;
}

const decoder = new TextDecoder("latin1");

export function latin1(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
