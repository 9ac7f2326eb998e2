// A proxy to the database that can be cut or fall silent, as networks do.

import { reservedPort } from "./reserved_port.ts";

export interface TcpProxy {
  port: number;
  /** Closes all connections and accepts no new ones. */
  refuse(): void;
  /** Accepts connections but passes nothing on, in either direction. */
  freeze(): void;
  /** Passes everything on again; what was held back arrives now. */
  resume(): void;
  /** How many bytes are held back. */
  heldBytes(): number;
  close(): void;
}

/** Relays TCP on the loopback to a Unix socket. */
export function startProxy(socketPath: string): TcpProxy {
  const port = reservedPort();
  const listen = () => Deno.listen({ hostname: "127.0.0.1", port });
  const conns = new Set<Deno.Conn>();
  let listener: Deno.TcpListener | null = listen();
  let thawed = Promise.resolve();
  let thaw = () => {};
  let held = 0;

  async function accept(from: Deno.TcpListener): Promise<void> {
    try {
      for await (const near of from) relay(near).catch(() => {});
    } catch { /* closed */ }
  }

  async function relay(near: Deno.Conn): Promise<void> {
    conns.add(near);
    await thawed;
    const far = await Deno.connect({ transport: "unix", path: socketPath });
    conns.add(far);
    await Promise.race([pass(near, far), pass(far, near)]).finally(() => [near, far].forEach(cut));
  }

  async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    while (true) {
      const length = await from.read(buffer);
      if (length === null) return;
      held += length;
      await thawed;
      held -= length;
      for (let sent = 0; sent < length;) sent += await to.write(buffer.subarray(sent, length));
    }
  }

  function cut(conn: Deno.Conn): void {
    if (conns.delete(conn)) conn.close();
  }

  function refuse(): void {
    listener?.close();
    listener = null;
    conns.forEach(cut);
  }

  accept(listener);
  return {
    port,
    refuse,
    freeze: () => void ({ promise: thawed, resolve: thaw } = Promise.withResolvers<void>()),
    heldBytes: () => held,
    resume() {
      thaw();
      if (listener) return;
      listener = listen();
      accept(listener);
    },
    close() {
      thaw();
      refuse();
    },
  };
}
