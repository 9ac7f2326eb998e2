// Retries for jobs of a group commit (`group_commit.ts`) whose statement timed out on somebody else's lock.
// They run beside the batches, so that one stuck pair holds up nobody else. All jobs for the same lock run
// together, one statement at a time per lock.

import { createSemaphore } from "./semaphore.ts";

/** Identifies the lock that a job takes: a pair of people, by the id of its row or by their two numbers. */
export type LockKey = string | number;

/** Statements that may wait for locks at a time; each takes a connection. */
const AT_ONCE_MAX = 2;
/**
 * Jobs that have not started this long after the first of their lock joined the queue fail without being tried.
 */
const PATIENCE_MS = 2_000;

export interface RetryQueue<Job> {
  /**
   * Whether this job has to join the queue: an earlier one for the same lock timed out, and none has
   * succeeded since.
   */
  takes(job: Job): boolean;
  add(job: Job): void;
}

export function createRetryQueue<Job>(
  { lockOf, settle, giveUp, patienceMs = PATIENCE_MS }: {
    lockOf: (job: Job) => LockKey;
    /** Runs the jobs for one lock and returns whether they succeeded; never rejects. */
    settle: (jobs: Job[]) => Promise<boolean>;
    /** Called instead of `settle` for jobs that could not start within `patienceMs`. */
    giveUp: (jobs: Job[]) => void;
    patienceMs?: number;
  },
): RetryQueue<Job> {
  const semaphore = createSemaphore(AT_ONCE_MAX);
  const held = new Set<LockKey>();
  /** Jobs that have not started, by lock. */
  const waiting = new Map<LockKey, { jobs: Job[]; since: number }>();

  async function next(lock: LockKey): Promise<void> {
    const { jobs, since } = waiting.get(lock)!;
    waiting.delete(lock);
    if (performance.now() - since > patienceMs) giveUp(jobs);
    else if (await settle(jobs)) held.delete(lock);
  }

  return {
    // Usually no lock is held, and the check costs nothing.
    takes: (job) => held.size > 0 && held.has(lockOf(job)),
    add(job) {
      const lock = lockOf(job);
      held.add(lock);
      const others = waiting.get(lock);
      if (others) return void others.jobs.push(job);
      waiting.set(lock, { jobs: [job], since: performance.now() });
      semaphore.run(() => next(lock));
    },
  };
}
