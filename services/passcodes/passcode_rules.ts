// When a passcode may be asked for again, and whether it is the same one. Pure: times in, a decision out.

import { CLOCKS_APART_MS } from "../../db/clocks.ts";
import type { Challenge } from "../../db/passcodes.ts";

export const ATTEMPTS_MAX = 5;

const DAY_MS = 24 * 60 * 60 * 1000;
/** What has to pass after the first, second, third and fourth unanswered send. */
const GAPS_MS = [60_000, 120_000, 300_000, 600_000];
const SENDS_A_DAY_MAX = 5;

/** An expired challenge is remembered this long, so that its code is "expired" and not "wrong". */
export const EXPIRED_KEPT_MS = DAY_MS;

/**
 * When the next send may be asked for; a moment that has passed means now. Sends of a wrong clock are passed over: they
 * count when the next one is noted, and keep nobody waiting until their time has come.
 */
export function nextSendAt(sentAt: Date[], now: Date): Date {
  const sends = sendsOfTheDay(sentAt, now).filter((at) => !isAhead(at, now));
  const last = sends.at(-1);
  if (!last) return now;
  const gapEndsMs = last.getTime() + GAPS_MS[Math.min(sends.length, GAPS_MS.length) - 1]!;
  const fifthLast = sends.at(-SENDS_A_DAY_MAX);
  // When the fifth last has left the day, there are four, and the gap after four holds.
  return new Date(fifthLast ? Math.max(gapEndsMs, fifthLast.getTime() + DAY_MS) : gapEndsMs);
}

/** A resend repeats the code while at least half of its lifetime remains and it can still be used. */
export function isRepeatable(challenge: Challenge, now: Date, lifetimeMs: number): boolean {
  const leftMs = challenge.expires_at.getTime() - now.getTime();
  return challenge.used_at === null && challenge.attempts < ATTEMPTS_MAX &&
    leftMs >= lifetimeMs / 2 && leftMs <= lifetimeMs + CLOCKS_APART_MS;
}

export function sendsOfTheDay(sentAt: Date[], now: Date): Date[] {
  return sentAt.filter((at) => at.getTime() > now.getTime() - DAY_MS);
}

/** The sends that are kept, with one of this moment. What a wrong clock has noted was sent a moment before. */
export function withSend(sentAt: Date[], now: Date): Date[] {
  const before = new Date(now.getTime() - 1);
  return [...sendsOfTheDay(sentAt, now).map((at) => isAhead(at, now) ? before : at), now];
}

function isAhead(at: Date, now: Date): boolean {
  return at.getTime() > now.getTime() + CLOCKS_APART_MS;
}

export type ChallengeState = "absent" | "expired" | "burnt" | "live";

/** What a guess finds. Expiry goes before everything, so that a client that repeats a 408 does no harm. */
export function stateOf(challenge: Challenge | null, now: Date): ChallengeState {
  if (!challenge || challenge.used_at !== null) return "absent";
  const overdueMs = now.getTime() - challenge.expires_at.getTime();
  if (overdueMs >= EXPIRED_KEPT_MS) return "absent";
  if (overdueMs >= 0) return "expired";
  return challenge.attempts >= ATTEMPTS_MAX ? "burnt" : "live";
}

/** Whole seconds, rounded up, at least 1: who waits that long has waited long enough. */
export function secondsBetween(from: Date, to: Date): number {
  return Math.max(1, Math.ceil((to.getTime() - from.getTime()) / 1000));
}
