// A TCP port in front of the tests' database, which listens on a Unix socket: for services that may open no file, and
// for outages: it can refuse, and it can fall silent.

import type { TestDatabase } from "./database.ts";

export interface Relay {
  /** A DATABASE_URL through this port. */
  url: string;
  /** Cuts every connection and refuses new ones, on the same port, until `mend`. */
  cut(): void;
  /** Keeps every connection and takes new ones, but passes nothing on until `mend`. */
  freeze(): void;
  mend(): void;
  close(): Promise<void>;
}

export function startRelay({ address }: TestDatabase): Relay {
  const open = new Set<Deno.Conn>();
  let thaw = Promise.withResolvers<void>();
  thaw.resolve();
  let listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  let accepting = accept(listener);

  async function accept(from: Deno.Listener): Promise<void> {
    for await (const client of from) {
      const server = await Deno.connect({
        transport: "unix",
        path: `${address.host}/.s.PGSQL.${address.port}`,
      });
      open.add(client).add(server);
      pass(client, server);
      pass(server, client);
    }
  }

  async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let length = await from.read(buffer); length !== null; length = await from.read(buffer)) {
        await thaw.promise;
        for (let sent = 0; sent < length;) sent += await to.write(buffer.subarray(sent, length));
      }
    } catch { /* one of the two has gone */ }
    end(from);
    end(to);
  }

  function end(connection: Deno.Conn): void {
    if (open.delete(connection)) connection.close();
  }

  function cut(): void {
    listener.close();
    open.forEach(end);
  }

  return {
    url: `postgres://${address.user}@127.0.0.1:${port}/${address.database}`,
    cut,
    freeze: () => void (thaw = Promise.withResolvers()),
    mend() {
      thaw.resolve();
      try {
        listener = Deno.listen({ hostname: "127.0.0.1", port });
        accepting = accept(listener);
      } catch (error) {
        // It was frozen, not cut.
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
    },
    async close() {
      thaw.resolve();
      cut();
      await accepting;
    },
  };
}
