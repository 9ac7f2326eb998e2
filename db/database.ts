// The one door to PostgreSQL. Everything that goes through it ends within two seconds while the database cannot
// be reached. A transaction that a caller was told had failed for that reason is rolled back, unless the answer
// to its commit is what got lost.

import postgres from "postgres";
import { isLoss, isOutage } from "./outages.ts";
import { within } from "./within.ts";

/** What runs statements: the pool, or a transaction. Functions in db/ take it first. */
export type Sql = postgres.ISql<{ bigint: number }>;

/** Where the database is: a URL, or the socket directory of the embedded one. */
export type DatabaseAddress = string | { host: string; port: number; user: string; database: string };

export interface Database {
  /** Runs statements, each its own transaction. @throws DatabaseUnavailable */
  run<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs statements as one transaction: commits when `work` resolves. `afterCommit` runs whenever it did commit, also when
   * that came too late for the caller.
   * @throws DatabaseUnavailable
   */
  begin<T>(work: (sql: Sql) => Promise<T>, afterCommit?: (result: T) => void): Promise<T>;
  /** Another door to the same database, with connections of its own, which closes with this one. */
  beside(options: { max: number }): Database;
  /** Calls this whenever an operation failed for an outage, and may have been committed all the same. */
  onOutage(tell: () => void): void;
  close(): Promise<void>;
}

/** The database did not answer; what was asked may be tried again. */
export class DatabaseUnavailable extends Error {}

/** How long an operation may take before the database is asked whether it is there at all. */
const PATIENCE_MS = 900;
const PROBE_MS_MAX = 700;
/** Longer than this no operation takes, however alive the database is. */
const OPERATION_MS_MAX = 10_000;
/** Longer than the patience with an operation: a process that was busy for two seconds has not been refused anything. */
const CONNECT_SECONDS_MAX = 5;
/** What runs on connections that are left behind may end within this time; by then LISTEN has noticed a gap too. */
const LEAVE_SECONDS = 10;
const RETRY_SECONDS = 0.25;

/** A connection pool of postgres.js. ids are numbers: every sequence here stays below 2^53. */
export function connect(at: DatabaseAddress, options: { max: number } & ConnectionHooks) {
  const url = typeof at === "string" ? new URL(at) : null;
  const socketDirectory = url?.searchParams.get("host");
  url?.searchParams.delete("host");
  const shared = {
    max: options.max,
    onnotice: () => {},
    connect_timeout: CONNECT_SECONDS_MAX,
    backoff: () => RETRY_SECONDS,
    max_lifetime: null,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: {
      application_name: "puffintalk",
      statement_timeout: OPERATION_MS_MAX,
      idle_in_transaction_session_timeout: OPERATION_MS_MAX,
      // Plans are kept for as long as a connection lives: one that reads all of a table while that is small would go on
      // when it has grown.
      enable_seqscan: "off",
      jit: "off",
    },
    ...(socketDirectory ? { host: socketDirectory } : {}),
    ...(options.onnotify ? { onnotify: options.onnotify } : {}),
    ...(options.onclose ? { onclose: options.onclose } : {}),
  };
  return url
    ? postgres(url.href, shared)
    : postgres({ ...shared, ...at as Exclude<DatabaseAddress, string> });
}

interface ConnectionHooks {
  onnotify?: (channel: string, payload: string) => void;
  onclose?: () => void;
}

export type Pool = ReturnType<typeof connect>;

export function openDatabase(at: DatabaseAddress, { max }: { max: number }): Database {
  let pool = connect(at, { max });
  let probe = connect(at, { max: 1 });
  let answering: Promise<boolean> | null = null;
  let poolsLeaving = 0;
  let tellOutage = () => {};
  const others: Database[] = [];

  /** Whether the database answers a query of its own, on a connection of its own; one question at a time. */
  function answers(): Promise<boolean> {
    answering ??= within(PROBE_MS_MAX, probe`select 1`.execute())
      .then(() => true, () => false)
      .finally(() => answering = null);
    return answering;
  }

  /** What runs on the old connections goes on; no statement is begun on them any more. */
  function startAnew(): void {
    const ends = [pool, probe].map((old) => old.end({ timeout: LEAVE_SECONDS }));
    poolsLeaving += 1;
    Promise.allSettled(ends).then(() => poolsLeaving -= 1);
    pool = connect(at, { max });
    probe = connect(at, { max: 1 });
  }

  /**
   * A network that forgot a connection keeps it silent for a quarter of an hour; a new one need not be. Silent ones stay
   * open, so they are waited for before they are replaced again: there are never more than twice as many.
   */
  function leaveSilence(): void {
    if (poolsLeaving === 0) startAnew();
  }

  /** Lets `work` take its time while the database answers, and gives up with `onGiveUp` when it does not. */
  async function patiently<T>(work: Promise<T>, onGiveUp: () => void): Promise<T> {
    const startedAt = performance.now();
    const startedIn = pool;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settled = false;
    const gaveUp = new Promise<never>((_, reject) => {
      const look = async () => {
        const isAlive = await answers();
        if (settled) return;
        if (isAlive && startedIn === pool && performance.now() - startedAt < OPERATION_MS_MAX) {
          timer = setTimeout(look, PATIENCE_MS);
        } else {
          onGiveUp();
          if (startedIn === pool) leaveSilence();
          reject(new DatabaseUnavailable("Database does not answer"));
        }
      };
      timer = setTimeout(look, PATIENCE_MS);
    });
    try {
      return await Promise.race([work, gaveUp]);
    } catch (error) {
      if (error instanceof DatabaseUnavailable || isOutage(error)) tellOutage();
      if (!isOutage(error)) throw error;
      // postgres.js does not get over a lost connection: it may never flush what it writes to the next in its place, or
      // count the rows of an answer from where the last one broke off. So none of a pool that lost one is used again.
      if (startedIn === pool) (isLoss(error) ? startAnew : leaveSilence)();
      throw new DatabaseUnavailable("Database cannot be reached", { cause: error });
    } finally {
      settled = true;
      clearTimeout(timer);
    }
  }

  return {
    run: (work) => patiently(work(pool), () => {}),
    begin: <T>(work: (sql: Sql) => Promise<T>, afterCommit: (result: T) => void = () => {}) => {
      let givenUp = false;
      // postgres.js keeps what a transaction resolves with for as long as no other is begun on its connection.
      let result: T | undefined;
      const transaction = pool.begin(async (sql) => {
        if (givenUp) throw new DatabaseUnavailable("Transaction began too late");
        result = await work(sql);
        if (givenUp) throw new DatabaseUnavailable("Transaction ended too late");
      });
      const committed = transaction.then(() => {
        afterCommit(result!);
        return result!;
      });
      return patiently(committed, () => givenUp = true);
    },
    beside(options) {
      const other = openDatabase(at, options);
      other.onOutage(() => tellOutage());
      others.push(other);
      return other;
    },
    onOutage: (tell) => void (tellOutage = tell),
    async close() {
      const ends = [pool.end({ timeout: 2 }), probe.end({ timeout: 1 })];
      await Promise.all([...ends, ...others.map((other) => other.close())]);
    },
  };
}
