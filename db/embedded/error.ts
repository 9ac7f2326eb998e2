/** Why the embedded PostgreSQL cannot run here, as a complete sentence for the operator. */
export class EmbeddedPostgresError extends Error {
  override name = "EmbeddedPostgresError";
}

/** Advice that always works, appended if the embedded server cannot run here at all. */
export const USE_DATABASE_URL =
  "Set DATABASE_URL to a PostgreSQL server (15 or later) to use that instead of the embedded one.";
