// Tells errors that mean an outage from errors by which the database refused a statement.

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
  "54000", // program_limit_exceeded: the queue of NOTIFY is full; no statement here can exceed another
  "57014", // query_canceled, which is also a statement_timeout
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "25P03", // idle_in_transaction_session_timeout
]);

// The SERVER_CODES that end the connection.
const ENDING_CODES = new Set(["57P01", "57P02", "57P03", "25P03"]);

/** A connection was lost or could not be made, with the code that postgres.js uses for it. */
export class ConnectionLost extends Error {
  readonly code = "CONNECTION_CLOSED";
}

/** Whether a statement was undone because it timed out on a lock (lock_not_available). */
export function isHeldUp(error: unknown): boolean {
  return codeOf(error) === "55P03";
}

/**
 * A connection could not be opened; `cause` says why. Nothing was begun on it, and open connections may still
 * work.
 */
export class OpeningRefused extends Error {}

/**
 * Classifies an error that occurred while opening a connection: a lost network concerns all connections, any
 * other error only this one.
 */
export function toOpeningError(error: unknown): unknown {
  return isLoss(error) && !isFatal(error)
    ? error
    : new OpeningRefused("Connection was not opened", { cause: error });
}

/** Whether the error also ended the connection, and not only failed a statement. */
export function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  return CONNECTION_CODES.has(code) || ENDING_CODES.has(code) || code.startsWith("08") || isFatal(error);
}

/** Whether the database could not be reached, as opposed to having refused a statement. */
export function isOutage(error: unknown): boolean {
  return isPassing(error) || isFatal(error) || error instanceof OpeningRefused;
}

/** Whether the error may go away with time. A refused login, such as a wrong password, does not count. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  // Classes 08, connection exceptions, and 53, insufficient resources
  return CONNECTION_CODES.has(code) || SERVER_CODES.has(code) || code.startsWith("08") ||
    code.startsWith("53");
}

/** Whether this server accepts no writes, so that a new connection may lead to one that does. */
export function isElsewhere(error: unknown): boolean {
  return codeOf(error) === "25006";
}

/** Whether a connection was refused by a server that is running, and is neither starting nor stopping. */
export function isFromLiving(error: unknown): boolean {
  return isFatal(error) && !codeOf(error).startsWith("57P");
}

/** Whether the server ends the connection with this error, as it does for every error while one is opened. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && "severity" in error &&
    (error.severity === "FATAL" || error.severity === "PANIC");
}

/** The code of an error; empty if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
