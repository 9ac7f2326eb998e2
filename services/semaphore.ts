// A queue for each key: a few jobs of a key run at a time, the others wait in the order in which they came.

import {
  affectsEveryCall,
  DatabaseLockTimeout,
  type DatabaseUnavailable,
} from "../db/connection/unavailable.ts";

/** How long somebody waits behind jobs that a database lock holds up. */
const PATIENCE_MS = 2_000;

/**
 * Ends a turn; may be called twice. `error` is what the work failed with: an outage also fails all who wait, because they would
 * meet it again, and a lock that held the work up (DatabaseLockTimeout) fails those who have waited for `patienceMs` already.
 */
export type Release = (error?: unknown) => void;

export interface Semaphore {
  /** Rejects with an outage that somebody in front found. */
  acquire(key: string): Promise<Release>;
  /** Does work in a turn. */
  run<T>(work: () => Promise<T>, key?: string): Promise<T>;
}

/** Of one key. */
interface Queue {
  working: number;
  waiting: { since: number; start: () => void; fail: (why: DatabaseUnavailable) => void }[];
}

export function createSemaphore(atOnceMax: number, patienceMs = PATIENCE_MS): Semaphore {
  const queues = new Map<string, Queue>();

  async function acquire(key: string): Promise<Release> {
    const queue = queues.get(key) ?? { working: 0, waiting: [] };
    queues.set(key, queue);
    if (queue.working < atOnceMax) {
      queue.working += 1;
    } else {
      const since = performance.now();
      await new Promise<void>((start, fail) => queue.waiting.push({ since, start, fail }));
    }
    let hasEnded = false;
    return (error) => {
      if (hasEnded) return;
      hasEnded = true;
      if (affectsEveryCall(error)) queue.waiting.splice(0).forEach(({ fail }) => fail(error));
      if (error instanceof DatabaseLockTimeout) {
        const tooEarly = performance.now() - patienceMs;
        while (queue.waiting[0] && queue.waiting[0].since < tooEarly) queue.waiting.shift()!.fail(error);
      }
      // A turn goes from hand to hand, so that nobody new gets in between.
      const next = queue.waiting.shift();
      if (next) return next.start();
      queue.working -= 1;
      if (queue.working === 0) queues.delete(key);
    };
  }

  async function run<T>(work: () => Promise<T>, key = ""): Promise<T> {
    const release = await acquire(key);
    try {
      const result = await work();
      release();
      return result;
    } catch (error) {
      release(error);
      throw error;
    }
  }

  return { acquire, run };
}
