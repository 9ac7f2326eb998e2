import type { Database } from "../db/database.ts";
import { ping } from "../db/ping.ts";

export interface Readiness {
  /** Resolves when the database answers. @throws DatabaseUnavailable */
  check(): Promise<void>;
}

export function createReadiness({ database }: { database: Database }): Readiness {
  return { check: () => database.run(ping) };
}
