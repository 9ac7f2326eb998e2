// A proxy to the database that can fall silent: for a while, or for ever on the connections that are open.

import type { TestDatabase } from "./database.ts";

export interface ForgetfulProxy {
  urlFor(address: TestDatabase["address"]): string;
  /** Passes nothing on until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Stops the current connections for ever; new ones work. */
  forget(): void;
  /** How many connections are open and not stopped. */
  open(): number;
  close(): void;
}

export function startForgetfulProxy(socketPath: string): ForgetfulProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const remembered = new Set<Deno.Conn>();
  let generation = 0;
  let thawed = Promise.withResolvers<void>();
  thawed.resolve();

  async function accept(): Promise<void> {
    for await (const near of listener) relay(near).catch(() => {});
  }

  async function relay(near: Deno.Conn): Promise<void> {
    const far = await Deno.connect({ transport: "unix", path: socketPath });
    open.add(near).add(far);
    remembered.add(near);
    const since = generation;
    await Promise.race([pass(near, far, since), pass(far, near, since)]).finally(() =>
      [near, far].forEach(end)
    );
  }

  async function pass(from: Deno.Conn, to: Deno.Conn, since: number): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (let length = await from.read(buffer); length !== null; length = await from.read(buffer)) {
      await thawed.promise;
      if (since !== generation) continue;
      for (let sent = 0; sent < length;) sent += await to.write(buffer.subarray(sent, length));
    }
  }

  function end(connection: Deno.Conn): void {
    remembered.delete(connection);
    if (open.delete(connection)) connection.close();
  }

  accept().catch(() => {});
  return {
    urlFor: ({ user, database }) => `postgres://${user}@127.0.0.1:${listener.addr.port}/${database}`,
    freeze: () => void (thawed = Promise.withResolvers()),
    thaw: () => thawed.resolve(),
    forget() {
      generation += 1;
      remembered.clear();
    },
    open: () => remembered.size,
    close() {
      thawed.resolve();
      listener.close();
      open.forEach(end);
    },
  };
}
