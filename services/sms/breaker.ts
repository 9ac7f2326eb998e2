// A circuit breaker against SMS pumping: stops paid passcodes to a prefix from which hardly any come back, as
// with numbers whose owner earns from each SMS. A pure function of the latest sends to the prefix: there is
// no state to reset or for processes to disagree about.

import { CLOCKS_APART_MS } from "../../db/clocks.ts";
import type { PaidPasscode } from "../../db/paid_passcodes.ts";

/** Latest sends that are considered. */
export const WATCHED = 20;
/** A code that has not come back after this time is lost, and ends a trial. */
export const SETTLED_MS = 10 * 60 * 1000;
export const STOP_MS = 60 * 60 * 1000;
/** Sends that may be outstanding on trial after a stop, until enough codes have come back. */
export const TRIALS_MAX = 5;

/**
 * Milliseconds for which no passcode may go to the prefix; 0 if one may go now. Sending stops if fewer than
 * half of the last twenty are verified. It stays stopped for an hour from the newest unverified one, or until
 * enough are verified. After that hour a few go on trial: TRIALS_MAX unverified ones, or a lost one, stop it
 * again.
 */
export function stoppedMs(latest: PaidPasscode[], at: Date): number {
  const unverified = latest.filter(({ verified }) => !verified)
    .map(({ sent_at }) => at.getTime() - sent_at.getTime())
    // A send dated by a wrong clock says nothing about its time.
    .filter((age) => age >= -CLOCKS_APART_MS)
    .sort((one, other) => one - other);
  if (latest.length < WATCHED || unverified.length <= WATCHED / 2) return 0;
  const paused = unverified.findIndex((age, index) => age - (unverified[index - 1] ?? 0) >= STOP_MS);
  const trials = unverified.slice(0, paused < 0 ? unverified.length : paused);
  if (trials.length < TRIALS_MAX && trials.every((age) => age < SETTLED_MS)) return 0;
  return STOP_MS - trials[0]!;
}
