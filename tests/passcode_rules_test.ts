import fc from "fast-check";
import { deepEqual, equal, ok } from "./assert.ts";

import type { Challenge } from "../db/passcodes.ts";
import {
  ATTEMPTS_MAX,
  EXPIRED_KEPT_MS,
  isRepeatable,
  nextSendAt,
  sendsOfTheDay,
  stateOf,
} from "../services/passcodes/passcode_rules.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "./passcode_calls.ts";

const LIFETIME_MS = 10 * MINUTE_MS;
const NOON = Date.UTC(2026, 0, 31, 12);
const at = (ms: number) => new Date(NOON + ms);

function challenge(changes: Partial<Challenge> = {}): Challenge {
  return {
    phone_number: "+14155550101",
    purpose: "signup",
    nonce: new Uint8Array(16),
    key_id: "",
    attempts: 0,
    expires_at: at(LIFETIME_MS),
    used_at: null,
    sent_at: [at(0)],
    last_delivery: "sent",
    ...changes,
  };
}

const anyMs = fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS });
const anyAttempts = fc.integer({ min: 0, max: ATTEMPTS_MAX });
const anyUsed = fc.option(anyMs.map(at));

/** Waits of any length between requests, each of which sends a code if it may. */
const anyWaits = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 15 * MINUTE_MS }), fc.integer({ min: 0, max: DAY_MS })),
  { maxLength: 40 },
);

function sentAfter(waits: number[]): Date[] {
  const sent: Date[] = [];
  let ms = 0;
  for (const wait of waits) {
    ms += wait;
    if (nextSendAt(sent, at(ms)) <= at(ms)) sent.push(at(ms));
  }
  return sent;
}

Deno.test("nextSendAt() allows a first send at once", () => {
  fc.assert(fc.property(anyMs, (ms) => deepEqual(nextSendAt([], at(ms)), at(ms))));
});

Deno.test("nextSendAt() waits 60, 120, 300 and 600 seconds, then until the first of the five is a day old", () => {
  const sent: Date[] = [];
  let ms = 0;
  for (const gap of [60, 120, 300, 600]) {
    sent.push(at(ms));
    ms += gap * SECOND_MS;
    deepEqual(nextSendAt(sent, at(ms - 1)), at(ms));
  }
  sent.push(at(ms));
  deepEqual(nextSendAt(sent, at(ms)), at(DAY_MS));
});

Deno.test("nextSendAt() returns no time at which another gap is still running", () => {
  const sent = [0, 1, 2, 3, DAY_MS / MINUTE_MS - 1].map((minutes) => at(minutes * MINUTE_MS));
  deepEqual(nextSendAt(sent, sent[4]!), at(DAY_MS + 9 * MINUTE_MS));
});

Deno.test("nextSendAt() never allows more than five sends in any day, nor two within a minute", () => {
  fc.assert(fc.property(anyWaits, (waits) => {
    const sent = sentAfter(waits).map((time) => time.getTime());
    sent.forEach((time, nth) => {
      ok(nth === 0 || time - sent[nth - 1]! >= MINUTE_MS);
      ok(nth < 5 || time - sent[nth - 5]! >= DAY_MS);
    });
  }));
});

Deno.test("nextSendAt() returns the time from which a send is allowed", () => {
  fc.assert(fc.property(anyWaits, fc.integer({ min: 0, max: DAY_MS }), (waits, wait) => {
    const sent = sentAfter(waits);
    const now = new Date((sent.at(-1) ?? at(0)).getTime() + wait);
    const next = nextSendAt(sent, now);
    if (next <= now) return;
    ok(nextSendAt(sent, next) <= next);
    // It may be earlier if meanwhile a send becomes older than a day, because that shortens the gap.
    if (sendsOfTheDay(sent, next).length < sendsOfTheDay(sent, now).length) return;
    const before = new Date(next.getTime() - 1);
    ok(nextSendAt(sent, before) > before);
  }));
});

Deno.test("sendsOfTheDay() keeps sends younger than a day, in their order", () => {
  fc.assert(fc.property(fc.array(anyMs), anyMs, (sentMs, nowMs) => {
    const kept = sendsOfTheDay(sentMs.map(at), at(nowMs));
    deepEqual(kept, sentMs.filter((ms) => ms > nowMs - DAY_MS).map(at));
  }));
});

Deno.test("isRepeatable() is true for an unused challenge with guesses and half of its lifetime left", () => {
  equal(isRepeatable(challenge(), at(LIFETIME_MS / 2), LIFETIME_MS), true);
  equal(isRepeatable(challenge(), at(LIFETIME_MS / 2 + 1), LIFETIME_MS), false);
  equal(isRepeatable(challenge({ used_at: at(0) }), at(0), LIFETIME_MS), false);
  equal(isRepeatable(challenge({ attempts: ATTEMPTS_MAX - 1 }), at(0), LIFETIME_MS), true);
  equal(isRepeatable(challenge({ attempts: ATTEMPTS_MAX }), at(0), LIFETIME_MS), false);
});

Deno.test("isRepeatable() is true only for a code that a guess can redeem", () => {
  fc.assert(fc.property(anyAttempts, anyUsed, anyMs, (attempts, used_at, ms) => {
    const some = challenge({ attempts, used_at });
    if (isRepeatable(some, at(ms), LIFETIME_MS)) equal(stateOf(some, at(ms)), "live");
  }));
});

Deno.test("stateOf() is absent without a challenge and for a used one, whatever else is true of it", () => {
  equal(stateOf(null, at(0)), "absent");
  fc.assert(fc.property(anyAttempts, anyMs, anyMs, (attempts, usedMs, ms) => {
    equal(stateOf(challenge({ attempts, used_at: at(usedMs) }), at(ms)), "absent");
  }));
});

Deno.test("stateOf() goes from live or burnt to expired for a day, then to absent", () => {
  fc.assert(fc.property(anyAttempts, anyMs, (attempts, ms) => {
    const before = attempts < ATTEMPTS_MAX ? "live" : "burnt";
    const after = ms < LIFETIME_MS + DAY_MS ? "expired" : "absent";
    equal(stateOf(challenge({ attempts }), at(ms)), ms < LIFETIME_MS ? before : after);
  }));
});

Deno.test("stateOf() changes exactly at the end of a lifetime and of the day after it", () => {
  const states = [
    LIFETIME_MS - 1,
    LIFETIME_MS,
    LIFETIME_MS + EXPIRED_KEPT_MS - 1,
    LIFETIME_MS + EXPIRED_KEPT_MS,
  ]
    .map((ms) => stateOf(challenge(), at(ms)));
  deepEqual(states, ["live", "expired", "expired", "absent"]);
});
