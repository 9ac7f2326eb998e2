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
  "54000", // program_limit_exceeded: the queue of NOTIFY is full; no statement here can exceed another
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
  return codeOf(error) === "55P03";
}

/** A connection could not be opened; its cause says why. Nothing was begun on it, and those that are open may work. */
export class OpeningRefused extends Error {}

/** What an error means that came while a connection was opened: a lost network concerns all connections, any other error this one. */
export function toOpeningError(error: unknown): unknown {
  return isLoss(error) && !isFatal(error)
    ? error
    : new OpeningRefused("Connection was not opened", { cause: error });
}

/** Whether an outage took the connection with it, and did not only refuse a statement. */
export function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  return CONNECTION_CODES.has(code) || ENDING_CODES.has(code) || code.startsWith("08") || isFatal(error);
}

/** Whether an error means that the database could not be reached, rather than that it refused a statement. */
export function isOutage(error: unknown): boolean {
  return isPassing(error) || isFatal(error) || error instanceof OpeningRefused;
}

/** Whether an error says of itself that time may mend it. A login that is refused, as a wrong password is, is none. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  // Classes 08, connection exceptions, and 53, insufficient resources
  return CONNECTION_CODES.has(code) || SERVER_CODES.has(code) || code.startsWith("08") ||
    code.startsWith("53");
}

/** Whether the server does not take writes, and a new connection may lead to the one that does. */
export function isElsewhere(error: unknown): boolean {
  return codeOf(error) === "25006";
}

/** Whether a connection was refused by a server that is up, and neither starting nor stopping. */
export function isFromLiving(error: unknown): boolean {
  return isFatal(error) && !codeOf(error).startsWith("57P");
}

/** Whether the server ends the connection with this error: it does with every error while one is opened. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && "severity" in error &&
    (error.severity === "FATAL" || error.severity === "PANIC");
}

/** Empty where an error has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
