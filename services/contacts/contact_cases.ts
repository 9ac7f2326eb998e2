// What people wish and how things stand between them: each case is decided by itself, and judged by the limits of all.

import type { Found, PairState } from "../../db/pairs.ts";
import type { User } from "../../db/users.ts";
import type { InviteMode } from "../config.ts";
import {
  type Action,
  decide,
  type Decision,
  type Pair,
  type Refusal,
  seenBy,
  statusOf,
  withIntent,
} from "./contact_state.ts";
import { AppError } from "../errors.ts";
import type { Ask } from "../limits/ask.ts";
import type { Ledger } from "../limits/ledger.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";

/** What somebody wants to do to somebody. */
export interface Wish {
  action: Action | "rename";
  me: Actor;
  phone: PhoneNumber;
  /** Where a request comes from. */
  address?: string | undefined;
  /** What I call the other from now on; also with a request. */
  displayName?: string | undefined;
}

/** A wish, what was seen of its pair, and what is to become of that. */
export interface Case {
  wish: Wish;
  peer: User | null;
  /** Null where the two never had to do with each other. */
  row: PairState | null;
  before: Pair;
  after: Pair;
  refusal: Refusal | null;
}

/** What came of it. */
export interface Changed {
  refusal: Refusal | null;
  /** Whether it is a new request to a number without an account, which is to be invited. */
  invites: boolean;
}

type Outcome = Changed | AppError;

export function caseOf(wish: Wish, { user, pair }: Found): Case {
  const before = user && pair ? seenBy(wish.me.user_id < user.id ? "low" : "high", pair) : UNKNOWN;
  const { intent, refusal } = wish.action === "rename" ? rename(before) : decide(wish.action, before);
  return { wish, peer: user, row: pair, before, after: withIntent(before, intent), refusal };
}

/** All limits that the wish may be held to. */
export function asksOf(wish: Wish): Ask[] {
  return [...possibleReveals(wish), ...possibleCounts(wish)];
}

/**
 * Charges the case to the ledger, and says what came of it. A full limit, or a number without an account that may not be
 * invited, is an error, and then nothing of the case is written.
 */
export function judge(one: Case, ledger: Ledger, inviteMode: InviteMode): Outcome {
  const isUnknown = inviteMode === "off" && one.wish.action === "request" &&
    (!one.peer || one.peer.status === "invited");
  const [reveals, counts] = [dueReveals(one), dueCounts(one)];
  // Before anything is known of the number, and alike whatever there is to know.
  const wait = ledger.wait(reveals) ?? (isUnknown ? null : ledger.wait(counts));
  if (wait !== null) return new AppError("rate_limited", { retryAfter: wait });
  if (isUnknown) {
    ledger.take(reveals);
    return new AppError("user_not_found");
  }
  const { before, after, peer, refusal } = one;
  const isNew = after.mine !== before.mine && statusOf(after) === "requesting";
  const invites = isNew && (peer === null || peer.status === "invited");
  ledger.take(invites ? [...possibleReveals(one.wish), ...counts] : counts);
  return { refusal, invites };
}

/** What a request is charged where it tells whether a number has an account. */
function possibleReveals({ action, address = "" }: Wish): Ask[] {
  return action === "request" ? [{ limit: "reveal_address", of: address }] : [];
}

/** What a request is charged where it changes something. */
function possibleCounts({ action, me, phone }: Wish): Ask[] {
  if (action !== "request") return [];
  return [
    // By number, because a number may delete its account and sign up again.
    { limit: "requests_pair", of: `${me.phone_number} ${phone}` },
    { limit: "requests_user", of: me.phone_number },
  ];
}

/** To ask somebody who is on my list already reveals nothing. */
function dueReveals({ wish, before }: Case): Ask[] {
  return statusOf(before) === null ? possibleReveals(wish) : [];
}

/**
 * Asking and taking back is no way to ring somebody's bell all day. Whoever accepts answers, and is held to the pair alone.
 */
function dueCounts({ wish, before, after }: Case): Ask[] {
  if (after.mine === before.mine) return [];
  const isAnswer = statusOf(after) === "accepted";
  return possibleCounts(wish).filter(({ limit }) => !isAnswer || limit === "requests_pair");
}

/** Names are for those whom my list shows. */
function rename(before: Pair): Decision {
  return { intent: before.mine, refusal: statusOf(before) === null ? "contact_not_found" : null };
}

/** Two people who never had to do with each other. */
const UNKNOWN: Pair = { mine: "none", theirs: "none", ever_accepted: false };
