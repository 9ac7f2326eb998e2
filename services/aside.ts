// What somebody else's lock holds up, beside the batches of everybody else: all that waits for one lock together, and of
// each lock one statement at a time.

import { createTurns } from "./turns.ts";

/** What a job waits for: a pair of people, by whatever names it. */
export type LockKey = string | number;

/** So many statements wait for locks at a time, because each takes a connection. */
const AT_ONCE_MAX = 2;
/** Where so much is held up that a turn takes longer, nothing is tried any more. */
const PATIENCE_MS = 2_000;

export interface Aside<Job> {
  /** Whether a job of this key was held up, and none got through since. */
  has(key: LockKey): boolean;
  add(key: LockKey, job: Job): void;
}

export function createAside<Job>(
  { settle, giveUp, patienceMs = PATIENCE_MS }: {
    /** Runs jobs of one key, and tells whether they got through; never rejects. */
    settle: (jobs: Job[]) => Promise<boolean>;
    /** Their turn did not come in time. */
    giveUp: (jobs: Job[]) => void;
    patienceMs?: number;
  },
): Aside<Job> {
  const turns = createTurns(AT_ONCE_MAX);
  const held = new Set<LockKey>();
  /** By key what has not begun. */
  const waiting = new Map<LockKey, { jobs: Job[]; since: number }>();

  async function next(key: LockKey): Promise<void> {
    const { jobs, since } = waiting.get(key)!;
    waiting.delete(key);
    if (performance.now() - since > patienceMs) giveUp(jobs);
    else if (await settle(jobs)) held.delete(key);
  }

  return {
    has: (key) => held.size > 0 && held.has(key),
    add(key, job) {
      held.add(key);
      const others = waiting.get(key);
      if (others) return void others.jobs.push(job);
      waiting.set(key, { jobs: [job], since: performance.now() });
      turns.run(() => next(key));
    },
  };
}
