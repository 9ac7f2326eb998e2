import { connect, type DatabaseAddress, type Sql } from "../connection/database.ts";
import { codeOf } from "../connection/outages.ts";
import { type Holder, watchHolders } from "./lock_holders.ts";
import { type Migration, readMigrations } from "./migration_files.ts";

/** Advisory lock by which services that start at the same time take turns; the number is arbitrary. */
const LOCK = 7_886_342_001;
/** `onWaiting` is called after waiting this long. */
const TOLD_AFTER_MS = 3_000;
/**
 * Lock timeout of a migration: it waits for everybody who uses the table, and everybody who comes later waits
 * for it. Less than deadlock_timeout, so that a deadlock never ends somebody else's transaction.
 */
const LOCK_MS_MAX = 800;
/** More than deadlock_timeout: used if only autovacuum holds the table, because it then gives way. */
const VACUUM_MS_MAX = 1_500;
const RETRY_MS = 2_000;

export interface MigrateOptions {
  /** Resolves to end the wait for others; a migration in progress is completed. */
  stop?: Promise<unknown>;
  /** Called once, when another process has been migrating for a while. */
  onWaiting?: () => void;
  toldAfterMs?: number;
  /** Called when other transactions hold tables that have to change, and again when the holders change. */
  onHeldUp?: (holders: Holder[]) => void;
  retryMs?: number;
}

/**
 * Brings the schema up to date, all or nothing, and returns the names of the applied files. Fails if an
 * applied file has changed since, or is unknown to this version. While others hold tables that have to
 * change, it is retried, and everybody else is held up only for a moment each time.
 * @throws Error also if the database accepts no changes, and if `stop` resolves before its turn
 */
export async function migrate(
  at: DatabaseAddress,
  folder: URL,
  options: MigrateOptions = {},
): Promise<string[]> {
  const { stop = new Promise(() => {}), onHeldUp = () => {}, retryMs = RETRY_MS } = options;
  const wanted = await readMigrations(folder);
  const pool = connect(at, { max: 1 });
  const watch = connect(at, { max: 1, takesArrays: false });
  let isWaitTold = false;
  const onWaiting = () => {
    if (!isWaitTold) options.onWaiting?.();
    isWaitTold = true;
  };
  let told: string | null = null;
  const tell = (holders: Map<number, Holder>) => {
    const pids = [...holders.keys()].sort().join();
    if (pids !== told) onHeldUp([...holders.values()]);
    told = pids;
  };
  const attempt = (lockMs: number, holders: Map<number, Holder>) =>
    pool.begin(async (sql) => {
      await refuseReadOnly(sql, at);
      await sql`set local statement_timeout = 0`;
      // Which PostgreSQL 15 does not know yet.
      await sql`select set_config(name, '0', true) from pg_settings where name = 'transaction_timeout'`;
      await awaitTurn(sql, { ...options, onWaiting });
      await sql`select set_config('lock_timeout', ${String(lockMs)}, true)`;
      return await watchHolders(sql, watch, holders, () => apply(sql, wanted));
    });
  let lockMs = LOCK_MS_MAX;
  try {
    while (true) {
      const holders = new Map<number, Holder>();
      try {
        return await attempt(lockMs, holders);
      } catch (error) {
        if (!HELD_UP.includes(codeIn(error))) throw explained(error, at);
      }
      lockMs = isVacuum([...holders.values()]) ? VACUUM_MS_MAX : LOCK_MS_MAX;
      tell(holders);
      await pause(retryMs, stop);
    }
  } finally {
    await Promise.all([pool.end({ timeout: 2 }), watch.end({ timeout: 2 })]);
  }
}

function isVacuum(holders: Holder[]): boolean {
  return holders.length > 0 && holders.every((one) => one.backend_type === "autovacuum worker");
}

/** @throws Error if `stop` resolves before the pause is over */
async function pause(ms: number, stop: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => over.resolve(true), ms);
  const isOver = await Promise.race([over.promise, stop.then(() => false)]);
  clearTimeout(timer);
  if (!isOver) throw new Error("Stopped while others were using tables that have to change");
}

// SQLSTATEs (PostgreSQL, Appendix A).
const HELD_UP = ["55P03", "40P01"]; // lock_not_available, deadlock_detected
const NO_RIGHT = ["42501", "3F000"]; // insufficient_privilege, invalid_schema_name

