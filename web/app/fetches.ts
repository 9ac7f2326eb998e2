// Fetches of what the service hints at, each under a key: hints that arrive while one is under way cause one more, not one
// each, and what could not be had is asked for again.

import { ApiError, PASSING } from "../client.ts";
import { createBackoff } from "../client/backoff.ts";

export function createFetches({ isOnline }: { isOnline: () => boolean }) {
  const running = new Map<string, { again: boolean }>();
  /** None without an open socket: with the next one everything is fetched. */
  const retries = new Map<string, ReturnType<typeof setTimeout>>();

  /** Fetches at once: where the service could not answer it is asked again, later each time. */
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
   * Runs a fetch, and once more where it was asked for meanwhile.
   * @returns why it failed, unless its person has left since
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
    /** What is under way is for whoever was here before. */
    forget: () => running.clear(),
  };
}
