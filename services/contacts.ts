// Friend requests and what becomes of them. One transaction a call: it locks the pair, writes the caller's intent and
// both lists, announces what each side sees change; then this process is told.

import * as contacts from "../db/contacts.ts";
import * as conversations from "../db/conversations.ts";
import type { Database, Sql } from "../db/database.ts";
import { findOrInviteUser, findUser, type User } from "../db/users.ts";
import {
  type Action,
  decide,
  mirrored,
  type Pair,
  type Refusal,
  type Status,
  statusOf,
  withIntent,
} from "./contact_state.ts";
import { AppError } from "./errors.ts";
import type { Bus } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import type { DeviceInvite, Invites } from "./invites.ts";
import type { Ask, Limiter, Paid } from "./limits/limiter.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Actor } from "./sessions.ts";

export interface Contact {
  phone_number: string;
  display_name: string;
  status: Status;
  last_touch_at: Date;
  unread_messages: number;
}

/** My whole list after a call, and what my own phone is to send where it is the one that invites. */
export interface Acted {
  contacts: Contact[];
  invite: DeviceInvite | null;
}

/** What a request brings along beside the number. */
export interface Asking {
  /** Where it comes from. */
  address: string;
  displayName?: string | undefined;
}

/** What a call did: whom to tell, and what to answer. */
interface Change {
  refusal: Refusal | null;
  events: Event[];
  /** Whether it asked a number without an account, which has not been asked by me before. */
  invites?: boolean;
}

export type Contacts = ReturnType<typeof createContacts>;

