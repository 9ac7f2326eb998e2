import type { Context } from "hono";
import { AppError } from "../services/errors.ts";
import type { AppEnv } from "./env.ts";

/** Counts the requests under way, so that a service that stops can let them finish. */
export interface Gate {
  enter(): void;
  leave(): void;
  /** How many there ever were. */
  count(): number;
  underWay(): number;
  /** @throws AppError unavailable, once the service is stopping; the connection is closed as well. */
  judge(c: Context<AppEnv>): void;
  /** Aborts when what is still under way has to end: later there is no database to tidy up in. */
  readonly late: AbortSignal;
  /** Refuses what comes from now on, and resolves when what was under way is answered. */
  drain(): Promise<void>;
}

export const RETRY_SECONDS = 2;

/** @param patienceMs for what is under way, before it has to end */
export function createGate({ patienceMs = 4_000 } = {}): Gate {
  let underWay = 0;
  let entered = 0;
  const drained = Promise.withResolvers<void>();
  let draining = false;
  const late = new AbortController();
  return {
    late: late.signal,
    enter() {
      underWay += 1;
      entered += 1;
    },
    leave() {
      underWay -= 1;
      if (draining && underWay === 0) drained.resolve();
    },
    count: () => entered,
    underWay: () => underWay,
    judge(c) {
      if (!draining) return;
      c.header("Connection", "close");
      throw new AppError("unavailable", { retryAfter: RETRY_SECONDS });
    },
    drain() {
      draining = true;
      if (underWay === 0) drained.resolve();
      const timer = setTimeout(() => late.abort(), patienceMs);
      return drained.promise.finally(() => clearTimeout(timer));
    },
  };
}
