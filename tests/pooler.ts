// A proxy that behaves like a connection pooler: it reads the startup message of each connection (PostgreSQL,
// 54.7, StartupMessage), and drops or refuses the settings in it.

import { Buffer } from "node:buffer";
import type { TestDatabase } from "./database.ts";

export interface Pooler {
  urlFor(address: TestDatabase["address"]): string;
  close(): void;
}

export function startPooler(socketPath: string, { refuses }: { refuses: boolean }): Pooler {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();

  async function relay(near: Deno.Conn): Promise<void> {
    open.add(near);
    const buffer = new Uint8Array(65_536);
    const length = await near.read(buffer) ?? 0;
    if (refuses) {
      await near.write(refusal("unsupported startup parameter: statement_timeout"));
      return near.close();
    }
    const far = await Deno.connect({ transport: "unix", path: socketPath });
    open.add(far);
    await far.write(withoutSettings(buffer.subarray(0, length)));
    await Promise.race([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
  }

  (async () => {
    for await (const near of listener) relay(near).catch(() => {});
  })().catch(() => {});
  return {
    urlFor: ({ user, database }) => `postgres://${user}@127.0.0.1:${listener.addr.port}/${database}`,
    close() {
      listener.close();
      for (const one of open) {
        try {
          one.close();
        } catch { /* it was closed before */ }
      }
    },
  };
}

/**
 * The startup message without its settings. It has a length, a version, and pairs of names and values that
 * end with a zero byte.
 */
function withoutSettings(startup: Uint8Array): Uint8Array {
  const words = Buffer.from(startup.subarray(8)).toString().split("\0");
  const kept = ["user", "database"].flatMap((name) => [name, words[words.indexOf(name) + 1]!]);
  const body = Buffer.from([...kept, "", ""].join("\0"));
  const head = Buffer.from(startup.subarray(0, 8));
  head.writeInt32BE(8 + body.length);
  return Buffer.concat([head, body]);
}

function refusal(message: string): Uint8Array {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
}
