// Access to PostgreSQL by postgres.js. If a caller was told that a transaction failed because the database
// could not be reached, the transaction is rolled back, unless only the reply to its commit was lost.

import postgres from "postgres";
import { type Bytes, openBytes } from "../media/bytes.ts";
import { guardImmediates } from "./immediates.ts";
import type { LendOptions } from "./lifo_pool.ts";
import { type DatabaseNews, watchOutages } from "./outage_watch.ts";
import { openPools } from "./pools.ts";
import { openProbe, withProbe } from "./probe.ts";
import { openSupervisor, OPERATION_MS_MAX } from "./supervisor.ts";
import { DatabaseUnavailable } from "./unavailable.ts";

guardImmediates();

/**
 * Runs statements: a connection, or a transaction on it. Functions in db/ take it as their first argument.
 */
export type Sql = postgres.ISql<{ bigint: number }>;
/** A fragment of a statement. */
export type Fragment = postgres.Fragment;

/** The address of the database: a URL, or the socket directory of the embedded server. */
export type DatabaseAddress = string | { host: string; port: number; user: string; database: string };

export interface Database {
  /**
   * Runs statements on one connection, each as its own transaction. Statements begun in the same turn of the
   * event loop are pipelined, and run in that order.
   * @throws DatabaseUnavailable
   */
  run<T>(work: (sql: Sql) => Promise<T>, options?: LendOptions): Promise<T>;
  /**
   * Runs statements as one transaction, which commits when `work` resolves. `afterCommit` runs whenever it
   * did commit, even if that was too late for the caller.
   * @throws DatabaseUnavailable
   */
  begin<T>(work: (sql: Sql) => Promise<T>, afterCommit?: (result: T) => void): Promise<T>;
  /**
   * Opens connections for writing binary data; they close with this database. `onOutage` is not called for
   * their outages, because bytes are not announced to anybody.
   */
  openBytes(): Bytes;
  /**
   * Sets the callback for operations that failed in an outage but may still have been committed, and for a
   * change to another server.
   */
  onOutage(tell: () => void): void;
  /** Sets the callback for changes of availability: an outage with its reason, and its end. */
  onNews(tell: (news: DatabaseNews) => void): void;
  close(): Promise<void>;
}

/**
 * Longer than an operation waits for a database that does not answer (two seconds), so that a process which
 * was busy for that long does not take its own delay for a refused connection.
 */
const CONNECT_SECONDS_MAX = 5;
const RETRY_SECONDS = 0.25;
/** Our own statements hold locks for some milliseconds only. */
const LOCK_MS_MAX = 1_500;
/** Zero, which disables a timeout. A string, because postgres.js leaves out the number 0. */
const NEVER = "0" as unknown as number;

/** A connection pool of postgres.js. Ids are read as numbers: every sequence here stays below 2^53. */
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
      // These override settings of the role: a wait for a lock ends no earlier than its statement unless
      // `lockMsMax` says so, and idle connections stay open, including one that only listens.
      lock_timeout: options.lockMsMax ?? NEVER,
      idle_session_timeout: NEVER,
      // A prepared plan lives as long as its connection. A sequential scan planned while a table is small
      // would still be used when it has grown.
      enable_seqscan: "off",
      jit: "off",
      // Settings that our statements and postgres.js rely on, whatever the role, database or server has.
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
  /**
   * Whether postgres.js fetches array types first, which statements with array parameters need; true by
   * default.
   */
  takesArrays?: boolean;
  /** Lock timeout: a statement that waits longer for a lock is undone. By default it waits on. */
  lockMsMax?: number;
  onnotify?: (channel: string, payload: string) => void;
  onclose?: () => void;
}

export type Pool = ReturnType<typeof connect>;

/** `host:port` or the path of a socket; several are separated by commas. */
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
    spare = pools.spare;
    const probe = openProbe(probing, onAskingLost);
    server = nameServer(probe.options);
    return withProbe(pools, probe);
  }, watch);
  const others: Bytes[] = [];

  return {
    run: (work, options) => supervisor.run(({ lend }) => lend(work, options)),
    begin<T>(work: (sql: Sql) => Promise<T>, afterCommit: (result: T) => void = () => {}): Promise<T> {
      let givenUp = false;
      // Kept here and not returned from the transaction: postgres.js holds on to a transaction's result until
      // the next one begins on its connection.
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
