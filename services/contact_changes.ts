// What people do to their contacts, many at once: one transaction locks their pairs, decides each by itself, writes the
// callers' intents and both lists, announces what each side sees change; then this process is told.

import { lockPairs, nameContacts, type PairState, writeChanges } from "../db/contact_changes.ts";
import { type Database, DatabaseUnavailable, type Sql } from "../db/database.ts";
import { findUsers, holdUsers, inviteUsers, type User } from "../db/users.ts";
import { decide, type Decision, type Pair, type Refusal, statusOf, withIntent } from "./contact_state.ts";
import { type Case, keyOf, mineUpdated, type Wish, writingOf } from "./contact_writing.ts";
import { AppError } from "./errors.ts";
import type { Bus } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import { createGroupCommit } from "./group_commit.ts";
import type { Ask, Ledger, Limiter } from "./limits/limiter.ts";

/** What came of it. */
export interface Changed {
  refusal: Refusal | null;
  /** Whether it asked a number without an account, which has not been asked by me before. */
  invites: boolean;
}

type Outcome = Changed | AppError;

/** Somebody else made a user or a pair after this transaction had found none. */
class Overtaken extends Error {}

const BATCH_MAX = 64;
const BATCHES_MAX = 2;
const ATTEMPTS_MAX = 5;

export type ContactChanges = ReturnType<typeof createContactChanges>;

