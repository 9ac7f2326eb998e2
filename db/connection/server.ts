import { connect, type DatabaseAddress, nameServer, type Pool } from "./database.ts";
import { codeOf, isPassing } from "./outages.ts";

/** A server that answers and meets our requirements. */
export interface Server {
  version: string;
  /** How far this process's clock is ahead of the server's, in ms; negative if it is behind. */
  clockAheadMs: number;
  /** Settings that are off and without which a crash of the server may lose committed data. */
  unsafe: string[];
}

/** A server that does not answer. */
export interface Unreached {
  /** `host:port` or the path of a socket; several are separated by commas. */
  server: string;
  /** A code of the operating system, of postgres.js, or of PostgreSQL (Appendix A). */
  reason: string;
}

const VERSION_MIN = 15;
const WAIT_MS_MAX = 30_000;
const RETRY_MS = 500;

/**
 * Waits until the server answers, since it may still be starting.
 * @param onWaiting called once, before the first wait, with the server that does not answer and the reason
 * @throws Error after 30 s without an answer; for a server older than PostgreSQL 15, a refused login, an
 * encoding other than UTF8, or a pooler in between that drops our settings; and if `stop` resolves first
 */
export async function awaitServer(
  at: DatabaseAddress,
  stop: Promise<unknown>,
  { onWaiting = () => {}, msMax = WAIT_MS_MAX, now = () => new Date() }: {
    onWaiting?: (unreached: Unreached) => void;
    msMax?: number;
    now?: () => Date;
  } = {},
): Promise<Server> {
  const deadline = Date.now() + msMax;
  const named = typeof at === "string" ? "DATABASE_URL: " : "";
  const pool = connect(at, { max: 1 });
  let isWaiting = false;
  try {
    while (true) {
      try {
        return await askServer(pool, now);
      } catch (error) {
        if (!isPassing(error) || isRefusedSetting(error)) {
          throw new Error(named + reasonOf(error as Error), { cause: error });
        }
        const [server, reason] = [nameServer(pool.options), codeOf(error)];
        if (Date.now() > deadline) {
          const advice = reason === "ECONNRESET" && pool.options.ssl ? TLS_UNKNOWN : "";
          throw new Error(`${named}Cannot reach the database at ${server}: ${reason}${advice}`, {
            cause: error,
          });
        }
        if (!isWaiting) onWaiting({ server, reason });
        isWaiting = true;
        const again = new Promise((resolve) => setTimeout(() => resolve(true), RETRY_MS));
        if (await Promise.race([again, stop]) !== true) {
          throw new Error("Stopped while waiting for the database");
        }
      }
    }
  } finally {
    await pool.end({ timeout: 1 });
  }
}

/** @throws Unusable */
async function askServer(pool: Pool, now: () => Date): Promise<Server> {
  const askedAt = now().getTime();
  const [row] = await pool<
    { version: string; at: Date; encoding: string; is_ours: boolean; unsafe: string[] }[]
  >`
    select current_setting('server_version') as version,
      clock_timestamp() as at,
      current_setting('server_encoding') as encoding,
      current_setting('enable_seqscan') = 'off' and current_setting('jit') = 'off' as is_ours,
      array(
        select name
        from unnest('{fsync,full_page_writes,synchronous_commit}'::text[]) as name
        where current_setting(name) = 'off'
      ) as unsafe`;
  const clockAheadMs = (askedAt + now().getTime()) / 2 - row!.at.getTime();
  const { encoding, is_ours, unsafe } = row!;
  if (encoding !== "UTF8") {
    throw new Unusable(
      `Cannot use the database: its encoding is ${encoding}, which cannot store all characters. ` +
        "Create one with: create database NAME encoding 'UTF8' template template0",
    );
  }
  if (!is_ours) {
    throw new Unusable(
      `Cannot use the database: settings of its connections are lost on the way. ${NO_POOLER}`,
    );
  }
  return { version: refuseOld(row!.version), clockAheadMs, unsafe };
}

/**
 * postgres.js starts TLS whatever the server replies to SSLRequest, and a server without TLS then hangs up.
 */
const TLS_UNKNOWN = "; sslmode asks for TLS, which this server may not support";
const NO_POOLER = "Name the server itself, not a pooler in front of it";

/** protocol_violation: the reply of a pooler to a setting that it does not pass on. */
const REFUSED_SETTING = "08P01";

function isRefusedSetting(error: unknown): boolean {
  return codeOf(error) === REFUSED_SETTING;
}

/** The server answers but cannot be used; the message says why. */
class Unusable extends Error {}

/**
 * undefined_object: a setting that the server does not know. Servers before 14 lack one that all our
 * connections set; or a parameter of DATABASE_URL is mistyped.
 */
const UNKNOWN_SETTING = "42704";

function reasonOf(error: Error): string {
  if (error instanceof Unusable) return error.message;
  if ("code" in error && error.code === UNKNOWN_SETTING) {
    return `Cannot use the database: it has to be PostgreSQL ${VERSION_MIN} or later, and DATABASE_URL must have ` +
      `no parameter that it does not know (${error.message})`;
  }
  const advice = isRefusedSetting(error) ? `. ${NO_POOLER}` : "";
  return `Cannot use the database: ${error.message}${advice}`;
}

/** @throws Unusable if the server is older than our statements need */
export function refuseOld(version: string): string {
  if (parseInt(version) >= VERSION_MIN) return version;
  throw new Unusable(`Cannot use PostgreSQL ${version}: it has to be ${VERSION_MIN} or later`);
}
