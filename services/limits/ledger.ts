// The uses of limits that a batch takes: computed here as of one moment, and written by the same statement as
// the changes that they pay for.

import type { BucketUse, Use } from "../../db/buckets.ts";
import { type Ask, keyOf } from "./ask.ts";
import { US_PER_SECOND, waitUs } from "./bucket.ts";

/** The buckets of a batch: their levels, and the uses taken so far. Nothing is written yet. */
export interface Ledger {
  /** One use of each bucket that the batch may need; for reading their levels. */
  uses: Use[];
  /**
   * Sets the levels that were read: what each bucket lacks, in microseconds of refilling. A bucket that is
   * left out is full.
   */
  learn(levels: Map<string, number>): void;
  /** Whole seconds until one use of each can be taken; null if they can be taken now. */
  wait(asks: Ask[]): number | null;
  /** Takes one use of each. Call it only after `wait` returned null for them. */
  take(asks: Ask[]): void;
  /**
   * The uses taken, ordered by key. The statement that writes them checks that the buckets still have room.
   */
  taken(): BucketUse[];
}

/** @param usesOf returns the buckets of an ask, with the cost of one use */
export function createLedger(asks: Ask[], usesOf: (ask: Ask) => Use[]): Ledger {
  const known = new Map<string, Use[]>();
  for (const ask of asks) {
    const name = keyOf(ask);
    if (!known.has(name)) known.set(name, usesOf(ask));
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
