// Who may work now, of many: a few at a time, in the order in which they came.

import { DatabaseUnavailable } from "../../db/door.ts";

export type Turns = ReturnType<typeof createTurns>;

/**
 * An outage fails all that waits with the one whose work found it, so that nobody waits for the others to find it again.
 */
export function createTurns(atOnceMax: number) {
  let working = 0;
  const waiting: { start: () => void; fail: (outage: DatabaseUnavailable) => void }[] = [];

  async function take<T>(work: () => Promise<T>): Promise<T> {
    if (working < atOnceMax) working += 1;
    else await new Promise<void>((start, fail) => waiting.push({ start, fail }));
    try {
      return await work();
    } catch (error) {
      if (error instanceof DatabaseUnavailable) waiting.splice(0).forEach(({ fail }) => fail(error));
      throw error;
    } finally {
      // A turn goes from hand to hand, so that nobody new gets in between.
      const next = waiting.shift();
      if (next) next.start();
      else working -= 1;
    }
  }

  return { take };
}
