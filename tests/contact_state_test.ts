import fc from "fast-check";
import type { Intent } from "../db/conversations.ts";
import {
  type Action,
  decide,
  mirrored,
  type Pair,
  type Refusal,
  statusOf,
  withIntent,
} from "../services/contacts/contact_state.ts";
import { deepEqual, equal, notEqual, ok } from "./assert.ts";
import { after, CALLS, nameOf, reachable as modelled, sights, STRANGERS, type Two } from "./contact_model.ts";

const INTENTS: Intent[] = ["none", "want", "refuse"];
const UNKNOWN: Pair = { mine: "none", theirs: "none", ever_accepted: false };

/** Every combination of values, reachable or not. */
const WRITABLE: Pair[] = INTENTS.flatMap((mine) =>
  INTENTS.flatMap((theirs) => [false, true].map((ever_accepted) => ({ mine, theirs, ever_accepted })))
);

type Side = "a" | "b";

/** The pair in the view of `a`, after a call of either side. */
function step(pair: Pair, by: Side, action: Action): { pair: Pair; refusal: Refusal | null } {
  const own = by === "a" ? pair : mirrored(pair);
  const { intent, refusal } = decide(action, own);
  const next = withIntent(own, intent);
  return { pair: by === "a" ? next : mirrored(next), refusal };
}

function reachable(): Pair[] {
  const found = new Map([[JSON.stringify(UNKNOWN), UNKNOWN]]);
  for (const pair of found.values()) {
    for (const by of ["a", "b"] as const) {
      for (const action of CALLS) {
        const next = step(pair, by, action).pair;
        found.set(JSON.stringify(next), next);
      }
    }
  }
  return [...found.values()];
}

const bothSee = (pair: Pair) => [statusOf(pair), statusOf(mirrored(pair))];
const calls = fc.array(fc.tuple(fc.constantFrom<Side>("a", "b"), fc.constantFrom(...CALLS)), {
  maxLength: 30,
});

/** My intent, the peer's, whether we ever were friends, and what I see. */
const SEEN = [
  ["none", "none", false, null],
  ["none", "none", true, null],
  ["none", "want", false, "requested"],
  ["none", "want", true, "requested"],
  ["none", "refuse", false, null],
  ["none", "refuse", true, null],
  ["want", "none", false, "requesting"],
  ["want", "none", true, "requesting"],
  ["want", "want", false, "accepted"],
  ["want", "want", true, "accepted"],
  ["want", "refuse", false, "requesting"],
  ["want", "refuse", true, "blocked"],
  ["refuse", "none", false, "deleted"],
  ["refuse", "none", true, "deleted"],
  ["refuse", "want", false, "deleted"],
  ["refuse", "want", true, "deleted"],
  ["refuse", "refuse", false, "deleted"],
  ["refuse", "refuse", true, "deleted"],
] as const;

Deno.test("statusOf() derives what a side sees from both intents and ever_accepted", () => {
  equal(SEEN.length, WRITABLE.length);
  for (const [mine, theirs, ever_accepted, seen] of SEEN) {
    equal(statusOf({ mine, theirs, ever_accepted }), seen, `${mine} ${theirs} ${ever_accepted}`);
  }
});

Deno.test("decide() leads two strangers to exactly eleven states", () => {
  deepEqual(
    reachable().map(({ mine, theirs, ever_accepted }) => `${mine} ${theirs} ${ever_accepted}`).sort(),
    [
      "none none false",
      "none refuse false",
      "none want false",
      "refuse none false",
      "refuse refuse true",
      "refuse want false",
      "refuse want true",
      "want none false",
      "want refuse false",
      "want refuse true",
      "want want true",
    ],
  );
});

for (const { two, way } of modelled()) {
  for (const by of ["a", "b"] as const) {
    for (const call of CALLS) {
      const expected = after(two, by, call);
      const outcome = [expected.refusal, nameOf(expected.two)].filter(Boolean).join(", ");
      Deno.test(`decide() from ${nameOf(two)}: ${call} by ${by} is ${outcome}`, () => {
        const pair = way.reduce((pair, { by, call }) => step(pair, by, call).pair, UNKNOWN);
        deepEqual(bothSee(pair), sights(two));
        const done = step(pair, by, call);
        equal(done.refusal, expected.refusal);
        deepEqual(bothSee(done.pair), sights(expected.two));
      });
    }
  }
}

Deno.test("decide() agrees with the model's seven situations after any calls of both", () => {
  fc.assert(fc.property(calls, (sequence) => {
    let pair = UNKNOWN;
    let two: Two = STRANGERS;
    for (const [by, call] of sequence) {
      const [done, expected] = [step(pair, by, call), after(two, by, call)];
      equal(done.refusal, expected.refusal);
      [pair, two] = [done.pair, expected.two];
      deepEqual(bothSee(pair), sights(two));
    }
  }));
});

Deno.test("withIntent() changes only the caller's intent, and forgets no friendship", () => {
  for (const pair of WRITABLE) {
    for (const intent of INTENTS) {
      const next = withIntent(pair, intent);
      deepEqual([next.mine, next.theirs], [intent, pair.theirs]);
      ok(next.ever_accepted || !pair.ever_accepted);
    }
  }
});

Deno.test("decide() changes nothing if it refuses, except for the wish that peer_deleted keeps", () => {
  for (const pair of WRITABLE) {
    for (const action of CALLS) {
      const { intent, refusal } = decide(action, pair);
      if (refusal === "peer_deleted") {
        equal(statusOf(withIntent(pair, intent)), "blocked");
      } else if (refusal !== null) equal(intent, pair.mine);
    }
  }
});

Deno.test("decide() makes nobody accepted while the other side refuses or has not requested", () => {
  for (const pair of WRITABLE) {
    for (const action of CALLS) {
      const next = withIntent(pair, decide(action, pair).intent);
      equal(statusOf(next) === "accepted", statusOf(mirrored(next)) === "accepted");
      if (pair.theirs !== "want") notEqual(statusOf(next), "accepted");
    }
  }
});

Deno.test("decide() makes friends of two people who both request, in either order, whatever happened before", () => {
  for (const pair of reachable()) {
    for (const [first, second] of [["a", "b"], ["b", "a"]] as const) {
      const asked = step(step(pair, first, "request").pair, second, "request").pair;
      deepEqual(bothSee(asked), ["accepted", "accepted"], JSON.stringify(pair));
    }
  }
});

Deno.test("decide() shows somebody whose request was declined the same as before", () => {
  const asked = step(UNKNOWN, "a", "request").pair;
  const declined = step(asked, "b", "delete").pair;
  equal(statusOf(declined), statusOf(asked));
  for (const action of CALLS) {
    equal(step(declined, "a", action).refusal, step(asked, "a", action).refusal);
    const [one, other] = [declined, asked].map((pair) => statusOf(step(pair, "a", action).pair));
    equal(one, other);
  }
});
