// The limits that guard money and guessing. All processes share them in the database, they survive restarts, and while
// the database is away nothing is allowed.

import {
  type BucketUse,
  giveBackUses,
  readLevels,
  type Taken,
  takeUses,
  type Use,
} from "../../db/buckets.ts";
import type { Database, Sql } from "../../db/database.ts";
import { DatabaseUnavailable } from "../../db/door.ts";
import { AppError } from "../errors.ts";
import { describeError, log } from "../log.ts";
import { createTurns, type EndTurn } from "../turns.ts";
import { measure, US_PER_SECOND, waitUs } from "./bucket.ts";
import type { LimitKeys } from "./keys.ts";
import { formatRate, type Limits, type SharedName } from "./table.ts";

/** What is to be counted: of which limit, and for whom. */
export interface Ask {
  limit: SharedName;
  of: string;
}

export interface Verdict {
  /** Whole seconds after which all of it is to be had; null where it was taken. */
  retryAfter: number | null;
  /** The largest part of a bucket that is used now, for each limit. */
  used: Partial<Record<SharedName, number>>;
}

/** What many who ask at once may take and have taken, before any of it is written. */
export interface Ledger {
  /** One use of each bucket that may be asked for. */
  uses: Use[];
  /** Takes in what they lack, in microseconds of refilling; those that are left out are full. */
  learn(levels: Map<string, number>): void;
  /** Whole seconds after which all of it is to be had; null where it is now. */
  wait(asks: Ask[]): number | null;
  /** Takes one of each, which `wait` has found there. */
  take(asks: Ask[]): void;
  /** What was taken, in the order of the keys. It holds if there is as much of it when it is written. */
  taken(): BucketUse[];
}

/** One use that is taken. What is called first settles it; what is called later does nothing. */
export interface Paid {
  keep(): void;
  /** As part of a transaction, where one is given. */
  giveBack(within?: Sql): Promise<void>;
  /** Gives it back after this; an outage fails at once all who wait for a turn, and nobody waits until it is given back. */
  giveBackAfter(error: unknown): Promise<void>;
}

export type Limiter = ReturnType<typeof createLimiter>;

/** So few may have taken what they will perhaps give back: a crowd behind one address waits, and is not refused for nothing. */
const UNSETTLED_MAX = 5;

export function createLimiter(
  { database, limits, keys, now }: {
    database: Database;
    limits: Limits;
    keys: LimitKeys;
    now: () => Date;
  },
) {
  const turns = createTurns(UNSETTLED_MAX);

  /** A bucket of another rate is another bucket. */
  function usesOfOne({ limit, of }: Ask): (Use & { limit: SharedName })[] {
    const rates = limits[limit];
    if (!rates) return [];
    const name = keys(`${limit} ${of}`);
    return rates.map((rate) => ({ limit, key: `${limit} ${formatRate(rate)} ${name}`, ...measure(rate) }));
  }

  /** In the order of their keys, and each once. */
  function usesOf(asks: Ask[]): (Use & { limit: SharedName })[] {
    const uses = asks.flatMap(usesOfOne);
    const once = new Map(uses.map((use) => [use.key, use]));
    return [...once.values()].sort((one, other) => one.key < other.key ? -1 : 1);
  }

  /** Takes one of everything or nothing, as part of a transaction; the rows stay locked until it ends. */
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

  /** For asks of which some will be taken, all at one moment. */
  function openLedger(asks: Ask[]): Ledger {
    const known = new Map<string, Use[]>();
    for (const ask of asks) {
      const name = keyOf(ask);
      if (!known.has(name)) known.set(name, usesOf([ask]));
    }
    const usesIn = (asks: Ask[]) => asks.flatMap((ask) => known.get(keyOf(ask))!);
    const owed = new Map<string, number>();
    const taken = new Map<string, BucketUse>();
    return {
      uses: [...known.values()].flat(),
      learn(levels) {
        for (const [key, owedUs] of levels) owed.set(key, owedUs);
      },
      wait(asks) {
        const waits = usesIn(asks).map((use) => waitUs(owed.get(use.key) ?? 0, use));
        const wait = Math.max(0, ...waits);
        return wait === 0 ? null : Math.ceil(wait / US_PER_SECOND);
      },
      take(asks) {
        for (const { key, stepUs, capacityUs } of usesIn(asks)) {
          owed.set(key, (owed.get(key) ?? 0) + stepUs);
          const costUs = (taken.get(key)?.cost_us ?? 0) + stepUs;
          taken.set(key, { key, step_us: stepUs, cost_us: costUs, capacity_us: capacityUs });
        }
      },
      taken: () => [...taken.values()].sort((one, other) => one.key < other.key ? -1 : 1),
    };
  }

  /** Works when few enough of this limit are under way for the same. */
  function inTurn<T>(ask: Ask, work: () => Promise<T>): Promise<T> {
    return limits[ask.limit] ? turns.run(work, keyOf(ask)) : work();
  }

  /** Whole seconds after which there is one; null where there is one now. Takes nothing. */
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
   * Takes one before it is known whether what follows is what the limit counts, so that an empty bucket looks the same
   * either way. Whoever then knows keeps it or gives it back.
   * @throws AppError rate_limited
   */
  async function pay(ask: Ask): Promise<Paid> {
    const end: EndTurn = limits[ask.limit] ? await turns.take(keyOf(ask)) : () => {};
    let settled = false;
    try {
      const { retryAfter } = await database.run((sql) => take(sql, [ask], now()));
      if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
    } catch (error) {
      end(error);
      throw error;
    }
    const giveBackOnce = async (within?: Sql) => {
      if (settled) return;
      settled = true;
      if (within) return await giveBack(within, [ask]).finally(() => end());
      await database.run((sql) => giveBack(sql, [ask]))
        .catch((error) => log.warn("Limit not given back", describeError(error)))
        .finally(() => end());
    };
    return {
      keep() {
        settled = true;
        end();
      },
      giveBack: giveBackOnce,
      async giveBackAfter(error) {
        if (!(error instanceof DatabaseUnavailable)) return await giveBackOnce();
        end(error);
        giveBackOnce();
      },
    };
  }

  return { take, giveBack, openLedger, inTurn, wait, pay };
}

function keyOf({ limit, of }: Ask): string {
  return `${limit} ${of}`;
}

function usedOf(uses: (Use & { limit: SharedName })[], { owed }: Taken): Verdict["used"] {
  const used: Verdict["used"] = {};
  uses.forEach(({ limit, capacityUs }, place) => {
    used[limit] = Math.max(used[limit] ?? 0, owed[place]! / capacityUs);
  });
  return used;
}
