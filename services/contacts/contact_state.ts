// The one hard rule: what two people want of each other, and what each of them sees of it. Each side has only an
// intent of its own; everything else is derived. Pure and total: no case can be left out and still compile.

import type { Intent } from "../../db/conversations.ts";
import type { Intents } from "../../db/pairs.ts";

/** A pair as one of the two, "me", sees it. */
export interface Pair {
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
}

/** The pair as either of the two sees it, from what its row says of the lower and the higher id. */
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

/** What an action does: my intent after it, and what I am told besides. A refusal may still change my intent. */
export interface Decision {
  intent: Intent;
  refusal: Refusal | null;
}

/** What I see of the peer; null where my list does not show him. */
export function statusOf({ mine, theirs, ever_accepted }: Pair): Status | null {
  switch (mine) {
    case "refuse":
      return "deleted";
    case "want":
      if (theirs === "want") return "accepted";
      // A decline is silent: only who was a friend once learns that he is not any more.
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

/** The pair once my intent has become `intent`. */
export function withIntent(pair: Pair, intent: Intent): Pair {
  const accepted = intent === "want" && pair.theirs === "want";
  return { mine: intent, theirs: pair.theirs, ever_accepted: pair.ever_accepted || accepted };
}

/** The same pair as the peer sees it. */
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
