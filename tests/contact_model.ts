// A model of what two people can be to each other, seen from outside: seven situations, and what every call
// turns them into. It does not know intents, so it cannot share a mistake with the service.

export const CALLS = ["request", "accept", "delete"] as const;
export type Call = typeof CALLS[number];
export type Sight = "requesting" | "requested" | "accepted" | "blocked" | "deleted" | null;

type Situation = "strangers" | "asked" | "declined" | "withdrawn" | "friends" | "left" | "parted";
/**
 * The situation that a call leads to, with `~` if the two swap places; the error that it is refused with; or
 * both.
 */
type Outcome = string;

interface Row {
  one: Sight;
  other: Sight;
  byOne: Record<Call, Outcome>;
  byOther: Record<Call, Outcome>;
}

const SITUATIONS: Record<Situation, Row> = {
  strangers: {
    one: null,
    other: null,
    byOne: { request: "asked", accept: "request_not_found", delete: "contact_not_found" },
    byOther: { request: "~asked", accept: "request_not_found", delete: "contact_not_found" },
  },
  /** `one` has asked `other`. */
  asked: {
    one: "requesting",
    other: "requested",
    byOne: { request: "already_requested", accept: "request_not_found", delete: "strangers" },
    byOther: { request: "friends", accept: "friends", delete: "declined" },
  },
  /** `other` has declined, and `one` does not know. */
  declined: {
    one: "requesting",
    other: "deleted",
    byOne: { request: "already_requested", accept: "request_not_found", delete: "withdrawn" },
    byOther: { request: "friends", accept: "request_not_found", delete: "declined" },
  },
  /** `one` has withdrawn a request that `other` had declined. */
  withdrawn: {
    one: null,
    other: "deleted",
    byOne: { request: "declined", accept: "request_not_found", delete: "contact_not_found" },
    byOther: { request: "~asked", accept: "request_not_found", delete: "withdrawn" },
  },
  friends: {
    one: "accepted",
    other: "accepted",
    byOne: { request: "already_friends", accept: "request_not_found", delete: "~left" },
    byOther: { request: "already_friends", accept: "request_not_found", delete: "left" },
  },
  /** `other` has deleted their friend `one`. */
  left: {
    one: "blocked",
    other: "deleted",
    byOne: { request: "left peer_deleted", accept: "request_not_found", delete: "parted" },
    byOther: { request: "friends", accept: "request_not_found", delete: "left" },
  },
  /** Both have deleted each other. */
  parted: {
    one: "deleted",
    other: "deleted",
    byOne: { request: "left peer_deleted", accept: "request_not_found", delete: "parted" },
    byOther: { request: "~left peer_deleted", accept: "request_not_found", delete: "parted" },
  },
};

/** Two people, a and b; `swapped` if b is the situation's `one`. */
export interface Two {
  situation: Situation;
  swapped: boolean;
}

export const STRANGERS: Two = { situation: "strangers", swapped: false };

const isEven = (situation: Situation) => ["strangers", "friends", "parted"].includes(situation);

/** What a sees and what b sees. */
export function sights({ situation, swapped }: Two): [Sight, Sight] {
  const { one, other } = SITUATIONS[situation];
  return swapped ? [other, one] : [one, other];
}

export function after(two: Two, by: "a" | "b", call: Call): { two: Two; refusal: string | null } {
  const { byOne, byOther } = SITUATIONS[two.situation];
  const outcome = ((by === "a") === two.swapped ? byOther : byOne)[call];
  const words = outcome.split(" ");
  const refusal = words.find((word) => word.includes("_")) ?? null;
  const next = words.find((word) => !word.includes("_"));
  if (next === undefined) return { two, refusal };
  const situation = next.replace("~", "") as Situation;
  const swapped = !isEven(situation) && next.startsWith("~") !== two.swapped;
  return { two: { situation, swapped }, refusal };
}

export const nameOf = ({ situation, swapped }: Two) => `${swapped ? "~" : ""}${situation}`;

/** Every reachable state, each with a shortest way to it. */
export function reachable(): { two: Two; way: { by: "a" | "b"; call: Call }[] }[] {
  const found = [{ two: STRANGERS, way: [] as { by: "a" | "b"; call: Call }[] }];
  for (const { two, way } of found) {
    for (const by of ["a", "b"] as const) {
      for (const call of CALLS) {
        const next = after(two, by, call).two;
        if (!found.some((known) => nameOf(known.two) === nameOf(next))) {
          found.push({ two: next, way: [...way, { by, call }] });
        }
      }
    }
  }
  return found;
}

export interface Listed {
  phone_number: string;
  display_name: string;
  status: string;
  last_touch_at: string;
}

export type World = ReturnType<typeof createWorld>;

/** A world of any number of people and their lists. */
export function createWorld() {
  const pairs = new Map<string, Two>();
  const rows = new Map<string, { display_name: string; last_touch_at: string }>();

  const keyOf = (me: string, peer: string) => me < peer ? `${me} ${peer}` : `${peer} ${me}`;
  const pairOf = (me: string, peer: string) => pairs.get(keyOf(me, peer)) ?? STRANGERS;
  const sightOf = (me: string, peer: string) => sights(pairOf(me, peer))[me < peer ? 0 : 1];

  /** Sets my name for a peer; returns whether that changed anything. */
  function name(me: string, peer: string, display_name: string): boolean {
    const row = rows.get(`${me} ${peer}`)!;
    const changed = row.display_name !== display_name;
    row.display_name = display_name;
    return changed;
  }

  /** Returns the error of the call, and whose view of the other it changes. */
  function act(
    call: Call,
    { me, peer, at, label }: { me: string; peer: string; at: Date; label: string | undefined },
  ): { refusal: string | null; told: Set<string> } {
    const before = [me, peer].map((who) => sightOf(who, who === me ? peer : me));
    const { two, refusal } = after(pairOf(me, peer), me < peer ? "a" : "b", call);
    pairs.set(keyOf(me, peer), two);
    const told = new Set<string>();
    [me, peer].forEach((who, place) => {
      const whom = who === me ? peer : me;
      const sight = sightOf(who, whom);
      if (sight === before[place]) return;
      told.add(who);
      const row = rows.get(`${who} ${whom}`) ?? { display_name: "" };
      if (sight === null) rows.delete(`${who} ${whom}`);
      else rows.set(`${who} ${whom}`, { ...row, last_touch_at: at.toISOString() });
    });
    const named = label !== undefined && (refusal === null || refusal === "peer_deleted");
    if (named && name(me, peer, label)) told.add(me);
    return { refusal, told };
  }

  function update(me: string, peer: string, label: string): { refusal: string | null; told: Set<string> } {
    if (sightOf(me, peer) === null) return { refusal: "contact_not_found", told: new Set() };
    return { refusal: null, told: new Set(name(me, peer, label) ? [me] : []) };
  }

  /** My list, the newest change first. */
  function list(me: string): Listed[] {
    return [...rows].filter(([key]) => key.startsWith(`${me} `)).map(([key, row]) => {
      const peer = key.split(" ")[1]!;
      return { phone_number: peer, status: sightOf(me, peer)!, ...row };
    }).sort((one, other) => other.last_touch_at.localeCompare(one.last_touch_at));
  }

  return { act, update, list };
}
