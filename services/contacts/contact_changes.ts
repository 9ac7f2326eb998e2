// Changes of contacts, in batches. A batch reads the current state without a lock, decides each case by
// itself, and writes all results by one statement. That statement succeeds only if the state is still the one
// that was read; otherwise the batch starts again. Other processes are notified within the transaction, this
// process after it.

import type { Database, Sql } from "../../db/connection/database.ts";
import { isOutage } from "../../db/connection/outages.ts";
import { DatabaseUnavailable } from "../../db/connection/unavailable.ts";
import { nameContacts, writeChanges } from "../../db/contact_changes.ts";
import { type ContactRow, listContacts } from "../../db/contacts.ts";
import { findHeld, findPairs } from "../../db/pairs.ts";
import { inviteUsers, listDeleted, type User } from "../../db/users.ts";
import type { InviteMode } from "../config.ts";
import { AppError } from "../errors.ts";
import type { Bus } from "../events/bus.ts";
import type { Event } from "../events/events.ts";
import { createGroupCommit } from "../group_commit.ts";
import type { Ledger } from "../limits/ledger.ts";
import type { Limiter } from "../limits/limiter.ts";
import { asksOf, type Case, caseOf, type Changed, judge, type Wish } from "./contact_cases.ts";
import { mineUpdated, type Writing, writingOf } from "./contact_writing.ts";

/** The state that a batch had read was changed by somebody else before the batch could write. */
class Overtaken extends Error {}

const BATCH_MAX = 64;
const BATCHES_MAX = 2;
/** A small batch costs as many round trips (two) and statements (three) as a large one. */
const SHARE_MIN = 1;
/** Attempts of a batch. Each failed one means that somebody else's change succeeded. */
const ATTEMPTS_MAX = 10;

/**
 * The outcome of a change, and the user's contact list right after it. The list is null if it has to be read
 * separately.
 */
export interface Done extends Changed {
  list: ContactRow[] | null;
}

/** Contact lists by the id of their owner. */
type Lists = Map<number, ContactRow[]>;

export type ContactChanges = ReturnType<typeof createContactChanges>;

