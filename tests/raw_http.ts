// A raw HTTP connection, for requests that a client library would repair, refuse, or send differently.

export interface RawHttp {
  /** Resolves once it is sent, even if the server has hung up. */
  say(text: string): Promise<void>;
  /** All bytes received so far. */
  heard(): string;
  /** Resolves when the server closes the connection. */
  ended: Promise<void>;
  close(): void;
}

export async function openRaw(url: string): Promise<RawHttp> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const decoder = new TextDecoder();
  let heard = "";
  const listen = async () => {
    const buffer = new Uint8Array(16_384);
    for (
      let length = await connection.read(buffer);
      length !== null;
      length = await connection.read(buffer)
    ) {
      heard += decoder.decode(buffer.subarray(0, length), { stream: true });
    }
  };
  return {
    async say(text) {
      const bytes = new TextEncoder().encode(text);
      try {
        for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
      } catch { /* it has heard enough */ }
    },
    heard: () => heard,
    ended: listen().catch(() => {}),
    close() {
      try {
        connection.close();
      } catch { /* closed */ }
    },
  };
}

/** The status of each answer, in order. */
export function statusesOf(heard: string): number[] {
  return [...heard.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
}

/** The head of a request, with the line endings of HTTP. */
export function headOf(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}
