// The errors that callers of the database see while it is away, or while somebody else's lock holds them up.

/** The database did not answer; what was asked may be tried again. */
export class DatabaseUnavailable extends Error {}

/** What was asked waited too long for somebody else's lock, and did nothing; everything else goes on. */
export class DatabaseLockTimeout extends DatabaseUnavailable {}

/** Whether whoever waits for the database as well finds the same. */
export function affectsEveryCall(error: unknown): error is DatabaseUnavailable {
  return error instanceof DatabaseUnavailable && !(error instanceof DatabaseLockTimeout);
}
