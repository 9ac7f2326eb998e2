// Bytes on their way into the database, by node-postgres: it sends them as they are, where postgres.js makes text of
// all that it sends.

import { Socket } from "node:net";
import { dirname } from "node:path";
import type { Client, ClientConfig } from "./pg.d.ts";
import type { Pool } from "./database.ts";
import { type Door, openDoor } from "./door.ts";

/** Prepared under its name, once for each connection. */
export interface Statement {
  name: string;
  text: string;
  values: (Uint8Array | number | boolean | Date)[];
}

export interface Bytes extends Pick<Door<never>, "close" | "onOutage"> {
  /**
   * Runs a statement as its own transaction, and counts its rows. There are as many connections as there ever were statements
   * at a time: callers take turns. A server process that has just written bytes writes the next ones faster than another, so
   * what was used last is used first.
   * @throws DatabaseUnavailable
   */
  run(statement: Statement): Promise<number>;
}

/** A connection was lost, or could not be made; as postgres.js calls it. */
class ConnectionLost extends Error {
  readonly code = "CONNECTION_CLOSED";
}

interface Connection {
  client: Client;
  socket: Socket;
}

/** @param connect makes connections by postgres.js, whose reading of the address is followed, and which asks how things stand */
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
  return { ...door, run: (statement) => door.run(({ run }) => run(statement)) };
}

/** @param targets are tried in this order */
function openConnections(targets: ClientConfig[]) {
  const open = new Set<Connection>();
  const idle: Connection[] = [];
  let isEnding = false;
  let tellEmpty = () => {};

  function forget(connection: Connection): void {
    open.delete(connection);
    if (idle.includes(connection)) idle.splice(idle.indexOf(connection), 1);
    if (open.size === 0) tellEmpty();
  }

  /** The library is read when it is needed first: that takes a tenth of a start. */
  async function begin(): Promise<Connection> {
    // @ts-types="./pg.d.ts"
    const { Client } = await import("pg");
    let failure: unknown;
    for (const target of targets) {
      const socket = new Socket();
      const client = new Client({ ...target, stream: () => socket });
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
    throw failure;
  }

  async function run(statement: Statement): Promise<number> {
    if (isEnding) throw new ConnectionLost("These connections have ended");
    try {
      const connection = idle.pop() ?? await begin();
      const { rowCount } = await connection.client.query(statement).finally(() => release(connection));
      return rowCount ?? 0;
    } catch (error) {
      throw isRefusal(error) ? error : new ConnectionLost("Connection lost", { cause: error });
    }
  }

  function release(connection: Connection): void {
    if (isEnding) connection.client.end();
    else if (open.has(connection)) idle.push(connection);
  }

  async function end(seconds: number): Promise<void> {
    isEnding = true;
    if (open.size === 0) return;
    const empty = new Promise<void>((resolve) => tellEmpty = resolve);
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

/** Whether it comes from the server, with its SQLSTATE. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "severity" in error;
}

/** Where to connect and how, as postgres.js has read it; it keeps all that it does not know itself as settings. */
function targetsOf(read: Pool["options"]): ClientConfig[] {
  const { application_name, ...settings } = read.connection;
  const shared = {
    database: read.database,
    user: read.user,
    password: () => String(read.pass),
    application_name: String(application_name),
    options: Object.entries(settings).map(([name, value]) => `-c ${name}=${escaped(String(value))}`).join(
      " ",
    ),
    connectionTimeoutMillis: read.connect_timeout * 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: Number(read.keep_alive) * 1_000,
    ...("sslnegotiation" in read && read.sslnegotiation
      ? { sslnegotiation: String(read.sslnegotiation) }
      : {}),
  };
  const { path } = read;
  return read.host.flatMap((host, place) => {
    const target = { ...shared, host, port: read.port[place]! };
    return path
      ? { ...target, host: dirname(path), ssl: false }
      : tlsOf(read.ssl).map((ssl) => ({ ...target, ssl }));
  });
}

/** For the command line of a server process (PostgreSQL, 54.2.1). */
function escaped(value: string): string {
  return value.replaceAll(/[\\ ]/g, "\\$&");
}

/** What is told to node:tls, in the order in which it is tried. As with postgres.js, `require` and less verify nothing. */
function tlsOf(ssl: Pool["options"]["ssl"]): (boolean | object)[] {
  if (!ssl) return [false];
  const unverified = { rejectUnauthorized: false };
  if (ssl === "prefer") return [unverified, false];
  if (ssl === "require" || ssl === "allow") return [unverified];
  return [typeof ssl === "object" ? ssl : true];
}
