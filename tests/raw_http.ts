// A connection on which anything can be said: what a client's library would repair, refuse, or send at once.

export interface RawHttp {
  /** Resolves when it is sent; a server that has hung up is no error. */
  say(text: string): Promise<void>;
  /** Everything that was answered so far. */
  heard(): string;
  /** Resolves when the server has ended the connection. */
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

/** The status of each answer that was heard, in order. */
export function statusesOf(heard: string): number[] {
  return [...heard.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
}

/** A head as it goes over the line; `\n` becomes what HTTP wants. */
export function headOf(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}
