// A raw HTTP/1.1 client: it sends exactly the given bytes, which a client library might repair or refuse, and
// returns the answer as it came. It reconnects when needed.

export interface RawAnswer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

export interface HttpConnection {
  /**
   * Sends these bytes and reads one answer. Null if the connection ended without one or the time was up; the
   * next `ask` then opens a new connection.
   */
  ask(bytes: Uint8Array, options?: { isHead?: boolean; msMax?: number }): Promise<RawAnswer | null>;
  /** Whether the last `ask` timed out. */
  readonly timedOut: boolean;
  close(): void;
}

const HEAD_END = new TextEncoder().encode("\r\n\r\n");
const PATIENCE_MS = 15_000;

export function openHttp(url: string): HttpConnection {
  const { hostname, port } = new URL(url);
  let conn: Deno.TcpConn | null = null;
  let reader: Reader | null = null;
  let timedOut = false;

  function close(): void {
    try {
      conn?.close();
    } catch { /* it was closed when the time was up */ }
    conn = reader = null;
  }

  async function exchange(bytes: Uint8Array, isHead: boolean): Promise<RawAnswer | null> {
    conn ??= await Deno.connect({ hostname, port: Number(port) });
    // The time may have been up before the connection was open.
    if (timedOut) close();
    if (!conn) return null;
    conn.setNoDelay();
    reader ??= createReader(conn);
    // The service may answer and hang up before it has read everything.
    const written = writeAll(conn, bytes).catch(() => {});
    const answer = await readAnswer(reader, isHead).catch(() => null);
    if (answer === null || /close/i.test(answer.headers.get("connection") ?? "")) close();
    else await written;
    return answer;
  }

  return {
    async ask(bytes, { isHead = false, msMax = PATIENCE_MS } = {}) {
      timedOut = false;
      const isFresh = conn === null;
      const timer = setTimeout(() => {
        timedOut = true;
        close();
      }, msMax);
      try {
        const answer = await exchange(bytes, isHead);
        if (answer || isFresh || timedOut) return answer;
        // The previous answer may have closed the connection.
        return await exchange(bytes, isHead);
      } finally {
        clearTimeout(timer);
      }
    },
    get timedOut() {
      return timedOut;
    },
    close,
  };
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

type Reader = ReturnType<typeof createReader>;

/** Reads up to a length or a delimiter, and keeps what comes after it. */
function createReader(conn: Deno.TcpConn) {
  const chunk = new Uint8Array(65_536);
  let kept = new Uint8Array(0);

  async function more(): Promise<void> {
    const length = await conn.read(chunk);
    if (length === null) throw new Error("Connection ended");
    const all = new Uint8Array(kept.length + length);
    all.set(kept);
    all.set(chunk.subarray(0, length), kept.length);
    kept = all;
  }

  function take(length: number): Uint8Array {
    const taken = kept.slice(0, length);
    kept = kept.slice(length);
    return taken;
  }

  return {
    async bytes(length: number): Promise<Uint8Array> {
      while (kept.length < length) await more();
      return take(length);
    },
    /** Everything before the delimiter, which is consumed too. */
    async until(mark: Uint8Array): Promise<string> {
      for (let from = 0;;) {
        const at = indexOf(kept, mark, from);
        if (at >= 0) return latin1(take(at + mark.length).subarray(0, at));
        from = Math.max(0, kept.length - mark.length);
        await more();
      }
    },
  };
}

async function readAnswer(reader: Reader, isHead: boolean): Promise<RawAnswer> {
  const [statusLine, ...fields] = (await reader.until(HEAD_END)).split("\r\n");
  const status = Number(statusLine!.match(/^HTTP\/1\.[01] (\d{3})/)?.[1]);
  if (status === 100) return await readAnswer(reader, isHead);
  const headers = new Headers(fields.map((field) => field.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
  const hasBody = !isHead && status !== 101 && status !== 204 && status !== 304;
  if (!hasBody) return { status, headers, body: new Uint8Array(0) };
  if (headers.get("transfer-encoding") === "chunked") {
    return { status, headers, body: await readChunks(reader) };
  }
  return { status, headers, body: await reader.bytes(Number(headers.get("content-length") ?? 0)) };
}

async function readChunks(reader: Reader): Promise<Uint8Array> {
  const lineEnd = new TextEncoder().encode("\r\n");
  const chunks: Uint8Array[] = [];
  while (true) {
    const length = parseInt(await reader.until(lineEnd), 16);
    chunks.push((await reader.bytes(length + 2)).subarray(0, length));
    if (length === 0) return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  }
}

function indexOf(bytes: Uint8Array, mark: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(mark[0]!, from); at >= 0; at = bytes.indexOf(mark[0]!, at + 1)) {
    if (mark.every((byte, place) => bytes[at + place] === byte)) return at;
  }
  return -1;
}

/** Decodes each byte to one character, so that the text can be encoded back without a loss. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return text;
}

export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
