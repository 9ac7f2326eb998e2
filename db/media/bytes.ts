// Bytes on their way into the database, by node-postgres: it sends them as they are, where postgres.js makes text of
// all that it sends.

import { Socket } from "node:net";
import { type Target, targetsOf } from "./bytes_targets.ts";
import type { Pool } from "../connection/database.ts";
import { openSupervisor } from "../connection/supervisor.ts";
import { openLifoPool } from "../connection/lifo_pool.ts";
import type { OutageWatch } from "../connection/outage_watch.ts";
import { reasonOf } from "../connection/outage_reasons.ts";
import { openProbe } from "../connection/probe.ts";
import { ConnectionLost, isOutage, type OpeningRefused, toOpeningError } from "../connection/outages.ts";
import type { Client } from "../pg.d.ts";

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

/** too_many_connections (PostgreSQL, Appendix A). */
const TOO_MANY = "53300";

/**
 * @param connect opens a pool of postgres.js: its options say where to connect, and it asks whether the database answers
 * @param watch hears of outages
 * @param spare ends a connection of somebody else's, where that has others; whether it did
 */
export function openBytes(
  connect: (onclose: () => void) => Pool,
  { watch, spare }: { watch: OutageWatch; spare: () => Promise<boolean> },
): Bytes {
  /** What has all connections that the server gives has none for bytes, for as long as it keeps them. */
  async function makeRoom(refusal: OpeningRefused): Promise<boolean> {
    return reasonOf(refusal).code === TOO_MANY && await spare();
  }

  const supervisor = openSupervisor((onAskingLost) => {
    const probe = openProbe(connect, onAskingLost);
    const targets = targetsOf(probe.options);
    const { lend, end } = openLifoPool({
      connect: (onClose) => makeConnection(targets, onClose),
      open: (connection) => connection.open(),
    }, { max: Infinity, onCramped: watch.cramped, makeRoom });
    return {
      lend,
      ask: probe.ask,
      async end(seconds: number) {
        await Promise.all([end(seconds), probe.end(seconds)]);
      },
    };
  }, watch);
  return {
    run: (statement) => supervisor.run(({ lend }) => lend((connection) => connection.run(statement))),
    close: supervisor.close,
  };
}

/** @param targets are tried in this order */
function makeConnection(targets: Target[], onClose: () => void) {
  let client: Client | null = null;
  let socket: Socket | null = null;
  let underWay: Promise<unknown> = Promise.resolve();
  let isEnding = false;

  async function attempt({ config, startup }: Target): Promise<void> {
    // The library is read when it is needed first: that takes a tenth of a start.
    // @ts-types="./pg.d.ts"
    const { Client } = await import("pg");
    const begun = socket = new Socket();
    const tried = new Client({ ...config, stream: () => begun });
    // As postgres.js begins a connection: not every proxy takes settings as options of a command line.
    tried.getStartupConf = () => startup;
    // Its statement hears of it as well, if there is one.
    tried.on("error", () => begun.destroy());
    tried.on("end", onClose);
    try {
      await tried.connect();
      if (targets.length > 1) await refuseStandby(tried);
      client = tried;
    } catch (error) {
      begun.destroy();
      throw isLost(error) ? new ConnectionLost("Connection lost", { cause: error }) : toOpeningError(error);
    }
  }

  async function openAny(): Promise<void> {
    let failure: unknown = new ConnectionLost("This connection has ended");
    for (const target of targets) {
      if (isEnding) break;
      try {
        return await attempt(target);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async function query(statement: Statement): Promise<number> {
    if (isEnding || !client) throw new ConnectionLost("This connection has ended");
    try {
      return (await client.query(statement)).rowCount ?? 0;
    } catch (error) {
      throw isLost(error) ? new ConnectionLost("Connection lost", { cause: error }) : error;
    }
  }

  /** The end waits for this. */
  function keep<T>(work: Promise<T>): Promise<T> {
    underWay = work.catch(() => {});
    return work;
  }

  return {
    open: () => keep(openAny()),
    run: (statement: Statement) => keep(query(statement)),
    async end({ timeout }: { timeout: number }): Promise<void> {
      isEnding = true;
      // A network that says nothing any more does not say goodbye either.
      const timer = setTimeout(() => socket?.destroy(), timeout * 1_000);
      await underWay;
      await client?.end();
      clearTimeout(timer);
    },
  };
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
