import { connect, type DatabaseAddress } from "./database.ts";
import { isOutage } from "./outages.ts";

const VERSION_MIN = 15;
const WAIT_MS_MAX = 30_000;
const RETRY_MS = 500;

/**
 * The version of the server, once it answers: a database that starts at the same time is waited for.
 * @throws Error after 30 s without an answer, for a server older than PostgreSQL 15, for a refused login, and when
 * `stop` resolves before
 */
export async function awaitServer(at: DatabaseAddress, stop: Promise<unknown>): Promise<string> {
  const deadline = Date.now() + WAIT_MS_MAX;
  const pool = connect(at, { max: 1 });
  try {
    while (true) {
      try {
        const [row] = await pool<{ server_version: string }[]>`show server_version`;
        return refuseOld(row!.server_version);
      } catch (error) {
        if (!isOutage(error)) {
          throw new Error(`Cannot use the database: ${(error as Error).message}`, { cause: error });
        }
        if (Date.now() > deadline) {
          throw new Error("Cannot reach the database of DATABASE_URL", { cause: error });
        }
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
