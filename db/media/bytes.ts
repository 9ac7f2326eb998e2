// Writes binary data by node-postgres, which sends bytes as they are; postgres.js would convert them to text.

import { Socket } from "node:net";
import type { Pool } from "../connection/database.ts";
import { openLifoPool } from "../connection/lifo_pool.ts";
import { reasonOf } from "../connection/outage_reasons.ts";
import type { OutageWatch } from "../connection/outage_watch.ts";
import { ConnectionLost, isOutage, type OpeningRefused, toOpeningError } from "../connection/outages.ts";
import { openProbe, withProbe } from "../connection/probe.ts";
import { openSupervisor } from "../connection/supervisor.ts";
import type { Client } from "../pg.d.ts";
import { type Target, targetsOf } from "./bytes_targets.ts";

/** Prepared under its name, once per connection. */
export interface Statement {
  name: string;
  text: string;
  values: (Uint8Array | number | boolean | Date)[];
}

export interface Bytes {
  /**
   * Runs a statement as its own transaction and returns its row count. There are as many connections as
   * statements ever ran at the same time, including ones that were given up, so callers have to limit that.
   * The most recently used connection is used first: a server process that has just written bytes writes the
   * next ones faster.
   * @throws DatabaseUnavailable
   */
  run(statement: Statement): Promise<number>;
  close(): Promise<void>;
}

/** too_many_connections (PostgreSQL, Appendix A) */
const TOO_MANY = "53300";

/**
 * @param connect opens a pool of postgres.js: its options say where to connect, and it serves as the probe
 * @param watch is told of outages
 * @param spare gives up a connection of the main pool if that has others; returns whether it did
 */
export function openBytes(
  connect: (onclose: () => void) => Pool,
  { watch, spare }: { watch: OutageWatch; spare: () => Promise<boolean> },
): Bytes {
  /**
   * Frees a connection: if the main pool holds all connections that the server allows, none is left for
   * bytes.
   */
  async function makeRoom(refusal: OpeningRefused): Promise<boolean> {
    return reasonOf(refusal).code === TOO_MANY && await spare();
  }

  const supervisor = openSupervisor((onAskingLost) => {
    const probe = openProbe(connect, onAskingLost);
    const targets = targetsOf(probe.options);
    const pool = openLifoPool({
      connect: (onClose) => makeConnection(targets, onClose),
      open: (connection) => connection.open(),
    }, { max: Infinity, onCramped: watch.cramped, makeRoom });
    return withProbe(pool, probe);
  }, watch);
  return {
    run: (statement) => supervisor.run(({ lend }) => lend((connection) => connection.run(statement))),
    close: supervisor.close,
  };
}

/** @param targets tried in this order */
function makeConnection(targets: Target[], onClose: () => void) {
  let client: Client | null = null;
  let socket: Socket | null = null;
  let underWay: Promise<unknown> = Promise.resolve();
  let isEnding = false;

  async function attempt({ config, startup }: Target): Promise<void> {
    // The library is loaded on first use: it would take a tenth of the start.
    const { Client } = await import("pg");
    const begun = socket = new Socket();
    const tried = new Client({ ...config, stream: () => begun });
    // Settings in the startup message, as postgres.js sends them: not every proxy passes on command-line
    // options.
    tried.getStartupConf = () => startup;
    // A running statement fails as well.
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

  /** Makes `end` wait for this work. */
  function keep<T>(work: Promise<T>): Promise<T> {
    underWay = work.catch(() => {});
    return work;
  }

  return {
    open: () => keep(openAny()),
    run: (statement: Statement) => keep(query(statement)),
    async end({ timeout }: { timeout: number }): Promise<void> {
      isEnding = true;
      // A silent network would not complete the goodbye either.
      const timer = setTimeout(() => socket?.destroy(), timeout * 1_000);
      await underWay;
      await client?.end();
      clearTimeout(timer);
    },
  };
}

/** Of several servers only one accepts writes. */
async function refuseStandby(client: Client): Promise<void> {
  const { rowCount } = await client.query({ text: "select 1 where not pg_is_in_recovery()" });
  if (rowCount === 0) throw new ConnectionLost("This server is a standby");
}

/**
 * Messages of the library for a connection that was lost or could not be made in time; these errors have no
 * code.
 */
const LOST =
  /^(Connection terminated|timeout expired|Client (was closed|has encountered a connection error))/;

function isLost(error: unknown): boolean {
  return error instanceof Error && !isOutage(error) && LOST.test(error.message);
}
