import { AppError } from "../errors.ts";
import { createHeadCount } from "./head_count.ts";

/** How much one person may have under way at a time, on this process. */
export function createPlaces({ max, retrySeconds }: { max: number; retrySeconds: number }) {
  const people = createHeadCount(max);

  /** Takes one of a person's places; the result gives it back. @throws AppError rate_limited */
  function take(person: string): () => void {
    const leave = people.enter(person);
    if (leave === null) throw new AppError("rate_limited", { retryAfter: retrySeconds });
    return leave;
  }

  /** @throws AppError rate_limited where a person has no place left */
  function judge(person: string): void {
    if (people.isFull(person)) throw new AppError("rate_limited", { retryAfter: retrySeconds });
  }

  return { take, judge };
}

/** Of one person. */
interface Queue {
  inside: number;
  /** What begins each turn, in the order in which they were asked for. */
  waiting: Set<() => void>;
}

/**
 * The same, with a queue: where all places of a person are taken, up to `waiting` more wait for their turn, for `msMax` each.
 * Nothing is kept of one that has stopped waiting, however long those inside stay.
 */
export function createWaitingPlaces(
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
   * As `take` above, in its turn.
   * @param client whose signal tells that it has left; looked at only where it has to wait
   * @throws AppError rate_limited: at once where the queue is full, after `msMax`, or when the client has left
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
      // A place goes from hand to hand, so that nobody new gets in between.
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
