import { connect, type DatabaseAddress, nameServer } from "./database.ts";
import { codeOf, isPassing } from "./outages.ts";

/** A server that does not answer. */
export interface Unreached {
  /** `host:port`, or the path of a socket; several with commas between. */
  server: string;
  /** A code of the operating system, of postgres.js, or of PostgreSQL (Appendix A). */
  reason: string;
}

const VERSION_MIN = 15;
const WAIT_MS_MAX = 30_000;
const RETRY_MS = 500;

/**
 * The version of the server, once it answers: a database that starts at the same time is waited for.
 * @param onWaiting is told once, before the first wait, which server does not answer, and why
 * @throws Error after 30 s without an answer, for a server older than PostgreSQL 15, for a refused login, and when
 * `stop` resolves before
 */
export async function awaitServer(
  at: DatabaseAddress,
  stop: Promise<unknown>,
  { onWaiting = () => {}, msMax = WAIT_MS_MAX }: {
    onWaiting?: (unreached: Unreached) => void;
    msMax?: number;
  } = {},
): Promise<string> {
  const deadline = Date.now() + msMax;
  const named = typeof at === "string" ? "DATABASE_URL: " : "";
  const pool = connect(at, { max: 1 });
  let isWaiting = false;
  try {
    while (true) {
      try {
        const [row] = await pool<{ server_version: string }[]>`show server_version`;
        return refuseOld(row!.server_version);
      } catch (error) {
        if (!isPassing(error)) {
          throw new Error(`${named}Cannot use the database: ${(error as Error).message}`, { cause: error });
        }
        const [server, reason] = [nameServer(pool.options), codeOf(error)];
        if (Date.now() > deadline) {
          throw new Error(`${named}Cannot reach the database at ${server}: ${reason}`, { cause: error });
        }
        if (!isWaiting) onWaiting({ server, reason });
        isWaiting = true;
        const again = new Promise((resolve) => setTimeout(() => resolve(true), RETRY_MS));
        if (await Promise.race([again, stop]) !== true) {
          throw new Error("Told to stop while waiting for the database");
        }
      }
    }
  } finally {
    await pool.end({ timeout: 1 });
  }
}

/** @throws Error for a server that lacks what the statements here need */
export function refuseOld(version: string): string {
  if (parseInt(version) >= VERSION_MIN) return version;
  throw new Error(`Cannot use PostgreSQL ${version}: it has to be ${VERSION_MIN} or later`);
}
