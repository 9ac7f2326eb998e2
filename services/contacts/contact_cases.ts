// A requested change of contacts, decided from the current state of its pair and then charged to the limits
// that its whole batch shares.

import type { Found, PairState } from "../../db/pairs.ts";
import type { User } from "../../db/users.ts";
import type { InviteMode } from "../config.ts";
import { AppError } from "../errors.ts";
import type { Ask } from "../limits/ask.ts";
import type { Ledger } from "../limits/ledger.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
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

/** A change that one user requests concerning another. */
export interface Wish {
  action: Action | "rename";
  me: Actor;
  phone: PhoneNumber;
  /** The client's address; given for a request. */
  address?: string | undefined;
  /** My new name for the other person; may come with a request. */
  displayName?: string | undefined;
}

/** A wish, the state of its pair as it was read, and the state that it leads to. */
export interface Case {
  wish: Wish;
  peer: User | null;
  /** Null if the two have no pair yet. */
  row: PairState | null;
  before: Pair;
  after: Pair;
  refusal: Refusal | null;
}

/** The outcome of a wish that was not an error. */
export interface Changed {
  refusal: Refusal | null;
  /** Whether this is a new request to a number without an account, which is then to be invited. */
  invites: boolean;
}

type Outcome = Changed | AppError;

export function caseOf(wish: Wish, { user, pair }: Found): Case {
  const before = user && pair ? seenBy(wish.me.user_id < user.id ? "low" : "high", pair) : UNKNOWN;
  const { intent, refusal } = wish.action === "rename" ? rename(before) : decide(wish.action, before);
  return { wish, peer: user, row: pair, before, after: withIntent(before, intent), refusal };
}

/** All limits that the wish may be charged to. */
export function asksOf(wish: Wish): Ask[] {
  return [...possibleReveals(wish), ...possibleCounts(wish)];
}

/**
 * Charges the case to the ledger and returns its outcome. A full limit is an error, and so is a number
 * without an account while invitations are off. Of such a case no change is written; the latter still costs
 * a use of `reveal_address`.
 */
export function judge(one: Case, ledger: Ledger, inviteMode: InviteMode): Outcome {
  const isUnknown = inviteMode === "off" && one.wish.action === "request" &&
    (!one.peer || one.peer.status === "invited");
  const [reveals, counts] = [dueReveals(one), dueCounts(one)];
  // Checked before the account is considered, so that a full `reveal_address` refuses known and unknown numbers
  // alike.
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

/** Charged if the answer reveals whether the number has an account. */
function possibleReveals({ action, address = "" }: Wish): Ask[] {
  return action === "request" ? [{ limit: "reveal_address", of: address }] : [];
}

/** Charged if the request changes something. */
function possibleCounts({ action, me, phone }: Wish): Ask[] {
  if (action !== "request") return [];
  return [
    // By number and not by user id: a number may delete its account and sign up again.
    { limit: "requests_pair", of: `${me.phone_number} ${phone}` },
    { limit: "requests_user", of: me.phone_number },
  ];
}

/** A request to somebody who is already on my list reveals nothing. */
function dueReveals({ wish, before }: Case): Ask[] {
  return statusOf(before) === null ? possibleReveals(wish) : [];
}

/**
 * Charged for each change, so that asking and withdrawing cannot be repeated all day to pester somebody.
 * Accepting a request is an answer, so it counts only against the limit of the pair.
 */
function dueCounts({ wish, before, after }: Case): Ask[] {
  if (after.mine === before.mine) return [];
  const isAnswer = statusOf(after) === "accepted";
  return possibleCounts(wish).filter(({ limit }) => !isAnswer || limit === "requests_pair");
}

/** Only people on my list can be renamed. */
function rename(before: Pair): Decision {
  return { intent: before.mine, refusal: statusOf(before) === null ? "contact_not_found" : null };
}

/** The state of two people who have no pair yet. */
const UNKNOWN: Pair = { mine: "none", theirs: "none", ever_accepted: false };
