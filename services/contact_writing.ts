// What a change of contacts comes to once it is decided: rows of pairs, lists and names, and who sees it.

import type { Listing, Naming, PairKey, PairState } from "../db/contact_changes.ts";
import type { User } from "../db/users.ts";
import { type Action, mirrored, type Pair, type Refusal, type Status, statusOf } from "./contact_state.ts";
import type { Event } from "./events/events.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Actor } from "./sessions.ts";

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

/** A wish and what is known of its pair, which is locked. */
export interface Case {
  wish: Wish;
  peer: User | null;
  /** Null where the two never had to do with each other. */
  row: PairState | null;
  before: Pair;
  after: Pair;
  refusal: Refusal | null;
}

/** All that a batch writes. */
export interface Writing {
  pairs: PairState[];
  listings: Listing[];
  namings: Naming[];
  events: Event[];
}

/** What is to be written of pairs that are locked, and who sees it. */
export function writingOf(cases: Case[]): Writing {
  const writing: Writing = { pairs: [], listings: [], namings: [], events: [] };
  for (const { wish: { me, displayName }, peer, row, before, after, refusal } of cases) {
    // Without a user nothing was wished that could be done.
    if (!peer) continue;
    if (after.mine !== before.mine) {
      const key = keyOf(me.user_id, peer.id);
      const [low, high] = key.low_id === me.user_id ? [after.mine, after.theirs] : [after.theirs, after.mine];
      const { ever_accepted } = after;
      writing.pairs.push({ id: row?.id ?? null, ...key, low_intent: low, high_intent: high, ever_accepted });
      for (const side of changedSides(me, peer, before, after)) {
        writing.listings.push({ owner_id: side.owner, peer_id: side.other, isShown: side.now !== null });
        writing.events.push(eventOf(side, me));
      }
    }
    if (displayName !== undefined && (refusal === null || refusal === "peer_deleted")) {
      writing.namings.push({ owner_id: me.user_id, peer_id: peer.id, display_name: displayName });
    }
  }
  return writing;
}

interface Side {
  owner: number;
  other: number;
  before: Status | null;
  now: Status | null;
}

/** Those of the two who see something else now. */
function changedSides(me: Actor, peer: User, before: Pair, after: Pair): Side[] {
  return [
    { owner: me.user_id, other: peer.id, before: statusOf(before), now: statusOf(after) },
    { owner: peer.id, other: me.user_id, before: statusOf(mirrored(before)), now: statusOf(mirrored(after)) },
  ].filter((side) => side.before !== side.now);
}

function eventOf({ owner, now }: Side, me: Actor): Event {
  if (owner === me.user_id) return mineUpdated(me);
  return { to: owner, event: "contacts_updated", ...(now === "requested" ? { asks: true } : {}) };
}

export function mineUpdated(me: Actor): Event {
  return { to: me.user_id, event: "contacts_updated", except: me.session_id };
}

export function keyOf(one: number, other: number): PairKey {
  return one < other ? { low_id: one, high_id: other } : { low_id: other, high_id: one };
}
