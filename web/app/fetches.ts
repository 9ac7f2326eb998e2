// Fetches with retries, each under a key. Hints that arrive during a fetch cause one more fetch in all, not
// one each.

import { ApiError, PASSING } from "../client.ts";
import { createBackoff } from "../client/backoff.ts";

export function createFetches({ isOnline }: { isOnline: () => boolean }) {
  const running = new Map<string, { again: boolean }>();
  /** Pending retries. There are none while offline: everything is fetched after the next connection. */
  const retries = new Map<string, ReturnType<typeof setTimeout>>();

  /** Fetches now; if the service cannot answer, retries with backoff. */
  async function untilAnswered(
    key: string,
    fetch: () => Promise<void>,
    backoff = createBackoff(),
  ): Promise<void> {
    clearTimeout(retries.get(key));
    const refusal = await once(key, fetch);
    if (!refusal || !PASSING.includes(refusal.code) || !isOnline()) return;
    const waitMs = Math.max(backoff.nextMs(), (refusal.retryAfter ?? 0) * 1_000);
    clearTimeout(retries.get(key));
    retries.set(key, setTimeout(() => untilAnswered(key, fetch, backoff), waitMs));
  }

  /**
   * Runs a fetch, and once more if it was requested again meanwhile.
   * @returns the error, or null; also null if the user has changed during the fetch
   */
  async function once(key: string, fetch: () => Promise<void>): Promise<ApiError | null> {
    const before = running.get(key);
    if (before) {
      before.again = true;
      return null;
    }
    const mine = { again: true };
    running.set(key, mine);
    try {
      while (mine.again) {
        mine.again = false;
        await fetch();
      }
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return running.get(key) === mine ? error : null;
    } finally {
      if (running.get(key) === mine) running.delete(key);
    }
  }

  function dropRetries(): void {
    for (const timer of retries.values()) clearTimeout(timer);
    retries.clear();
  }

  return {
    untilAnswered,
    once,
    dropRetries,
    isRunning: (key: string) => running.has(key),
    /** Abandons running fetches, which belong to the previous user. */
    forget: () => running.clear(),
  };
}
