// When a passcode may be asked for again, and whether a resend repeats it. Pure functions: times in, a
// decision out.

import { CLOCKS_APART_MS } from "../../db/clocks.ts";
import type { Challenge } from "../../db/passcodes.ts";

export const ATTEMPTS_MAX = 5;

const DAY_MS = 24 * 60 * 60 * 1000;
/** The wait after the first, second, third and fourth unanswered send. */
const GAPS_MS = [60_000, 120_000, 300_000, 600_000];
const SENDS_A_DAY_MAX = 5;

/** An expired challenge is kept this long, so that its code is answered as expired and not as wrong. */
export const EXPIRED_KEPT_MS = DAY_MS;

/**
 * When the next send may be asked for; a time in the past means now. Sends dated by a wrong clock are ignored
 * until their time has come or `withSend` corrects them, so that they keep nobody waiting.
 */
export function nextSendAt(sentAt: Date[], now: Date): Date {
  const sends = sendsOfTheDay(sentAt, now).filter((at) => !isAhead(at, now));
  const last = sends.at(-1);
  if (!last) return now;
  const gapEndsMs = last.getTime() + GAPS_MS[Math.min(sends.length, GAPS_MS.length) - 1]!;
  const fifthLast = sends.at(-SENDS_A_DAY_MAX);
  // Once the fifth last is a day old, four remain, and the wait after four applies.
  return new Date(fifthLast ? Math.max(gapEndsMs, fifthLast.getTime() + DAY_MS) : gapEndsMs);
}

/** A resend repeats the code if the code can still be used and at least half of its lifetime remains. */
export function isRepeatable(challenge: Challenge, now: Date, lifetimeMs: number): boolean {
  const leftMs = challenge.expires_at.getTime() - now.getTime();
  return challenge.used_at === null && challenge.attempts < ATTEMPTS_MAX &&
    leftMs >= lifetimeMs / 2 && leftMs <= lifetimeMs + CLOCKS_APART_MS;
}

export function sendsOfTheDay(sentAt: Date[], now: Date): Date[] {
  return sentAt.filter((at) => at.getTime() > now.getTime() - DAY_MS);
}

/**
 * The sends of the last day plus one at `now`. Sends dated by a wrong clock are changed to a moment before
 * it.
 */
export function withSend(sentAt: Date[], now: Date): Date[] {
  const before = new Date(now.getTime() - 1);
  return [...sendsOfTheDay(sentAt, now).map((at) => isAhead(at, now) ? before : at), now];
}

function isAhead(at: Date, now: Date): boolean {
  return at.getTime() > now.getTime() + CLOCKS_APART_MS;
}

export type ChallengeState = "absent" | "expired" | "burnt" | "live";

/**
 * The state that a guess meets. Expiry is checked before attempts, so that a client which repeats a request
 * after 408 does no harm.
 */
export function stateOf(challenge: Challenge | null, now: Date): ChallengeState {
  if (!challenge || challenge.used_at !== null) return "absent";
  const overdueMs = now.getTime() - challenge.expires_at.getTime();
  if (overdueMs >= EXPIRED_KEPT_MS) return "absent";
  if (overdueMs >= 0) return "expired";
  return challenge.attempts >= ATTEMPTS_MAX ? "burnt" : "live";
}

/** Whole seconds, rounded up, at least 1: waiting that long is always enough. */
export function secondsBetween(from: Date, to: Date): number {
  return Math.max(1, Math.ceil((to.getTime() - from.getTime()) / 1000));
}
