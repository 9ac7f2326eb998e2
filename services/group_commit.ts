// Group commit: jobs that arrive while a batch is running wait for the next batch. A busy service then pays
// for one statement, one commit and one NOTIFY per batch; on an idle service a job starts without delay.

import { setImmediate } from "node:timers";
import { affectsEveryCall, DatabaseLockTimeout, DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createRetryQueue, type LockKey } from "./retry_queue.ts";

export interface GroupCommit<Job, Outcome> {
  /** Resolves with the job's own outcome once its batch is committed. */
  add(job: Job): Promise<Outcome>;
}

export interface Locks<Job> {
  /** The lock that a job takes. */
  of: (job: Job) => LockKey;
  /** The locks of these jobs that are held by somebody else right now. */
  held: (jobs: Job[]) => Promise<Set<LockKey>>;
}

interface Waiting<Job, Outcome> {
  job: Job;
  since: number;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

type OnHeldUp<Job, Outcome> = (
  batch: Waiting<Job, Outcome>[],
  error: DatabaseLockTimeout,
) => void | Promise<void>;

const SHARE_MIN = 0.5;
const PATIENCE_MS = 20;

/**
 * `run` commits a batch and returns one outcome per job, in the same order. If it throws, nothing of the
 * batch was committed. A batch that threw is run again one job at a time, so that one job never fails its
 * neighbours. An outage is the exception, because it leaves open whether the batch was committed: it fails
 * the batch and all waiting jobs, and nothing is retried.
 *
 * If a batch times out on somebody else's lock, the jobs whose locks are free are run again together. The
 * others go to the retry queue, which runs them beside the batches, grouped by lock. New jobs for the same
 * lock join them there until one succeeds. So a stuck pair delays other jobs by about one timeout.
 */
export function createGroupCommit<Job, Outcome>(
  { run, jobsMax, batchesMax, locks, shareMin = SHARE_MIN, patienceMs = PATIENCE_MS }: {
    /** An outcome that is not ready at the commit may be a promise; it does not hold up the other jobs. */
    run: (jobs: Job[]) => Promise<(Outcome | Promise<Outcome>)[]>;
    jobsMax: number;
    batchesMax: number;
    /** Left out if jobs take no locks. */
    locks?: Locks<Job>;
    /**
     * A second batch starts beside a running one only if the waiting jobs are at least this share of the
     * running ones: a batch of one costs nearly as much as a batch of fifty.
     */
    shareMin?: number;
    /**
     * Jobs that have waited this long start regardless of that share: a batch that is stuck behind a lock
     * must not hold up all the others.
     */
    patienceMs?: number;
  },
): GroupCommit<Job, Outcome> {
  let waiting: Waiting<Job, Outcome>[] = [];
  let batches = 0;
  let jobsUnderWay = 0;
  let isSoon = false;
  let patience: ReturnType<typeof setTimeout> | null = null;

  /** Starts at the end of this turn of the event loop, so that jobs which arrive together share a batch. */
  function beginSoon(): void {
    if (isSoon || batches === batchesMax) return;
    isSoon = true;
    setImmediate(() => {
      isSoon = false;
      next();
    });
  }

  function next(): void {
    while (batches < batchesMax && waiting.length > 0) {
      const leftMs = patienceMs - (performance.now() - waiting[0]!.since);
      const isWorthwhile = leftMs <= 0 || waiting.length >= jobsUnderWay * shareMin;
      if (!isWorthwhile) return void (patience ??= setTimeout(lookAgain, leftMs));
      begin();
    }
  }

  function lookAgain(): void {
    patience = null;
    next();
  }

  function begin(): void {
    const batch = waiting.slice(0, jobsMax);
    waiting = waiting.slice(jobsMax);
    batches += 1;
    jobsUnderWay += batch.length;
    settle(batch, sortOut).finally(() => {
      batches -= 1;
      jobsUnderWay -= batch.length;
      next();
    });
  }

  const retries = locks && createRetryQueue<Waiting<Job, Outcome>>({
    lockOf: ({ job }) => locks.of(job),
    async settle(jobs) {
      let gotThrough = true;
      await settle(jobs, (held, error) => {
        gotThrough = false;
        fail(held, error);
      });
      return gotThrough;
    },
    giveUp: (jobs) => fail(jobs, new DatabaseLockTimeout("Too much waits for locks")),
  });

  /**
   * Runs the jobs with free locks again and queues the others for retry. If the free ones cannot be
   * determined, all of them are queued.
   */
  async function sortOut(batch: Waiting<Job, Outcome>[], error: DatabaseLockTimeout): Promise<void> {
    if (!locks || batch.length === 1) return retryLater(batch, error);
    let held: Set<LockKey>;
    try {
      held = await locks.held(batch.map(({ job }) => job));
    } catch (why) {
      return affectsEveryCall(why) ? fail(batch, why) : retryLater(batch, error);
    }
    const isFree = ({ job }: Waiting<Job, Outcome>) => !held.has(locks.of(job));
    retryLater(batch.filter((one) => !isFree(one)), error);
    const free = batch.filter(isFree);
    if (free.length > 0) await settle(free, retryLater);
  }

  function retryLater(batch: Waiting<Job, Outcome>[], error: DatabaseLockTimeout): void {
    if (retries) batch.forEach(retries.add);
    else fail(batch, error);
  }

  /** Resolves with the outage if there was one, else with null. */
  async function settle(
    batch: Waiting<Job, Outcome>[],
    onHeldUp: OnHeldUp<Job, Outcome>,
  ): Promise<DatabaseUnavailable | null> {
    try {
      const outcomes = await run(batch.map(({ job }) => job));
      batch.forEach(({ resolve }, index) => resolve(outcomes[index] as Outcome));
      return null;
    } catch (error) {
      if (error instanceof DatabaseLockTimeout) {
        await onHeldUp(batch, error);
        return null;
      }
      if (error instanceof DatabaseUnavailable) {
        fail([...batch, ...waiting.splice(0)], error);
        return error;
      }
      if (batch.length > 1) return await settleSingly(batch, onHeldUp);
      fail(batch, error);
      return null;
    }
  }

  async function settleSingly(
    batch: Waiting<Job, Outcome>[],
    onHeldUp: OnHeldUp<Job, Outcome>,
  ): Promise<DatabaseUnavailable | null> {
    for (const [index, alone] of batch.entries()) {
      const outage = await settle([alone], onHeldUp);
      if (!outage) continue;
      fail(batch.slice(index + 1), outage);
      return outage;
    }
    return null;
  }

  function fail(jobs: Waiting<Job, Outcome>[], error: unknown): void {
    jobs.forEach(({ reject }) => reject(error));
  }

  return {
    add: (job) =>
      new Promise((resolve, reject) => {
        const one = { job, since: performance.now(), resolve, reject };
        if (retries?.takes(one)) return retries.add(one);
        waiting.push(one);
        beginSoon();
      }),
  };
}