export function createContacts(
  { database, bus, limiter, invites, now, inviteMode }: {
    database: Database;
    bus: Bus;
    limiter: Limiter;
    invites: Pick<Invites, "invite">;
    now: () => Date;
    inviteMode: "server" | "device" | "off";
  },
) {
  /** My whole list, or one row of it. */
  async function list(me: Actor, phone: PhoneNumber | null = null): Promise<Contact[]> {
    const rows = await database.run((sql) => contacts.listContacts(sql, me.user_id, phone));
    return rows.flatMap(({ mine, theirs, ever_accepted, ...row }) => {
      const status = statusOf({ mine, theirs, ever_accepted });
      return status === null ? [] : [{ ...row, status }];
    });
  }

  /**
   * Asks, or accepts where the other has asked; answers with the whole list. A new request to a number without an account
   * invites it. That tells that there is none, so it is paid for before it is known.
   * @throws AppError own_number, user_not_found, rate_limited, and the refusals of `decide`
   */
  async function request(me: Actor, phone: PhoneNumber, { address, displayName }: Asking): Promise<Acted> {
    refuseOwnNumber(me, phone);
    const paid = await payUnlessListed(me, phone, address);
    try {
      const { refusal, invites: isInvited = false } = await change("request", me, phone, displayName);
      if (isInvited) paid?.keep();
      const invite = isInvited ? await invites.invite(me, phone, address) : null;
      return { contacts: await answer(me, refusal), invite };
    } catch (error) {
      if (error instanceof AppError && error.code === "user_not_found") paid?.keep();
      throw error;
    } finally {
      await paid?.giveBack();
    }
  }

  /** Whom my list shows I need not be told about; looked up only where nothing is left to pay with. */
  async function payUnlessListed(me: Actor, phone: PhoneNumber, address: string): Promise<Paid | null> {
    try {
      return await limiter.pay({ limit: "reveal_address", of: address });
    } catch (error) {
      if (!(error instanceof AppError) || (await list(me, phone)).length === 0) throw error;
      return null;
    }
  }

  /** Accepts or deletes; answers with the whole list. @throws AppError own_number, and the refusals of `decide` */
  async function act(action: "accept" | "delete", me: Actor, phone: PhoneNumber): Promise<Contact[]> {
    refuseOwnNumber(me, phone);
    const { refusal } = await change(action, me, phone);
    return await answer(me, refusal);
  }

  async function change(
    action: Action,
    me: Actor,
    phone: PhoneNumber,
    displayName?: string,
  ): Promise<Change> {
    return await database.begin(async (sql): Promise<Change> => {
      const peer = action === "request" ? await askedUser(sql, phone) : await findUser(sql, phone);
      const pair = peer && await lock(sql, action, me, peer);
      if (!pair) return { refusal: decide(action, UNKNOWN).refusal, events: [] };

      const decision = decide(action, pair);
      const after = withIntent(pair, decision.intent);
      if (action === "request" && after.mine !== pair.mine) await count(sql, me, peer, statusOf(after));
      const events = await write(sql, { me, peer, pair, after });
      if (displayName !== undefined && (decision.refusal === null || decision.refusal === "peer_deleted")) {
        if (await rename(sql, me, peer, displayName)) events.push(mineUpdated(me));
      }
      await bus.announce(sql, events);
      const isNew = after.mine !== pair.mine && statusOf(after) === "requesting";
      return { refusal: decision.refusal, events, invites: isNew && peer.status === "invited" };
    }, tell);
  }

  /**
   * Counts a request that changes something, so that asking and taking back is no way to ring somebody's bell all day.
   * Whoever accepts answers, and is held to the pair alone.
   */
  async function count(sql: Sql, me: Actor, peer: User, becomes: Status | null): Promise<void> {
    const ofPair: Ask = { limit: "requests_pair", of: `${me.user_id} ${peer.id}` };
    const ofUser: Ask = { limit: "requests_user", of: String(me.user_id) };
    const asks = becomes === "accepted" ? [ofPair] : [ofPair, ofUser];
    const { retryAfter } = await limiter.take(sql, asks, now());
    if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
  }

  /** Sets my own name for somebody on my list. @throws AppError own_number, contact_not_found */
  async function update(me: Actor, phone: PhoneNumber, displayName: string): Promise<Contact[]> {
    refuseOwnNumber(me, phone);
    const { refusal } = await database.begin(async (sql): Promise<Change> => {
      const peer = await findUser(sql, phone);
      const pair = peer && await conversations.lockPair(sql, me.user_id, peer.id);
      if (!pair || statusOf(pair) === null) return { refusal: "contact_not_found", events: [] };
      const events = await rename(sql, me, peer, displayName) ? [mineUpdated(me)] : [];
      await bus.announce(sql, events);
      return { refusal: null, events };
    }, tell);
    return await answer(me, refusal);
  }

  const tell = ({ events }: Change) => bus.deliver(events);

  async function answer(me: Actor, refusal: Refusal | null): Promise<Contact[]> {
    if (refusal) throw new AppError(refusal);
    return await list(me);
  }

  async function askedUser(sql: Sql, phone: PhoneNumber): Promise<User> {
    const user = inviteMode === "off"
      ? await findUser(sql, phone)
      : await findOrInviteUser(sql, phone, now());
    if (!user || (inviteMode === "off" && user.status === "invited")) throw new AppError("user_not_found");
    return user;
  }

  async function lock(sql: Sql, action: Action, me: Actor, peer: User): Promise<conversations.Pair | null> {
    // A connection runs statements in the order in which they are given: the answer to one need not be waited for.
    const [, pair] = await Promise.all([
      action === "request" ? conversations.ensurePair(sql, me.user_id, peer.id) : null,
      conversations.lockPair(sql, me.user_id, peer.id),
    ]);
    return pair;
  }

  /** Writes what changed of a locked pair, and says who sees it. */
  async function write(
    sql: Sql,
    { me, peer, pair, after }: { me: Actor; peer: User; pair: conversations.Pair; after: Pair },
  ): Promise<Event[]> {
    if (after.mine === pair.mine) return [];
    const { conversation_id } = pair;
    const intent = { me_id: me.user_id, intent: after.mine, ever_accepted: after.ever_accepted };
    const sides = [
      { owner: me.user_id, other: peer.id, before: statusOf(pair), now: statusOf(after) },
      { owner: peer.id, other: me.user_id, before: statusOf(mirrored(pair)), now: statusOf(mirrored(after)) },
    ].filter((side) => side.before !== side.now);
    await Promise.all([
      conversations.setIntent(sql, { conversation_id, ...intent }),
      ...sides.map(({ owner, other, now: seen }) =>
        seen === null
          ? contacts.removeContact(sql, owner, other)
          : contacts.touchContact(sql, { owner_id: owner, peer_id: other, conversation_id, now: now() })
      ),
    ]);
    return sides.map(({ owner, now: seen }): Event =>
      owner === me.user_id
        ? mineUpdated(me)
        : { to: owner, event: "contacts_updated", ...(seen === "requested" ? { asks: true } : {}) }
    );
  }

  async function rename(sql: Sql, me: Actor, peer: User, displayName: string): Promise<boolean> {
    const renamed = { owner_id: me.user_id, peer_id: peer.id, display_name: displayName };
    return await contacts.renameContact(sql, renamed) !== null;
  }

  return { list, request, act, update };
}

/** Two people who never had to do with each other. */
const UNKNOWN: Pair = { mine: "none", theirs: "none", ever_accepted: false };

function mineUpdated(me: Actor): Event {
  return { to: me.user_id, event: "contacts_updated", except: me.session_id };
}

function refuseOwnNumber(me: Actor, phone: PhoneNumber): void {
  if (phone === me.phone_number) throw new AppError("own_number");
}
