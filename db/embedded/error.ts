/** Why the embedded PostgreSQL cannot run here: a complete sentence for whoever started the service. */
export class EmbeddedPostgresError extends Error {
  override name = "EmbeddedPostgresError";
}

/** The way out that every machine has, appended where the embedded server cannot work at all. */
export const USE_DATABASE_URL =
  "Set DATABASE_URL to a PostgreSQL server (15 or later) to use that instead of the embedded one.";
