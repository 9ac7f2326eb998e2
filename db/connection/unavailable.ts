// The errors that callers get while the database is away, or while somebody else holds a lock.

/** The database could not be reached or did not answer; the operation may be retried. */
export class DatabaseUnavailable extends Error {}

/** The operation timed out on somebody else's lock and changed nothing; the database itself works. */
export class DatabaseLockTimeout extends DatabaseUnavailable {}

/** Whether all other operations that wait for the database would meet the same error. */
export function affectsEveryCall(error: unknown): error is DatabaseUnavailable {
  return error instanceof DatabaseUnavailable && !(error instanceof DatabaseLockTimeout);
}
