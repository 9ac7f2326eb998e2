// A semaphore per key: a limited number of jobs of a key run at a time, the others wait in FIFO order.

import {
  affectsEveryCall,
  DatabaseLockTimeout,
  type DatabaseUnavailable,
} from "../db/connection/unavailable.ts";

/** How long a job may wait behind others that time out on a database lock. */
const PATIENCE_MS = 2_000;

/**
 * Releases the semaphore; further calls do nothing. `error` is what the job failed with. An outage also fails
 * all waiting jobs, because they would meet it too. A lock timeout (DatabaseLockTimeout) fails those that
 * have already waited for `patienceMs`.
 */
export type Release = (error?: unknown) => void;

export interface Semaphore {
  /**
   * Rejects if a job ahead of this one failed with an outage, or with a lock timeout as described at
   * `Release`.
   */
  acquire(key: string): Promise<Release>;
  /** Runs `work` while holding the semaphore. */
  run<T>(work: () => Promise<T>, key?: string): Promise<T>;
}

/** The running and waiting jobs of one key. */
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
      // The slot is handed to the next waiting job directly, so that no newcomer overtakes it.
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
