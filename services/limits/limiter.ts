// The limits that guard money and guessing. All processes share them in the database, they survive restarts, and while
// the database is away nothing is allowed.

import {
  dropBuckets,
  fillBuckets,
  giveBackUses,
  holdBuckets,
  type Taken,
  takeUses,
  type Use,
} from "../../db/buckets.ts";
import type { Database, Sql } from "../../db/database.ts";
import { AppError } from "../errors.ts";
import { describeError, log } from "../log.ts";
import { measure, owedUs, waitUs } from "./bucket.ts";
import type { LimitKeys } from "./keys.ts";
import { formatRate, type Limits, type SharedName } from "./table.ts";
import { createTurns } from "./turns.ts";

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

/** The buckets of many who ask at once, held by their transaction; nobody else takes from them until it ends. */
export interface Ledger {
  /** Whole seconds after which all of it is to be had; null where it is now. */
  wait(asks: Ask[]): number | null;
  /** Takes one of each, which `wait` has found there. */
  take(asks: Ask[]): void;
  /** Writes what was taken. */
  write(): Promise<void>;
}

/** One use that is taken. What is called first settles it; what is called later does nothing. */
export interface Paid {
  keep(): void;
  /** As part of a transaction, where one is given. */
  giveBack(within?: Sql): Promise<void>;
}

export type Limiter = ReturnType<typeof createLimiter>;

const US = 1_000_000;
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

  /** In the order of their keys, and each once. A bucket of another rate is another bucket. */
  function usesOf(asks: Ask[]): (Use & { limit: SharedName })[] {
    const uses = asks.flatMap(({ limit, of }) =>
      (limits[limit] ?? []).map((rate) => ({
        limit,
        key: `${limit} ${formatRate(rate)} ${keys(`${limit} ${of}`)}`,
        ...measure(rate),
      }))
    );
    const once = new Map(uses.map((use) => [use.key, use]));
    return [...once.values()].sort((one, other) => one.key < other.key ? -1 : 1);
  }

  /** Takes one of everything or nothing, as part of a transaction; the rows stay locked until it ends. */
  async function take(sql: Sql, asks: Ask[], at: Date): Promise<Verdict> {
    const uses = usesOf(asks);
    if (uses.length === 0) return { retryAfter: null, used: {} };
    const taken = await takeUses(sql, uses, at);
    return { retryAfter: taken.wait === 0 ? null : Math.ceil(taken.wait / US), used: usedOf(uses, taken) };
  }

  async function giveBack(sql: Sql, asks: Ask[]): Promise<void> {
    const uses = usesOf(asks);
    if (uses.length > 0) await giveBackUses(sql, uses);
  }

  /**
   * Opens the buckets of all that may be asked for, as part of a transaction. A bucket of `own` asks that is full in the end
   * leaves no row; one that is shared is needed again in a moment.
   */
  async function hold(sql: Sql, { shared, own }: { shared: Ask[]; own: Ask[] }, at: Date): Promise<Ledger> {
    const asks = [...shared, ...own];
    const atUs = at.getTime() * 1_000;
    const known = new Map(asks.map((ask) => [`${ask.limit} ${ask.of}`, usesOf([ask])]));
    const usesAgain = (asks: Ask[]) => asks.flatMap(({ limit, of }) => known.get(`${limit} ${of}`)!);
    const keys = [...new Set([...known.values()].flat().map(({ key }) => key))].sort();
    const held = keys.length === 0 ? [] : await holdBuckets(sql, keys, at);
    const owed = new Map([...held].map(([key, fullAtUs]) => [key, owedUs(fullAtUs, atUs)]));
    const touched = new Set<string>();
    return {
      wait(asks) {
        const waits = usesAgain(asks).map((use) => waitUs(owed.get(use.key)!, use));
        const wait = Math.max(0, ...waits);
        return wait === 0 ? null : Math.ceil(wait / US);
      },
      take(asks) {
        for (const { key, stepUs } of usesAgain(asks)) {
          owed.set(key, owed.get(key)! + stepUs);
          touched.add(key);
        }
      },
      async write() {
        const full = usesAgain(own).map(({ key }) => key).filter((key) => owed.get(key) === 0);
        const taken = [...touched].map((key) => ({ key, fullAtUs: atUs + owed.get(key)! }));
        await Promise.all([fillBuckets(sql, taken), dropBuckets(sql, full)]);
      },
    };
  }

  /** Waits until few enough of this limit are under way for the same; the result ends the turn, and may be called twice. */
  function turn({ limit, of }: Ask): Promise<() => void> {
    return limits[limit] ? turns.take(`${limit} ${of}`) : Promise.resolve(() => {});
  }

  /**
   * Takes one before it is known whether what follows is what the limit counts, so that an empty bucket looks the same
   * either way. Whoever then knows keeps it or gives it back.
   * @throws AppError rate_limited
   */
  async function pay(ask: Ask): Promise<Paid> {
    const end = await turn(ask);
    let settled = false;
    try {
      const { retryAfter } = await database.run((sql) => take(sql, [ask], now()));
      if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
    } catch (error) {
      end();
      throw error;
    }
    return {
      keep() {
        settled = true;
        end();
      },
      async giveBack(within) {
        if (settled) return;
        settled = true;
        await (within ? giveBack(within, [ask]) : database.run((sql) => giveBack(sql, [ask])))
          .catch((error) => {
            if (within) throw error;
            log.warn("Limit not given back", describeError(error));
          })
          .finally(end);
      },
    };
  }

  return { take, giveBack, hold, turn, pay };
}

function usedOf(uses: (Use & { limit: SharedName })[], { owed }: Taken): Verdict["used"] {
  const used: Verdict["used"] = {};
  uses.forEach(({ limit, capacityUs }, place) => {
    used[limit] = Math.max(used[limit] ?? 0, owed[place]! / capacityUs);
  });
  return used;
}
