// A raw WebSocket, for frames that a client library would not send, and for clients that do not read.

export interface Handshake {
  status: number;
  headers: Headers;
  /** The connection; everything after the answer's head is still unread. */
  conn: Deno.TcpConn;
}

/** Sends the handshake of a WebSocket; the caller has to close `conn`. */
export async function shakeHands(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Handshake> {
  const { hostname, port } = new URL(url);
  const conn = await Deno.connect({ hostname, port: Number(port) });
  await conn.write(handshake(url, path, headers));
  const [statusLine, ...fields] = (await readHead(conn)).split("\r\n");
  return {
    status: Number(statusLine!.split(" ")[1]),
    headers: new Headers(fields.map((field) => field.split(/: ?(.*)/s).slice(0, 2) as [string, string])),
    conn,
  };
}

/** The client's handshake (RFC 6455, section 4.1). */
export function handshake(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const all = {
    host: new URL(url).host,
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

/** Reads byte by byte, so that nothing of the first frame is consumed. */
async function readHead(conn: Deno.TcpConn): Promise<string> {
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    if (await conn.read(byte) === null) throw new Error(`Connection ended after: ${head}`);
    head += String.fromCharCode(byte[0]!);
  }
  return head.slice(0, -4);
}
