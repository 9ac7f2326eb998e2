// Reasons for an outage in words, for the log. They go by the code of an error: its message can hold values,
// a code cannot.

import { codeOf } from "./outages.ts";

// Codes of PostgreSQL (Appendix A), of postgres.js and of the operating system; two characters stand for a
// class of SQLSTATEs.
const REASONS: Record<string, string> = {
  "08": "connection lost",
  "25006": "read-only", // a standby, or default_transaction_read_only
  "25P03": "transaction was idle for too long",
  "28": "login refused", // a wrong password, a role that is gone, pg_hba.conf
  "3D000": "login refused: no such database",
  "42501": "login refused: no permission to connect", // CONNECT was revoked
  "53": "out of resources",
  "53100": "disk full",
  "53200": "out of memory",
  "53300": "too many connections", // of the server, the database or the role
  "54000": "NOTIFY queue full", // somebody listens, and stays in a transaction or is stuck
  "55000": "login refused: database accepts no connections", // ALLOW_CONNECTIONS false
  "55P03": "somebody else's transaction holds a lock",
  "57014": "statement took too long, perhaps waiting for a lock", // or somebody cancelled it
  "57P01": "connection ended by the server", // as when it stops
  "57P02": "server crashed",
  "57P03": "server is starting or stopping",
  CONNECTION_CLOSED: "connection lost",
  CONNECTION_DESTROYED: "connection lost",
  CONNECTION_ENDED: "connection lost",
  CONNECT_TIMEOUT: "does not answer",
  EAI_AGAIN: "host not found",
  ECONNREFUSED: "no server there",
  ECONNRESET: "connection lost",
  EHOSTUNREACH: "host unreachable",
  EMFILE: "too many open files",
  ENETUNREACH: "host unreachable",
  ENOENT: "no server there",
  ENOTFOUND: "host not found",
  EPIPE: "connection lost",
  ETIMEDOUT: "does not answer",
};

export interface OutageReason {
  reason: string;
  /** The code of the error, if it has one. */
  code?: string;
}

/**
 * Takes the innermost cause that has a code. An error without a code does not come from PostgreSQL, so its
 * message holds no values of ours.
 */
export function reasonOf(error: unknown): OutageReason {
  const cause = error instanceof Error && error.cause instanceof Error ? reasonOf(error.cause) : null;
  if (cause?.code) return cause;
  const code = codeOf(error);
  if (code !== "") return { reason: REASONS[code] ?? REASONS[code.slice(0, 2)] ?? "failed", code };
  return cause ?? { reason: error instanceof Error ? error.message : "failed" };
}