/** The code of an error or of its cause. */
function codeIn(error: unknown): string {
  return codeOf(error) || codeOf((error as Error).cause);
}

function explained(error: unknown, at: DatabaseAddress): unknown {
  if (!NO_RIGHT.includes(codeIn(error))) return error;
  const [named, whose] = typeof at === "string" ? ["DATABASE_URL: ", "its role"] : ["", "the role"];
  const { message } = error as Error;
  return new Error(
    `${named}${message.startsWith("Cannot migrate") ? "" : "Cannot migrate: "}${message}. ` +
      `Make ${whose} the owner of the database and of everything in it: alter database NAME owner to ROLE. ` +
      "If another role restored a backup, restore it again as this one",
    { cause: error },
  );
}

async function refuseReadOnly(sql: Sql, at: DatabaseAddress): Promise<void> {
  const [row] = await sql<{ is_standby: boolean; is_read_only: boolean }[]>`
    select pg_is_in_recovery() as is_standby, current_setting('transaction_read_only')::boolean as is_read_only`;
  if (!row!.is_standby && !row!.is_read_only) return;
  const named = typeof at === "string" ? "DATABASE_URL: " : "";
  const reason = row!.is_standby
    ? "it is a standby, which accepts no changes; name its primary instead"
    : "it is read-only, because default_transaction_read_only is on";
  throw new Error(`${named}Cannot use the database: ${reason}`);
}

async function awaitTurn(
  sql: Sql,
  { stop = new Promise(() => {}), onWaiting = () => {}, toldAfterMs = TOLD_AFTER_MS }: MigrateOptions,
): Promise<void> {
  const lock = sql`select pg_advisory_xact_lock(${LOCK}::bigint)`.execute();
  const timer = setTimeout(onWaiting, toldAfterMs);
  try {
    const isTold = await Promise.race([lock.then(() => false), stop.then(() => true)]);
    if (!isTold) return;
    // If the connection were only closed, its server process would stay in the queue for the lock.
    lock.cancel();
    await lock.catch(() => {});
    throw new Error("Stopped while another process was migrating the database");
  } finally {
    clearTimeout(timer);
  }
}

async function apply(sql: Sql, wanted: Migration[]): Promise<string[]> {
  await refuseTwoSchemas(sql);
  await sql`
    create table if not exists migrations (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`;
  const ledger = new Map(
    (await sql<{ name: string; checksum: string }[]>`select name, checksum from migrations`)
      .map(({ name, checksum }) => [name, checksum]),
  );
  refuseSurprises(ledger, wanted);
  const missing = wanted.filter(({ name }) => !ledger.has(name));
  for (const { name, text, checksum } of missing) {
    await sql.unsafe(text).catch((error) => {
      throw new Error(`Cannot migrate: "${name}" failed: ${error.message}`, { cause: error });
    });
    await sql`insert into migrations (name, checksum) values (${name}, ${checksum})`;
  }
  return missing.map(({ name }) => name);
}

/**
 * Otherwise a new schema that comes first in the search path would hide all existing data behind empty
 * tables.
 */
async function refuseTwoSchemas(sql: Sql): Promise<void> {
  const [row] = await sql<{ present: string | null; next: string | null }[]>`
    select (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('migrations')) as present,
      current_schema()::regnamespace::text as next`;
  const { present, next } = row!;
  if (present === null || present === next) return;
  throw new Error(
    `Cannot migrate: the tables are in schema "${present}", but new ones would be created in "${next}": ` +
      "change the search_path of the role, or rename that schema",
  );
}

function refuseSurprises(ledger: Map<string, string>, wanted: Migration[]): void {
  const known = new Set(wanted.map(({ name }) => name));
  const foreign = [...ledger.keys()].filter((name) => !known.has(name));
  if (foreign.length > 0) {
    throw new Error(
      `Cannot migrate: the database is newer than this version: it has "${foreign.join('", "')}"`,
    );
  }
  const changed = wanted.filter(({ name, checksum }) => ledger.has(name) && ledger.get(name) !== checksum);
  if (changed.length > 0) {
    const names = changed.map(({ name }) => name).join('", "');
    throw new Error(`Cannot migrate: "${names}" has changed since it was applied; add a new file instead`);
  }
}
