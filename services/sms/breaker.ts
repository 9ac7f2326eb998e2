// Stops paid passcodes to numbers where hardly any comes back, as with numbers that somebody is paid for being texted.
// A pure function of the last sends to the prefix: nothing to reset, nothing that processes could disagree about.

import type { PaidPasscode } from "../../db/paid_passcodes.ts";

/** So many sends are looked at. */
export const WATCHED = 20;
/** A code that is not back after this time counts as lost; until then nobody can know. */
export const SETTLED_MS = 10 * 60 * 1000;
export const STOP_MS = 60 * 60 * 1000;
/** After a stop so many sends may be on their way at once, until enough of them have come back. */
export const TRIALS_MAX = 5;

/**
 * How long no passcode goes to the prefix; 0 is now. Fewer than half of the last twenty verified stops it for an hour from
 * the last that was lost; then a few go on trial, and each of them that is lost stops it for another hour.
 */
export function stoppedMs(latest: PaidPasscode[], at: Date): number {
  const unverified = latest.filter(({ verified }) => !verified).map(({ sent_at }) =>
    at.getTime() - sent_at.getTime()
  );
  const lost = unverified.filter((age) => age >= SETTLED_MS);
  if (latest.length < WATCHED || lost.length <= WATCHED / 2) return 0;
  const pending = unverified.length - lost.length;
  const stopped = Math.min(...lost) < SETTLED_MS + STOP_MS;
  if (!stopped && pending < TRIALS_MAX) return 0;
  // At the worst those on their way are lost too: after that time it is over in any case.
  return SETTLED_MS + STOP_MS - Math.min(...unverified);
}
