// Turns decided changes of contacts into what is written (rows of pairs, list entries, names) and into the
// events that announce it.

import type { Changes, Naming, PairChange, PairKey } from "../../db/contact_changes.ts";
import type { Intents } from "../../db/pairs.ts";
import type { User } from "../../db/users.ts";
import type { Event } from "../events/events.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { Case } from "./contact_cases.ts";
import { mirrored, type Pair, type Status, statusOf } from "./contact_state.ts";

/** Everything that a batch writes except its uses of limits, and the events that it sends. */
export interface Writing extends Omit<Changes, "uses" | "payloads"> {
  namings: Naming[];
  events: Event[];
}

/** The writes and events that the cases lead to. */
export function writingOf(cases: Case[]): Writing {
  const writing: Writing = { pairs: [], held: [], listings: [], namings: [], invited: [], events: [] };
  const invited = new Set<number>();
  for (const one of cases) {
    const { wish: { me, displayName }, peer, row, before, after, refusal } = one;
    // Without a user nothing can be written. Callers create missing users first where a case needs one.
    if (!peer) continue;
    const isChanged = after.mine !== before.mine;
    const isNamed = displayName !== undefined && (refusal === null || refusal === "peer_deleted");
    if (isChanged) {
      writing.pairs.push(changeOf(one, peer));
      if (peer.status === "invited") invited.add(peer.id);
      for (const side of changedSides(me, peer, before, after)) {
        writing.listings.push({ owner_id: side.owner, peer_id: side.other, is_shown: side.now !== null });
        writing.events.push(eventOf(side, me));
      }
    }
    if (isChanged && before.mine === "refuse" && row && row.peer_delivered_id > 0) {
      // While I refused the peer, I was not told how far they had read what I sent.
      writing.events.push({ to: me.user_id, event: "messages_updated", sender: peer.phone_number });
    }
    if (isNamed) {
      writing.namings.push({ owner_id: me.user_id, peer_id: peer.id, display_name: displayName });
      if (!isChanged && row) writing.held.push(row.id);
    }
  }
  writing.invited.push(...invited);
  return writing;
}

function changeOf({ wish: { me }, row, after }: Case, peer: User): PairChange {
  const key = keyOf(me.user_id, peer.id);
  const [low_intent, high_intent] = key.low_id === me.user_id
    ? [after.mine, after.theirs]
    : [after.theirs, after.mine];
  const { ever_accepted } = after;
  return {
    id: row?.id ?? null,
    ...key,
    low_intent,
    high_intent,
    ever_accepted,
    before: row && intentsOf(row),
  };
}

function intentsOf({ low_intent, high_intent, ever_accepted }: Intents): Intents {
  return { low_intent, high_intent, ever_accepted };
}

interface Side {
  owner: number;
  other: number;
  before: Status | null;
  now: Status | null;
}

/** The sides whose status changes: none, one or both of the two. */
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

function keyOf(one: number, other: number): PairKey {
  return one < other ? { low_id: one, high_id: other } : { low_id: other, high_id: one };
}
