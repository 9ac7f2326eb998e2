// The way to PostgreSQL, by postgres.js. A transaction that a caller was told had failed because the database could not be
// reached is rolled back, unless the answer to its commit is what got lost.

import postgres from "postgres";
import { type Bytes, openBytes } from "../media/bytes.ts";
import { openSupervisor, OPERATION_MS_MAX } from "./supervisor.ts";
import { DatabaseUnavailable } from "./unavailable.ts";
import { guardImmediates } from "./immediates.ts";
import type { LendOptions } from "./lifo_pool.ts";
import { type DatabaseNews, watchOutages } from "./outage_watch.ts";
import { openPools } from "./pools.ts";
import { openProbe } from "./probe.ts";

guardImmediates();

/** What runs statements: a connection, or a transaction on it. Functions in db/ take it first. */
export type Sql = postgres.ISql<{ bigint: number }>;
/** A part of a statement. */
export type Fragment = postgres.Fragment;

/** Where the database is: a URL, or the socket directory of the embedded one. */
export type DatabaseAddress = string | { host: string; port: number; user: string; database: string };

export interface Database {
  /**
   * Runs statements, each its own transaction, on one connection: those that are begun in one turn of the event loop go out
   * together, and run in the order in which they were begun.
   * @throws DatabaseUnavailable
   */
  run<T>(work: (sql: Sql) => Promise<T>, options?: LendOptions): Promise<T>;
  /**
   * Runs statements as one transaction: commits when `work` resolves. `afterCommit` runs whenever it did commit, also when
   * that came too late for the caller.
   * @throws DatabaseUnavailable
   */
  begin<T>(work: (sql: Sql) => Promise<T>, afterCommit?: (result: T) => void): Promise<T>;
  /** A way in for bytes, which closes with this one. `onOutage` does not hear of its outages: nobody is told of bytes. */
  openBytes(): Bytes;
  /** Calls this whenever an operation failed for an outage, and may have been committed all the same. */
  onOutage(tell: () => void): void;
  /** Calls this when the database went away, and why; and when it is back. */
  onNews(tell: (news: DatabaseNews) => void): void;
  close(): Promise<void>;
}

/** Longer than the patience with an operation: a process that was busy for two seconds has not been refused anything. */
const CONNECT_SECONDS_MAX = 5;
const RETRY_SECONDS = 0.25;
/** Our own statements hold their locks for some milliseconds. */
const LOCK_MS_MAX = 1_500;
/** Of a limit in time: zero. As a number postgres.js would leave it out. */
const NEVER = "0" as unknown as number;

/** A connection pool of postgres.js. ids are numbers: every sequence here stays below 2^53. */
export function connect(at: DatabaseAddress, options: ConnectionOptions) {
  const url = typeof at === "string" ? new URL(at) : null;
  const socketDirectory = url?.searchParams.get("host");
  url?.searchParams.delete("host");
  const shared = {
    max: options.max,
    fetch_types: options.takesArrays ?? true,
    onnotice: () => {},
    connect_timeout: CONNECT_SECONDS_MAX,
    backoff: () => RETRY_SECONDS,
    max_lifetime: null,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: "puffintalk",
      statement_timeout: OPERATION_MS_MAX,
      idle_in_transaction_session_timeout: OPERATION_MS_MAX,
      // Whatever the role has: waits end with their statement, and connections are kept, also one that only listens.
      lock_timeout: options.lockMsMax ?? NEVER,
      idle_session_timeout: NEVER,
      // Plans are kept for as long as a connection lives: one that reads all of a table while that is small would go on
      // when it has grown.
      enable_seqscan: "off",
      jit: "off",
      // What statements here and postgres.js take for granted, whatever role, database or server have been given.
      default_transaction_isolation: "read committed" as const,
      standard_conforming_strings: "on",
      bytea_output: "hex",
      DateStyle: "ISO",
    },
    ...(socketDirectory ? { host: socketDirectory } : {}),
    ...(options.onnotify ? { onnotify: options.onnotify } : {}),
    ...(options.onclose ? { onclose: options.onclose } : {}),
  };
  return url
    ? postgres(url.href, shared)
    : postgres({ ...shared, ...at as Exclude<DatabaseAddress, string> });
}

interface ConnectionOptions {
  max: number;
  /** For statements with arrays postgres.js has to ask first how they are written. Unless told, it does. */
  takesArrays?: boolean;
  /** A statement that waits longer for somebody else's lock is undone. Unless told, it waits. */
  lockMsMax?: number;
  onnotify?: (channel: string, payload: string) => void;
  onclose?: () => void;
}

export type Pool = ReturnType<typeof connect>;

/** `host:port`, or the path of a socket; several with commas between. */
export function nameServer({ host, port, path }: Pool["options"]): string {
  return path || host.map((name, index) => `${name}:${port[index]}`).join(",");
}

export function openDatabase(at: DatabaseAddress, { max }: { max: number }): Database {
  let server = "";
  const watch = watchOutages(() => server);
  let spare = () => Promise.resolve(false);
  const probing = (onclose: () => void) => connect(at, { max: 1, takesArrays: false, onclose });
  const supervisor = openSupervisor((onAskingLost) => {
    const pools = openPools((onclose) => connect(at, { max: 1, lockMsMax: LOCK_MS_MAX, onclose }), {
      max,
      watch,
    });
    const { lend, end } = pools;
    spare = pools.spare;
    const probe = openProbe(probing, onAskingLost);
    server = nameServer(probe.options);
    return {
      lend,
      ask: probe.ask,
      async end(seconds: number) {
        await Promise.all([end(seconds), probe.end(seconds)]);
      },
    };
  }, watch);
  const others: Bytes[] = [];

  return {
    run: (work, options) => supervisor.run(({ lend }) => lend(work, options)),
    begin<T>(work: (sql: Sql) => Promise<T>, afterCommit: (result: T) => void = () => {}): Promise<T> {
      let givenUp = false;
      // postgres.js keeps what a transaction resolves with for as long as no other is begun on its connection.
      let result: T | undefined;
      return supervisor.run(async ({ lend }) => {
        await lend((pool) =>
          pool.begin(async (sql) => {
            if (givenUp) throw new DatabaseUnavailable("Transaction began too late");
            result = await work(sql);
            if (givenUp) throw new DatabaseUnavailable("Transaction ended too late");
          })
        );
        afterCommit(result!);
        return result!;
      }, () => givenUp = true);
    },
    openBytes() {
      const bytes = openBytes(probing, {
        watch,
        spare: () => spare(),
      });
      others.push(bytes);
      return bytes;
    },
    onOutage: supervisor.onOutage,
    onNews: watch.onNews,
    async close() {
      await Promise.all([supervisor, ...others].map((one) => one.close()));
    },
  };
}
