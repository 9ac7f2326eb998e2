// Bytes on their way into the database, by node-postgres: it sends them as they are, where postgres.js makes text of
// all that it sends.

import { Socket } from "node:net";
import { type Target, targetsOf } from "./bytes_targets.ts";
import type { Pool } from "./database.ts";
import { openDoor } from "./door.ts";
import { ConnectionLost, isOutage } from "./outages.ts";
import type { Client } from "./pg.d.ts";

/** Prepared under its name, once for each connection. */
export interface Statement {
  name: string;
  text: string;
  values: (Uint8Array | number | boolean | Date)[];
}

export interface Bytes {
  /**
   * Runs a statement as its own transaction, and counts its rows. A connection is kept for each statement that was ever under
   * way beside others, given up or not: callers bound how many. A server process that has just written bytes writes the
   * next ones faster than another, so what was used last is used first.
   * @throws DatabaseUnavailable
   */
  run(statement: Statement): Promise<number>;
  close(): Promise<void>;
}

interface Connection {
  client: Client;
  socket: Socket;
}

/** @param connect opens a pool of postgres.js: its options say where to connect, and it asks whether the database answers */
export function openBytes(connect: () => Pool): Bytes {
  const door = openDoor(() => {
    const probe = connect();
    const connections = openConnections(targetsOf(probe.options));
    return {
      run: connections.run,
      ask: () => probe`select 1`.execute(),
      async end(seconds: number) {
        await Promise.all([connections.end(seconds), probe.end({ timeout: seconds })]);
      },
    };
  });
  return { run: (statement) => door.run(({ run }) => run(statement)), close: door.close };
}

/** @param targets are tried in this order */
function openConnections(targets: Target[]) {
  const open = new Set<Connection>();
  const idle: Connection[] = [];
  const { promise: empty, resolve: tellEmpty } = Promise.withResolvers<void>();
  let isEnding = false;

  function forget(connection: Connection): void {
    open.delete(connection);
    if (idle.includes(connection)) idle.splice(idle.indexOf(connection), 1);
    if (isEnding && open.size === 0) tellEmpty();
  }

  /** The library is read when it is needed first: that takes a tenth of a start. */
  async function begin(): Promise<Connection> {
    // @ts-types="./pg.d.ts"
    const { Client } = await import("pg");
    let failure: unknown;
    for (const { config, startup } of targets) {
      if (isEnding) break;
      const socket = new Socket();
      const client = new Client({ ...config, stream: () => socket });
      // As postgres.js begins a connection: not every proxy takes settings as options of a command line.
      client.getStartupConf = () => startup;
      const connection = { client, socket };
      open.add(connection);
      // Its statement hears of it as well, if there is one.
      client.on("error", () => socket.destroy());
      client.on("end", () => forget(connection));
      try {
        await client.connect();
        if (targets.length > 1) await refuseStandby(client);
        return connection;
      } catch (error) {
        failure = error;
        socket.destroy();
        forget(connection);
      }
    }
    throw failure ?? new ConnectionLost("These connections have ended");
  }

  async function run(statement: Statement): Promise<number> {
    try {
      const connection = idle.pop() ?? await begin();
      if (isEnding) {
        release(connection);
        throw new ConnectionLost("These connections have ended");
      }
      const { rowCount } = await connection.client.query(statement).finally(() => release(connection));
      return rowCount ?? 0;
    } catch (error) {
      throw isLost(error) ? new ConnectionLost("Connection lost", { cause: error }) : error;
    }
  }

  function release(connection: Connection): void {
    if (isEnding) connection.client.end();
    else if (open.has(connection)) idle.push(connection);
  }

  async function end(seconds: number): Promise<void> {
    isEnding = true;
    if (open.size === 0) return;
    // A network that says nothing any more does not say goodbye either.
    const timer = setTimeout(() => open.forEach(({ socket }) => socket.destroy()), seconds * 1_000);
    idle.splice(0).forEach(({ client }) => client.end());
    await empty;
    clearTimeout(timer);
  }

  return { run, end };
}

/** Of several servers one takes writes. */
async function refuseStandby(client: Client): Promise<void> {
  const { rowCount } = await client.query({ text: "select 1 where not pg_is_in_recovery()" });
  if (rowCount === 0) throw new ConnectionLost("This server is a standby");
}

/** What the library says of a connection that is gone, or could not be made in time; it gives these no code. */
const LOST =
  /^(Connection terminated|timeout expired|Client (was closed|has encountered a connection error))/;

function isLost(error: unknown): boolean {
  return error instanceof Error && !isOutage(error) && LOST.test(error.message);
}
