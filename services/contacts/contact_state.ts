// The one hard rule: what two people want of each other, and what each of them sees. Each side stores only
// its own intent; everything else is derived. Pure and total: leaving out a case does not compile.

import type { Intent } from "../../db/conversations.ts";
import type { Intents } from "../../db/pairs.ts";

/** A pair from the view of one of the two, "me". */
export interface Pair {
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
}

/**
 * The pair from the view of one side, given its row, which stores the intents of the lower and the higher id.
 */
export function seenBy(
  side: "low" | "high",
  { low_intent: low, high_intent: high, ever_accepted }: Intents,
): Pair {
  return side === "low"
    ? { mine: low, theirs: high, ever_accepted }
    : { mine: high, theirs: low, ever_accepted };
}

export const STATUSES = ["requesting", "requested", "accepted", "blocked", "deleted"] as const;

export type Status = typeof STATUSES[number];

export type Action = "request" | "accept" | "delete";

export type Refusal =
  | "already_friends"
  | "already_requested"
  | "peer_deleted"
  | "request_not_found"
  | "contact_not_found";

/**
 * The result of an action: my intent after it, and the refusal to answer with, if any. A refused action may
 * still change my intent.
 */
export interface Decision {
  intent: Intent;
  refusal: Refusal | null;
}

/** The status of the peer on my list; null if they are not on it. */
export function statusOf({ mine, theirs, ever_accepted }: Pair): Status | null {
  switch (mine) {
    case "refuse":
      return "deleted";
    case "want":
      if (theirs === "want") return "accepted";
      // A decline is not revealed: only a former friend learns that the peer ended it.
      return theirs === "refuse" && ever_accepted ? "blocked" : "requesting";
    case "none":
      return theirs === "want" ? "requested" : null;
  }
}

export function decide(action: Action, pair: Pair): Decision {
  const status = statusOf(pair);
  switch (action) {
    case "request":
      return request(pair, status);
    case "accept":
      return status === "requested" ? { intent: "want", refusal: null } : refuse(pair, "request_not_found");
    case "delete":
      if (status === null) return refuse(pair, "contact_not_found");
      return { intent: status === "requesting" ? "none" : "refuse", refusal: null };
  }
}

/** The pair after my intent was set to `intent`. */
export function withIntent(pair: Pair, intent: Intent): Pair {
  const accepted = intent === "want" && pair.theirs === "want";
  return { mine: intent, theirs: pair.theirs, ever_accepted: pair.ever_accepted || accepted };
}

/** The same pair from the peer's view. */
export function mirrored({ mine, theirs, ever_accepted }: Pair): Pair {
  return { mine: theirs, theirs: mine, ever_accepted };
}

function request(pair: Pair, status: Status | null): Decision {
  switch (status) {
    case "accepted":
      return refuse(pair, "already_friends");
    case "requesting":
      return refuse(pair, "already_requested");
    case "blocked":
    case "deleted":
    case "requested":
    case null:
      return {
        intent: "want",
        refusal: statusOf(withIntent(pair, "want")) === "blocked" ? "peer_deleted" : null,
      };
  }
}

function refuse(pair: Pair, refusal: Refusal): Decision {
  return { intent: pair.mine, refusal };
}
