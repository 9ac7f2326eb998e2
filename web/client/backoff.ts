const FIRST_MS = 500;
const LAST_MS = 30_000;

/** How long to wait before trying again: longer each time, and never two of many clients at the same moment. */
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
