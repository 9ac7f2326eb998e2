import { connect, type DatabaseAddress, type Sql } from "./database.ts";

/** Two services that start at once take turns under this advisory lock; the number is arbitrary but ours. */
const LOCK = 7_886_342_001;
/** Who has waited for his turn for so long is told. */
const TOLD_AFTER_MS = 3_000;

export interface MigrateOptions {
  /** Ends the wait for others that migrate; what was begun is finished. */
  stop?: Promise<unknown>;
  /** Is told once, when others have been migrating for a while. */
  onWaiting?: () => void;
  toldAfterMs?: number;
}

interface Migration {
  name: string;
  text: string;
  checksum: string;
}

/**
 * Brings the schema up to date, all or nothing, and returns the names of what it applied. A file that was applied
 * before and has changed since, or that this version does not have, stops it.
 * @throws Error also for a database that takes no changes, and when `stop` resolves before it is its turn
 */
export async function migrate(
  at: DatabaseAddress,
  folder: URL,
  options: MigrateOptions = {},
): Promise<string[]> {
  const wanted = await readMigrations(folder);
  const pool = connect(at, { max: 1 });
  try {
    return await pool.begin(async (sql) => {
      await refuseReadOnly(sql, at);
      await sql`set local statement_timeout = 0`;
      await awaitTurn(sql, options);
      return await apply(sql, wanted);
    });
  } finally {
    await pool.end({ timeout: 2 });
  }
}

async function refuseReadOnly(sql: Sql, at: DatabaseAddress): Promise<void> {
  const [row] = await sql<{ is_standby: boolean; is_read_only: boolean }[]>`
    select pg_is_in_recovery() as is_standby, current_setting('transaction_read_only')::boolean as is_read_only`;
  if (!row!.is_standby && !row!.is_read_only) return;
  const named = typeof at === "string" ? "DATABASE_URL: " : "";
  const reason = row!.is_standby
    ? "it is a standby, which takes no changes; name its primary"
    : "it is read-only, by default_transaction_read_only";
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
    // A connection that is only closed would leave its server process in the queue.
    lock.cancel();
    await lock.catch(() => {});
    throw new Error("Told to stop while another process migrates the database");
  } finally {
    clearTimeout(timer);
  }
}

async function apply(sql: Sql, wanted: Migration[]): Promise<string[]> {
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

function refuseSurprises(ledger: Map<string, string>, wanted: Migration[]): void {
  const known = new Set(wanted.map(({ name }) => name));
  const foreign = [...ledger.keys()].filter((name) => !known.has(name));
  if (foreign.length > 0) {
    throw new Error(
      `Cannot migrate: the database is newer than this version, it has "${foreign.join('", "')}"`,
    );
  }
  const changed = wanted.filter(({ name, checksum }) => ledger.has(name) && ledger.get(name) !== checksum);
  if (changed.length > 0) {
    const names = changed.map(({ name }) => name).join('", "');
    throw new Error(`Cannot migrate: "${names}" has changed since it was applied; add a new file instead`);
  }
}

/** Reads `0001_name.sql` and so on, in order. Line ends are made equal, so that a checkout cannot change a checksum. */
async function readMigrations(folder: URL): Promise<Migration[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (!entry.name.endsWith(".sql")) continue;
    if (!/^\d{4}_\w+\.sql$/.test(entry.name)) {
      throw new Error(`Cannot migrate: "${entry.name}" is not called like "0001_people.sql"`);
    }
    names.push(entry.name);
  }
  return await Promise.all(
    names.sort().map(async (name) => {
      const text = (await Deno.readTextFile(new URL(name, folder))).replaceAll("\r\n", "\n");
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      return { name, text, checksum: new Uint8Array(digest).toHex() };
    }),
  );
}
