// A proxy to the database that records the statements which a service sends, in their order (Frontend/Backend
// Protocol, "Message Formats").

import type { TestDatabase } from "./database.ts";

export interface StatementTap {
  /** The same database, through the proxy. */
  database: TestDatabase;
  /** The statements sent while this ran. */
  during(run: () => Promise<unknown>): Promise<string[]>;
  close(): void;
}

/** Statements of the connections themselves: health checks, and the list of types. */
const OF_THE_CONNECTION = /^select (1|pg_notification_queue_usage\(\))$|pg_catalog\.pg_type/;

export function startStatementTap(database: TestDatabase): StatementTap {
  const { host, port } = database.address;
  const path = `${host}/.s.PGSQL.${port}`;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let seen: string[] = [];

  async function accept(): Promise<void> {
    for await (const near of listener) relay(near).catch(() => {});
  }

  async function relay(near: Deno.Conn): Promise<void> {
    const far = await Deno.connect({ transport: "unix", path });
    open.add(near).add(far);
    const listen = statementReader((statement) => {
      if (!OF_THE_CONNECTION.test(statement)) seen.push(statement);
    });
    const ends = [pass(near, far, listen), pass(far, near, () => {})];
    await Promise.race(ends).catch(() => {}).finally(() => [near, far].forEach(end));
  }

  async function pass(from: Deno.Conn, to: Deno.Conn, listen: (bytes: Uint8Array) => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (let length = await from.read(buffer); length !== null; length = await from.read(buffer)) {
      listen(buffer.subarray(0, length));
      for (let sent = 0; sent < length;) sent += await to.write(buffer.subarray(sent, length));
    }
  }

  function end(connection: Deno.Conn): void {
    if (open.delete(connection)) connection.close();
  }

  accept().catch(() => {});
  const address = { ...database.address, host: "127.0.0.1", port: listener.addr.port };
  return {
    database: { ...database, address },
    async during(run) {
      seen = [];
      await run();
      return seen;
    },
    close() {
      listener.close();
      open.forEach(end);
    },
  };
}

/** Parses the messages of one client. A prepared statement counts each time it is bound. */
function statementReader(tell: (statement: string) => void): (bytes: Uint8Array) => void {
  const prepared = new Map<string, string>();
  let pending = new Uint8Array();
  let isStartup = true;

  function read(type: string, body: Uint8Array): void {
    const [first = "", second = ""] = new TextDecoder().decode(body).split("\0", 2);
    if (type === "P") prepared.set(first, second);
    if (type === "B") tell(prepared.get(second) ?? "");
    if (type === "Q") tell(first);
  }

  return (bytes) => {
    pending = new Uint8Array([...pending, ...bytes]);
    while (true) {
      // Only the first message has no type byte.
      const start = isStartup ? 0 : 1;
      if (pending.length < start + 4) return;
      const length = new DataView(pending.buffer).getUint32(start);
      if (pending.length < start + length) return;
      const body = pending.subarray(start + 4, start + length);
      if (!isStartup) read(String.fromCharCode(pending[0]!), body);
      isStartup = false;
      pending = pending.slice(start + length);
    }
  };
}
