// Jobs set aside by a group commit (`group_commit.ts`), because their statement waited too long for somebody else's lock. They are
// run again beside the batches, so that one stuck pair holds up nobody else: all jobs for one lock together, and for each lock one
// statement at a time.

import { createSemaphore } from "./semaphore.ts";

/** Names what a job locks: a pair of people, by the id of its row or by their numbers. */
export type LockKey = string | number;

/** How many statements may wait for locks at a time: each takes a connection. */
const AT_ONCE_MAX = 2;
/** A job that has not had its turn by then is given up untried. */
const PATIENCE_MS = 2_000;

export interface RetryQueue<Job> {
  /** Whether this job belongs here too: one for the same lock was held up, and none got through since. */
  takes(job: Job): boolean;
  add(job: Job): void;
}

export function createRetryQueue<Job>(
  { lockOf, settle, giveUp, patienceMs = PATIENCE_MS }: {
    lockOf: (job: Job) => LockKey;
    /** Runs jobs for one lock, and tells whether they got through; never rejects. */
    settle: (jobs: Job[]) => Promise<boolean>;
    /** Called instead of `settle` for jobs whose turn did not come within `patienceMs`. */
    giveUp: (jobs: Job[]) => void;
    patienceMs?: number;
  },
): RetryQueue<Job> {
  const semaphore = createSemaphore(AT_ONCE_MAX);
  const held = new Set<LockKey>();
  /** What has not begun. */
  const waiting = new Map<LockKey, { jobs: Job[]; since: number }>();

  async function next(lock: LockKey): Promise<void> {
    const { jobs, since } = waiting.get(lock)!;
    waiting.delete(lock);
    if (performance.now() - since > patienceMs) giveUp(jobs);
    else if (await settle(jobs)) held.delete(lock);
  }

  return {
    // Mostly nothing is held, and no lock is named.
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