export function createContactChanges(
  { database, bus, limiter, now, inviteMode }: {
    database: Database;
    bus: Bus;
    limiter: Limiter;
    now: () => Date;
    inviteMode: InviteMode;
  },
) {
  const commits = createGroupCommit<Wish, Done | AppError>({
    run,
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
    shareMin: SHARE_MIN,
    locks: { of: pairOf, held: findHeldPairs },
  });
  /** The change in progress for each pair: a batch never has two changes of the same pair. */
  const underWay = new Map<string, Promise<unknown>>();

  /**
   * Makes a change, after any other change of the same pair that is in progress.
   * @throws AppError user_not_found, rate_limited; unauthenticated if the user's account was deleted;
   * unavailable if others kept changing what the batch had read
   */
  async function change(wish: Wish): Promise<Done> {
    const key = pairOf(wish);
    for (let first = underWay.get(key); first; first = underWay.get(key)) await first.catch(rethrowOutage);
    const committed = commits.add(wish);
    underWay.set(key, committed);
    const end = () => void underWay.delete(key);
    committed.then(end, end);
    const outcome = await committed;
    if (outcome instanceof AppError) throw outcome;
    return outcome;
  }

  async function findHeldPairs(wishes: Wish[]): Promise<Set<string>> {
    const wanted = wishes.map(({ me, phone }) => ({ user_id: me.user_id, phone }));
    return await database.run(async (sql) => {
      const { found } = await findPairs(sql, wanted, { uses: [], at: now() });
      const held = await findHeld(sql, found.flatMap(({ pair }) => pair?.id ?? []));
      return new Set(
        found.flatMap(({ pair }, index) => pair && held.has(pair.id) ? pairOf(wishes[index]!) : []),
      );
    });
  }

  async function run(wishes: Wish[]): Promise<(Done | AppError)[]> {
    let gone = new Set<number>();
    const isGone = ({ me }: Wish) => gone.has(me.user_id);
    for (let attempt = 1;; attempt += 1) {
      try {
        const outcomes = await changeAll(wishes.filter((wish) => !isGone(wish)));
        return wishes.map((wish) => isGone(wish) ? new AppError("unauthenticated") : outcomes.shift()!);
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
        if (attempt === ATTEMPTS_MAX) throw new AppError("unavailable", { retryAfter: 1 });
      }
      // If the account of one of these users was deleted, their wishes can never be written, nor can a batch
      // that contains them.
      const askers = wishes.map(({ me }) => me.user_id);
      gone = new Set(await database.run((sql) => listDeleted(sql, askers)));
    }
  }

  async function changeAll(wishes: Wish[]): Promise<(Done | AppError)[]> {
    if (wishes.length === 0) return [];
    const at = now();
    const ledger = limiter.openLedger(wishes.flatMap(asksOf));
    const wanted = wishes.map(({ me, phone }) => ({ user_id: me.user_id, phone }));
    const { found, levels } = await database.run((sql) => findPairs(sql, wanted, { uses: ledger.uses, at }));
    ledger.learn(levels);
    const cases = wishes.map((wish, index) => caseOf(wish, found[index]!));
    const outcomes = cases.map((one) => judge(one, ledger, inviteMode));
    const done = cases.filter((_, index) => !(outcomes[index] instanceof AppError));

    const strangers = new Set(done.filter(isOfStranger).map(({ wish }) => wish.phone));
    const writing = writingOf(done);
    let lists: Lists | null = null;
    if (strangers.size > 0 || writing.namings.length > 0) {
      await writeInTransaction(done, [...strangers], ledger, at);
    } else if (writing.pairs.length > 0 || ledger.taken().length > 0) {
      lists = await writeInOneStatement(done, writing, ledger, at);
    }
    return outcomes.map((outcome, index) =>
      outcome instanceof AppError
        ? outcome
        : { ...outcome, list: lists?.get(wishes[index]!.me.user_id) ?? null }
    );
  }

  /**
   * The one statement is the whole transaction. The lists that it changes are read right behind it, on the
   * same connection.
   */
  async function writeInOneStatement(
    cases: Case[],
    writing: Writing,
    ledger: Ledger,
    at: Date,
  ): Promise<Lists> {
    const answered = cases.filter(({ refusal }) => refusal === null);
    const owners = [...new Set(answered.map(({ wish }) => wish.me.user_id))];
    return await database.run(async (sql) => {
      const [, lists] = await Promise.all([
        // Inside `run`, because a commit that succeeds after its callers gave up still has to be announced.
        write(sql, writing, ledger, at).then(() => bus.deliver(writing.events)),
        owners.length === 0 ? [] : listContacts(sql, owners).catch(toNoLists),
      ]);
      return new Map(lists.map((list, index) => [owners[index]!, list]));
    });
  }

  /**
   * Like `writeInOneStatement`, and first creates users for unknown numbers; then sets display names, whose
   * rows have to exist first.
   */
  async function writeInTransaction(
    cases: Case[],
    strangers: string[],
    ledger: Ledger,
    at: Date,
  ): Promise<void> {
    await database.begin(async (sql): Promise<Event[]> => {
      const made = await makeUsers(sql, strangers, at);
      const found = cases.map((one) => ({ ...one, peer: one.peer ?? made.get(one.wish.phone) ?? null }));
      const writing = writingOf(found);
      await write(sql, writing, ledger, at);
      const named = await nameContacts(sql, writing.namings);
      const namers = found.filter(({ wish, peer }) =>
        named.some(({ owner_id, peer_id }) => owner_id === wish.me.user_id && peer_id === peer?.id)
      );
      const namings = namers.map(({ wish }) => mineUpdated(wish.me));
      await bus.announce(sql, namings);
      return [...writing.events, ...namings];
    }, (events) => bus.deliver(events));
  }

  async function write(sql: Sql, { namings: _, events, ...changes }: Writing, ledger: Ledger, at: Date) {
    const all = { ...changes, uses: ledger.taken(), payloads: bus.payloadsOf(events) };
    if (!await writeChanges(sql, all, at)) throw new Overtaken();
  }

  return { change };
}

function pairOf({ me, phone }: Wish): string {
  return [me.phone_number, phone].sort().join(" ");
}

/** Whether the wish changes something for a number that is not a user yet. */
function isOfStranger({ peer, before, after }: Case): boolean {
  return peer === null && after.mine !== before.mine;
}

/**
 * The change is committed, so a failed read of the lists must not fail it: the caller reads the list again.
 * Only an outage is passed on, to the supervisor.
 */
function toNoLists(error: unknown): ContactRow[][] {
  if (isOutage(error)) throw error;
  return [];
}

/** Creates users for numbers that have none. */
async function makeUsers(sql: Sql, phones: string[], at: Date): Promise<Map<string, User>> {
  if (phones.length === 0) return new Map();
  const made = await inviteUsers(sql, phones, at);
  if (made.length !== phones.length) throw new Overtaken();
  return new Map(made.map((user) => [user.phone_number, user]));
}

/** A change that waited for another one fails with the same outage instead of running into it again. */
function rethrowOutage(error: unknown): void {
  if (error instanceof DatabaseUnavailable) throw error;
}
