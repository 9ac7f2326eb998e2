// Makes a withheld invitation take as long as one that is sent. Otherwise the response time would reveal what
// the answer hides: who has opted out, and who was invited before.

/** The durations of this many recent sends are kept. */
const TIMES_MAX = 32;

export interface Timing {
  /** Runs the send and records how long it took. */
  send(work: () => Promise<void>): Promise<void>;
  /**
   * Waits about as long as one of the recent sends took. Returns at once if nothing was sent since the start.
   */
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
      // A value between two recent ones: an inviter who timed their own sends must not recognise one of them.
      const [one, other] = [any(), any()];
      await new Promise((resolve) => setTimeout(resolve, one + (other - one) * Math.random()));
    },
  };
}
