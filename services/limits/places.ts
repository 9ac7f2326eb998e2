import { AppError } from "../errors.ts";
import { createTurns } from "../turns.ts";
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

/**
 * The same for what waits a while rather than to be refused: `waiting` more of a person's, for `msMax`, each in its turn.
 */
export function createWaitingPlaces(
  { max, waiting, msMax, retrySeconds }: {
    max: number;
    waiting: number;
    msMax: number;
    retrySeconds: number;
  },
) {
  const inside = createPlaces({ max: max + waiting, retrySeconds });
  const turns = createTurns(max);

  /** As `take` above, in its turn. @throws AppError rate_limited at once, or after `msMax` */
  async function take(person: string): Promise<() => void> {
    const leave = inside.take(person);
    const turn = turns.take(person);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => timer = setTimeout(resolve, msMax, null));
    const end = await Promise.race([turn, late]).finally(() => clearTimeout(timer));
    if (end) {
      return () => {
        end();
        leave();
      };
    }
    leave();
    // The turn that nobody waits for any more goes on to the next.
    turn.then((end) => end());
    throw new AppError("rate_limited", { retryAfter: retrySeconds });
  }

  return { take };
}
