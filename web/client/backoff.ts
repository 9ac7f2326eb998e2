const FIRST_MS = 500;
const LAST_MS = 30_000;

/** Delays between retries: exponential, with jitter so that many clients do not retry at the same moment. */
export interface Backoff {
  nextMs(): number;
  reset(): void;
}

export function createBackoff(random: () => number = Math.random): Backoff {
  let tries = 0;
  return {
    nextMs() {
      const most = Math.min(LAST_MS, FIRST_MS * 2 ** tries);
      tries += 1;
      return most / 2 + random() * most / 2;
    },
    reset: () => void (tries = 0),
  };
}
