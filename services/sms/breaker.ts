// Stops paid passcodes to numbers where hardly any comes back, as with numbers that somebody is paid for being texted.
// A pure function of the last sends to the prefix: nothing to reset, nothing that processes could disagree about.

import { CLOCKS_APART_MS } from "../../db/clocks.ts";
import type { PaidPasscode } from "../../db/paid_passcodes.ts";

/** So many sends are looked at. */
export const WATCHED = 20;
/** A code that is not back after this time is lost, and ends a trial. */
export const SETTLED_MS = 10 * 60 * 1000;
export const STOP_MS = 60 * 60 * 1000;
/** After a stop so many sends may be on their way at once, until enough of them have come back. */
export const TRIALS_MAX = 5;

/**
 * How long no passcode goes to the prefix; 0 means that one may go now. It stops when fewer than half of the last twenty are
 * verified, for an hour from the newest that is not, or until enough of them are. After that hour a few go on trial:
 * TRIALS_MAX that are not verified yet, or one that is lost, stop it again.
 */
export function stoppedMs(latest: PaidPasscode[], at: Date): number {
  const unverified = latest.filter(({ verified }) => !verified)
    .map(({ sent_at }) => at.getTime() - sent_at.getTime())
    // What a wrong clock has noted says nothing of when it was.
    .filter((age) => age >= -CLOCKS_APART_MS)
    .sort((one, other) => one - other);
  if (latest.length < WATCHED || unverified.length <= WATCHED / 2) return 0;
  const paused = unverified.findIndex((age, index) => age - (unverified[index - 1] ?? 0) >= STOP_MS);
  const trials = unverified.slice(0, paused < 0 ? unverified.length : paused);
  if (trials.length < TRIALS_MAX && trials.every((age) => age < SETTLED_MS)) return 0;
  return STOP_MS - trials[0]!;
}
