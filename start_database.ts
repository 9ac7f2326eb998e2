// What a start needs of its database: that it is there, answers, and has the tables of this version.

import type { DatabaseAddress } from "./db/connection/database.ts";
import { isLoss } from "./db/connection/outages.ts";
import { awaitServer, type Server } from "./db/connection/server.ts";
import { migrate } from "./db/migrate/migrate.ts";
import { describeError, log } from "./services/log.ts";

/** How often a start continues after losing its database: a database that the migration itself kills is not retried for ever. */
const LOSSES_MAX = 3;

/** Loads the launcher and its binaries, which only a service without DATABASE_URL needs. */
export async function startEmbedded(dataDir: string) {
  const launcher = await import("./db/embedded/launcher.ts");
  return await launcher.startEmbedded(dataDir, {
    onLost: () => log.error("Embedded PostgreSQL died, restarting it"),
  });
}

/**
 * Waits for the database and migrates it. If the connection is lost meanwhile, nothing of the migration was applied, and
 * this waits for the database again.
 * @param told resolves when the process is told to stop, which ends the wait
 * @param beforeChanges is called once the database answers, and stops the start by throwing
 */
export async function prepareDatabase(
  address: DatabaseAddress,
  told: Promise<unknown>,
  beforeChanges: () => void,
): Promise<Server> {
  for (let losses = 0;; losses += 1) {
    const server = await awaitServer(address, told, {
      onWaiting: (unreached) => log.warn("Waiting for the database", { ...unreached }),
    });
    beforeChanges();
    try {
      const applied = await migrate(address, new URL("migrations/", import.meta.url), {
        stop: told,
        onWaiting: () => log.warn("Waiting for another process to migrate the database"),
        onHeldUp: (holders) =>
          log.warn("Waiting for others to release tables that a migration changes", { holders }),
      });
      const newest = applied.at(-1);
      if (newest) log.info("Database migrated", { migrations: applied.length, newest });
      return server;
    } catch (error) {
      if (!isLoss(error) || losses === LOSSES_MAX) throw error;
      log.warn("Database lost during the migration, trying again", describeError(error));
    }
  }
}
