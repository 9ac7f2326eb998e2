// An invitation that is withheld takes as long as one that is sent. Otherwise the time of an answer would tell what the answer
// keeps to itself: who has opted out, and who was invited before.

/** How many of the last sends are remembered by the time they took. */
const TIMES_MAX = 32;

export interface Timing {
  /** Does the work of sending, and remembers how long it took. */
  send(work: () => Promise<void>): Promise<void>;
  /** Does nothing for about as long as one of the last sends took; returns at once where nothing was sent since the start. */
  withhold(): Promise<void>;
}

export function createTiming(): Timing {
  const timesMs: number[] = [];
  let index = 0;
  return {
    async send(work) {
      const startedAt = performance.now();
      try {
        await work();
      } finally {
        timesMs[index] = performance.now() - startedAt;
        index = (index + 1) % TIMES_MAX;
      }
    },
    async withhold() {
      if (timesMs.length === 0) return;
      const any = () => timesMs[Math.floor(Math.random() * timesMs.length)]!;
      // Somewhere between two of them: whoever has timed the last sends himself must not find one again.
      const [one, other] = [any(), any()];
      await new Promise((resolve) => setTimeout(resolve, one + (other - one) * Math.random()));
    },
  };
}
