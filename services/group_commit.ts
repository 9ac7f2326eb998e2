// Many small writes as few large ones: what arrives while a batch is on its way waits for the next, so that a busy
// service pays for one statement, one commit and one NOTIFY where an idle one pays no delay at all.

import { setImmediate } from "node:timers";
import { affectsEveryCall, DatabaseLockTimeout, DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createRetryQueue, type LockKey } from "./retry_queue.ts";

export interface GroupCommit<Job, Outcome> {
  /** Resolves with the job's own outcome once its batch is committed. */
  add(job: Job): Promise<Outcome>;
}

export interface Locks<Job> {
  /** What a job locks. */
  of: (job: Job) => LockKey;
  /** Those of them that somebody holds at this moment. */
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
 * `run` commits a batch and answers with one outcome a job, in their order; or it throws, and then nothing of the
 * batch happened. A batch that threw is run again one by one, so that one job never fails its neighbours. Not so in an
 * outage, which leaves open what happened: it fails the batch and all that waits behind it, and nothing is tried again.
 *
 * Of a batch that somebody else's lock held up, the jobs whose locks are free are run again together. The others are, by what
 * they wait for, beside the batches, and so is what comes for the same until it gets through: stuck pairs hold up nobody
 * else for longer than that.
 */
export function createGroupCommit<Job, Outcome>(
  { run, jobsMax, batchesMax, locks, shareMin = SHARE_MIN, patienceMs = PATIENCE_MS }: {
    /** An outcome that takes longer than the commit is a promise; it holds up nobody else. */
    run: (jobs: Job[]) => Promise<(Outcome | Promise<Outcome>)[]>;
    jobsMax: number;
    batchesMax: number;
    /** Where jobs lock anything. */
    locks?: Locks<Job>;
    /** What waits is begun beside a batch only if it is at least this share of it: one costs nearly as much as fifty. */
    shareMin?: number;
    /** What waits so long begins beside any batch: one that is held up by a lock must not hold up all the others. */
    patienceMs?: number;
  },
): GroupCommit<Job, Outcome> {
  let waiting: Waiting<Job, Outcome>[] = [];
  let batches = 0;
  let jobsUnderWay = 0;
  let isSoon = false;
  let patience: ReturnType<typeof setTimeout> | null = null;

  /** At the end of the event loop's turn, so that what arrives together goes together. */
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

  /** What waits for nobody is not set retries with the others. Where that cannot be told, all of it is. */
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

  /** Resolves with the outage, where there was one. */
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
