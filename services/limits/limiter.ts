// The limits that guard money and guessing. They are kept in the database: all processes share them, they
// survive restarts, and while the database is away nothing is allowed.

import { giveBackUses, readLevels, type Taken, takeUses, type Use } from "../../db/buckets.ts";
import type { Database, Sql } from "../../db/connection/database.ts";
import { affectsEveryCall } from "../../db/connection/unavailable.ts";
import { AppError } from "../errors.ts";
import { describeError, log } from "../log.ts";
import { createSemaphore, type Release } from "../semaphore.ts";
import { type Ask, keyOf } from "./ask.ts";
import { measure, US_PER_SECOND } from "./bucket.ts";
import type { LimitKeys } from "./keys.ts";
import { createLedger } from "./ledger.ts";
import { formatRate, type Limits, type SharedName } from "./table.ts";

export interface Verdict {
  /** Whole seconds until all uses can be taken; null if they were taken. */
  retryAfter: number | null;
  /** The used share of each limit's most used bucket now, from 0 to 1. */
  used: Partial<Record<SharedName, number>>;
}

/** A use that was taken and may be given back. The first call decides; later ones do nothing. */
export interface Paid {
  keep(): void;
  /** Within this transaction, if one is given. */
  giveBack(within?: Sql): Promise<void>;
  /**
   * Gives it back because of this error. After an outage the caller does not wait for that, and all others
   * waiting for the semaphore fail at once.
   */
  giveBackAfter(error: unknown): Promise<void>;
}

export type Limiter = ReturnType<typeof createLimiter>;

/**
 * Uses of one key that may be undecided at a time. Others wait, instead of being refused because of uses that
 * will be given back.
 */
const UNSETTLED_MAX = 5;

export function createLimiter(
  { database, limits, keys, now }: {
    database: Database;
    limits: Limits;
    keys: LimitKeys;
    now: () => Date;
  },
) {
  const semaphore = createSemaphore(UNSETTLED_MAX);

  /**
   * One bucket per rate of the limit. The rate is part of the key, so that a changed limit starts with full
   * buckets.
   */
  function usesOfOne(ask: Ask): (Use & { limit: SharedName })[] {
    const { limit } = ask;
    const rates = limits[limit];
    if (!rates) return [];
    const name = keys(keyOf(ask));
    return rates.map((rate) => ({ limit, key: `${limit} ${formatRate(rate)} ${name}`, ...measure(rate) }));
  }

  /** Ordered by key, without duplicates. */
  function usesOf(asks: Ask[]): (Use & { limit: SharedName })[] {
    const uses = asks.flatMap(usesOfOne);
    const once = new Map(uses.map((use) => [use.key, use]));
    return [...once.values()].sort((one, other) => one.key < other.key ? -1 : 1);
  }

  /** Takes one use of each or none, within a transaction; the rows stay locked until it ends. */
  async function take(sql: Sql, asks: Ask[], at: Date): Promise<Verdict> {
    const uses = usesOf(asks);
    if (uses.length === 0) return { retryAfter: null, used: {} };
    const taken = await takeUses(sql, uses, at);
    return {
      retryAfter: taken.wait === 0 ? null : Math.ceil(taken.wait / US_PER_SECOND),
      used: usedOf(uses, taken),
    };
  }

  async function giveBack(sql: Sql, asks: Ask[]): Promise<void> {
    const uses = usesOf(asks);
    if (uses.length > 0) await giveBackUses(sql, uses);
  }

  /** A ledger for these asks: a batch decides later which of them it takes, all as of one moment. */
  const openLedger = (asks: Ask[]) => createLedger(asks, (ask) => usesOf([ask]));

  /** Runs `work` as soon as fewer than UNSETTLED_MAX jobs of the same key are running. */
  function inTurn<T>(ask: Ask, work: () => Promise<T>): Promise<T> {
    return limits[ask.limit] ? semaphore.run(work, keyOf(ask)) : work();
  }

  /** Whole seconds until a use is available; null if one is available now. Takes nothing. */
  async function wait(ask: Ask): Promise<number | null> {
    if (!limits[ask.limit]) return null;
    return await inTurn(ask, async () => {
      const ledger = openLedger([ask]);
      const at = now();
      ledger.learn(await database.run((sql) => readLevels(sql, ledger.uses, at)));
      return ledger.wait([ask]);
    });
  }

  /**
   * Takes a use before it is known whether the call is one that the limit counts, so that an empty bucket
   * refuses all calls alike. The caller then keeps the use or gives it back.
   * @throws AppError rate_limited
   */
  async function pay(ask: Ask): Promise<Paid> {
    const release: Release = limits[ask.limit] ? await semaphore.acquire(keyOf(ask)) : () => {};
    let settled = false;
    try {
      const { retryAfter } = await database.run((sql) => take(sql, [ask], now()));
      if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
    } catch (error) {
      release(error);
      throw error;
    }
    const giveBackOnce = async (within?: Sql) => {
      if (settled) return;
      settled = true;
      if (within) return await giveBack(within, [ask]).finally(() => release());
      await database.run((sql) => giveBack(sql, [ask]))
        .catch((error) => log.warn("Limit not refunded", describeError(error)))
        .finally(() => release());
    };
    return {
      keep() {
        settled = true;
        release();
      },
      giveBack: giveBackOnce,
      async giveBackAfter(error) {
        if (!affectsEveryCall(error)) return await giveBackOnce();
        release(error);
        giveBackOnce();
      },
    };
  }

  return { take, giveBack, openLedger, inTurn, wait, pay };
}

function usedOf(uses: (Use & { limit: SharedName })[], { owed }: Taken): Verdict["used"] {
  const used: Verdict["used"] = {};
  uses.forEach(({ limit, capacityUs }, index) => {
    used[limit] = Math.max(used[limit] ?? 0, owed[index]! / capacityUs);
  });
  return used;
}