export function createContactChanges(
  { database, bus, limiter, now, inviteMode }: {
    database: Database;
    bus: Bus;
    limiter: Limiter;
    now: () => Date;
    inviteMode: "server" | "device" | "off";
  },
) {
  const commits = createGroupCommit<Wish, Outcome>({
    run,
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
  });
  /** Of each pair what is on its way: no batch has two of the same. */
  const underWay = new Map<string, Promise<unknown>>();

  /** @throws AppError user_not_found, rate_limited */
  async function change(wish: Wish): Promise<Changed> {
    const key = [wish.me.phone_number, wish.phone].sort().join(" ");
    for (let first = underWay.get(key); first; first = underWay.get(key)) await first.catch(rethrowOutage);
    const committed = commits.add(wish);
    underWay.set(key, committed);
    const end = () => void underWay.delete(key);
    committed.then(end, end);
    const outcome = await committed;
    if (outcome instanceof AppError) throw outcome;
    return outcome;
  }

  async function run(wishes: Wish[]): Promise<Outcome[]> {
    for (let attempt = 1;; attempt += 1) {
      try {
        const { outcomes } = await database.begin(
          (sql) => changeAll(sql, wishes),
          ({ events }) => bus.deliver(events),
        );
        return outcomes;
      } catch (error) {
        if (!(error instanceof Overtaken) || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async function changeAll(sql: Sql, wishes: Wish[]): Promise<{ outcomes: Outcome[]; events: Event[] }> {
    const at = now();
    // A connection runs statements in the order in which they are given: the answer to one need not be waited for.
    const [cases, ledger] = await Promise.all([
      open(sql, wishes),
      limiter.hold(sql, { shared: wishes.flatMap(revealOf), own: wishes.flatMap(countOf) }, at),
    ]);
    const outcomes = cases.map((one) => judge(one, ledger));
    const done = cases.filter((_, place) => !(outcomes[place] instanceof AppError));

    const made = await makeUsers(sql, done, at);
    const found = done.map((one) => ({ ...one, peer: one.peer ?? made.get(one.wish.phone) ?? null }));
    const writing = writingOf(found);
    const [isWritten, , named] = await Promise.all([
      writing.pairs.length === 0 || writeChanges(sql, { ...writing, now: at }),
      ledger.write(),
      nameContacts(sql, writing.namings),
      bus.announce(sql, writing.events),
    ]);
    if (!isWritten) throw new Overtaken();
    const namers = found.filter(({ wish, peer }) =>
      named.some(({ owner_id, peer_id }) => owner_id === wish.me.user_id && peer_id === peer?.id)
    );
    const namings = namers.map(({ wish }) => mineUpdated(wish.me));
    await bus.announce(sql, namings);
    return { outcomes, events: [...writing.events, ...namings] };
  }

  /** Finds whom the wishes are about, and locks their pairs. */
  async function open(sql: Sql, wishes: Wish[]): Promise<Case[]> {
    const [known, rows] = await Promise.all([
      findUsers(sql, wishes.map(({ phone }) => phone)),
      lockPairs(sql, wishes.map(({ me, phone }) => ({ user_id: me.user_id, phone }))),
    ]);
    // Against a signup's completion, so that each of the two knows whether the other came first.
    const invited = known.filter(({ status }) => status === "invited").map((user) => user.phone_number);
    const held = invited.length === 0 ? [] : await holdUsers(sql, invited);
    const users = new Map([...known, ...held].map((user) => [user.phone_number, user]));

    const pairs = new Map(rows.map((row) => [`${row.low_id} ${row.high_id}`, row]));
    return wishes.map((wish) => {
      const peer = users.get(wish.phone) ?? null;
      const key = peer && keyOf(wish.me.user_id, peer.id);
      const row = key && pairs.get(`${key.low_id} ${key.high_id}`) || null;
      const before = row ? sideOf(row, wish.me.user_id) : UNKNOWN;
      const { intent, refusal } = wish.action === "rename" ? rename(before) : decide(wish.action, before);
      return { wish, peer, row, before, after: withIntent(before, intent), refusal };
    });
  }

  /** What a limit or the lack of an account refuses, it refuses whole; everything else is taken from the ledger. */
  function judge(one: Case, ledger: Ledger): Outcome {
    const [reveals, counts] = [revealing(one), counted(one)];
    // Before anything is known of the number, and alike whatever there is to know.
    const wait = ledger.wait(reveals) ?? (isUnknown(one) ? null : ledger.wait(counts));
    if (wait !== null) return new AppError("rate_limited", { retryAfter: wait });
    if (isUnknown(one)) {
      ledger.take(reveals);
      return new AppError("user_not_found");
    }
    const { before, after, peer, refusal } = one;
    const isNew = after.mine !== before.mine && statusOf(after) === "requesting";
    const invites = isNew && peer?.status !== "active" && peer?.status !== "suspended";
    ledger.take(invites ? [...revealOf(one.wish), ...counts] : counts);
    return { refusal, invites };
  }

  /** A request that nobody can be asked. */
  function isUnknown({ wish, peer }: Case): boolean {
    return wish.action === "request" && inviteMode === "off" && (!peer || peer.status === "invited");
  }

  /** Users for those numbers that nobody has. */
  async function makeUsers(sql: Sql, cases: Case[], at: Date): Promise<Map<string, User>> {
    const phones = new Set(
      cases.filter((one) => one.peer === null && one.after.mine !== one.before.mine)
        .map(({ wish }) => wish.phone),
    );
    if (phones.size === 0) return new Map();
    const made = await inviteUsers(sql, [...phones], at);
    if (made.length !== phones.size) throw new Overtaken();
    return new Map(made.map((user) => [user.phone_number, user]));
  }

  return { change };
}

/** What a request counts for where it tells whether a number has an account. */
function revealOf({ action, address = "" }: Wish): Ask[] {
  return action === "request" ? [{ limit: "reveal_address", of: address }] : [];
}

/** What a request counts for where it changes something. */
function countOf({ action, me, phone }: Wish): Ask[] {
  if (action !== "request") return [];
  return [
    { limit: "requests_pair", of: `${me.user_id} ${phone}` },
    { limit: "requests_user", of: String(me.user_id) },
  ];
}

/** Whom my list shows I need not be told about. */
function revealing({ wish, before }: Case): Ask[] {
  return statusOf(before) === null ? revealOf(wish) : [];
}

/**
 * Asking and taking back is no way to ring somebody's bell all day. Whoever accepts answers, and is held to the pair alone.
 */
function counted({ wish, before, after }: Case): Ask[] {
  if (after.mine === before.mine) return [];
  const isAnswer = statusOf(after) === "accepted";
  return countOf(wish).filter(({ limit }) => !(isAnswer && limit === "requests_user"));
}

/** Names are for those whom my list shows. */
function rename(before: Pair): Decision {
  return { intent: before.mine, refusal: statusOf(before) === null ? "contact_not_found" : null };
}

/** Whoever waits for somebody finds the same outage, and need not wait for it once more. */
function rethrowOutage(error: unknown): void {
  if (error instanceof DatabaseUnavailable) throw error;
}

/** Two people who never had to do with each other. */
const UNKNOWN: Pair = { mine: "none", theirs: "none", ever_accepted: false };

/** The pair as this one of the two sees it. */
function sideOf({ low_id, low_intent, high_intent, ever_accepted }: PairState, meId: number): Pair {
  return low_id === meId
    ? { mine: low_intent, theirs: high_intent, ever_accepted }
    : { mine: high_intent, theirs: low_intent, ever_accepted };
}
