// Which errors mean that the database is not there, and which that it refused something.

// Codes of the operating system and of postgres.js for a connection that failed or ended.
const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
]);

// SQLSTATEs (PostgreSQL, Appendix A) that say the server is not there for us now.
const SERVER_CODES = new Set([
  "25006", // read_only_sql_transaction: a standby, or a primary that lost its place
  "57014", // query_canceled, which is also a statement_timeout
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "25P03", // idle_in_transaction_session_timeout
]);

// Those of them that end the connection.
const ENDING_CODES = new Set(["57P01", "57P02", "57P03", "25P03"]);

/** A connection was lost, or could not be made; as postgres.js calls it. */
export class ConnectionLost extends Error {
  readonly code = "CONNECTION_CLOSED";
}

/** Whether a statement waited too long for a lock, and was undone for that: lock_not_available. */
export function isHeldUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "55P03";
}

/** Whether an outage took the connection with it, and did not only refuse a statement. */
export function isLoss(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return CONNECTION_CODES.has(code) || ENDING_CODES.has(code) || code.startsWith("08");
}

/** Whether an error means that the database could not be reached, rather than that it refused a statement. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  const { code } = error;
  // Classes 08, connection exceptions, and 53, insufficient resources
  return CONNECTION_CODES.has(code) || SERVER_CODES.has(code) || code.startsWith("08") ||
    code.startsWith("53");
}
