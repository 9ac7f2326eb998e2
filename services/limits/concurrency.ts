import { AppError } from "../errors.ts";
import { createHeadCount } from "./head_count.ts";

/** Limits how many operations one person may have in progress at a time, on this process. */
export function createConcurrencyLimit({ max, retrySeconds }: { max: number; retrySeconds: number }) {
  const people = createHeadCount(max);

  /** Takes one of a person's slots. Call the result to give it back. @throws AppError rate_limited */
  function take(person: string): () => void {
    const leave = people.enter(person);
    if (leave === null) throw new AppError("rate_limited", { retryAfter: retrySeconds });
    return leave;
  }

  /** @throws AppError rate_limited if a person has no slot left */
  function judge(person: string): void {
    if (people.isFull(person)) throw new AppError("rate_limited", { retryAfter: retrySeconds });
  }

  return { take, judge };
}

/** The slots in use and the queue of one person. */
interface Queue {
  inside: number;
  /** Callbacks that start the waiting operations, in FIFO order. */
  waiting: Set<() => void>;
}

/**
 * Like `createConcurrencyLimit`, with a queue: if all slots of a person are taken, up to `waiting` more
 * operations wait, each for at most `msMax`. Once an operation has stopped waiting, nothing of it is kept.
 */
export function createQueuedConcurrencyLimit(
  { max, waiting, msMax, retrySeconds }: {
    max: number;
    waiting: number;
    msMax: number;
    retrySeconds: number;
  },
) {
  const queues = new Map<string, Queue>();
  const refusal = () => new AppError("rate_limited", { retryAfter: retrySeconds });

  /**
   * Takes a slot, waiting for one if necessary.
   * @param client its signal aborts when the client has left; used only while waiting
   * @throws AppError rate_limited: at once if the queue is full, after `msMax`, or when the client has left
   */
  async function take(person: string, client?: Pick<Request, "signal">): Promise<() => void> {
    const queue = queues.get(person) ?? { inside: 0, waiting: new Set() };
    if (queue.inside < max) {
      queue.inside += 1;
      queues.set(person, queue);
    } else {
      if (queue.waiting.size >= waiting) throw refusal();
      await turnIn(queue, client?.signal);
    }
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      // The slot is handed to the next in the queue directly, so that no newcomer overtakes it.
      const [next] = queue.waiting;
      if (next) return next();
      queue.inside -= 1;
      if (queue.inside === 0) queues.delete(person);
    };
  }

  function turnIn({ waiting }: Queue, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        waiting.delete(begin);
      };
      const begin = () => {
        end();
        resolve();
      };
      const giveUp = () => {
        end();
        reject(refusal());
      };
      const timer = setTimeout(giveUp, msMax);
      signal?.addEventListener("abort", giveUp);
      waiting.add(begin);
      if (signal?.aborted) giveUp();
    });
  }

  return { take };
}
