import { LRUCache } from "lru-cache";
import { measure, owedUs, type Rate, US_PER_SECOND, waitUs } from "./bucket.ts";

/**
 * Token buckets in the memory of this process, for limits that must be fast and guard neither money nor
 * guessing.
 */
export interface MemoryLimiter {
  /**
   * Takes one use and returns null; or takes nothing and returns the whole seconds until one is available.
   */
  take(key: string): number | null;
  giveBack(key: string): void;
}

/** Least recently used buckets are dropped first: most likely they are full again. */
const KEYS_MAX = 100_000;
/** Full buckets are dropped every this many uses. */
const FORGET_EVERY = 10_000;
const US_PER_MS = 1_000;

/**
 * @param rates all of them have to allow a use; null allows everything
 * @param elapsedMs a monotonic clock: after a jump, a clock that can be set would refuse for as long as it
 * jumped
 */
export function createMemoryLimiter(
  { rates, elapsedMs, keysMax = KEYS_MAX }: {
    rates: readonly Rate[] | null;
    elapsedMs: () => number;
    keysMax?: number;
  },
): MemoryLimiter & { size(): number } {
  const measures = (rates ?? []).map(measure);
  // `maxSize` and not `max`: with `max` the cache would allocate room for all entries in advance.
  const fullAt = new LRUCache<string, number[]>({ maxSize: keysMax, sizeCalculation: () => 1 });
  let takes = 0;

  function forgetFull(atUs: number): void {
    takes += 1;
    if (takes % FORGET_EVERY !== 0) return;
    for (const [key, ends] of fullAt) if (ends.every((end) => end <= atUs)) fullAt.delete(key);
  }

  return {
    take(key) {
      if (measures.length === 0) return null;
      const atUs = Math.floor(elapsedMs() * US_PER_MS);
      forgetFull(atUs);
      const ends = fullAt.get(key);
      let wait = 0;
      for (let index = 0; index < measures.length; index++) {
        wait = Math.max(wait, waitUs(owedUs(ends?.[index] ?? atUs, atUs), measures[index]!));
      }
      if (wait > 0) return Math.ceil(wait / US_PER_SECOND);
      if (ends === undefined) fullAt.set(key, measures.map(({ stepUs }) => atUs + stepUs));
      else measures.forEach(({ stepUs }, index) => ends[index] = Math.max(ends[index]!, atUs) + stepUs);
      return null;
    },
    giveBack(key) {
      const ends = fullAt.peek(key);
      if (ends) measures.forEach(({ stepUs }, index) => ends[index]! -= stepUs);
    },
    size: () => fullAt.size,
  };
}
