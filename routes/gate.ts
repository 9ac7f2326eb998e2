// How a service stops without dropping requests. While one that came before the stop is under way, new ones are answered as well,
// except those that last long and the health checks, by which a proxy decides whether to send requests here.

import { AppError } from "../services/errors.ts";

/** Counts the requests under way, so that a service that stops can let them finish. */
export interface Gate {
  /** The result is called when the request is answered. */
  enter(): () => void;
  /** How many requests there were since the start. */
  count(): number;
  underWay(): number;
  /** Whether the service is told to stop: connections end with their answers then. */
  isDraining(): boolean;
  /** @throws AppError unavailable, where a request of this path comes too late */
  judge(path: string): void;
  /** Aborts when what is still under way has to end: later there is no database to tidy up in. */
  readonly late: AbortSignal;
  /** Resolves when what was under way is answered, and with it what came meanwhile. */
  drain(): Promise<void>;
}

export const RETRY_SECONDS = 2;
/** Health tells a proxy to send nothing here any more; a socket would not last, and media might not come through. */
const REFUSED = [
  "/healthz",
  "/readyz",
  "/api/notifications",
  "/api/messages/media",
  "/api/messages/upload_media",
  "/api/uploads",
];

function isRefused(path: string): boolean {
  return REFUSED.some((refused) => path === refused || path.startsWith(`${refused}/`));
}

/** @param patienceMs for what is under way, before it has to end */
export function createGate({ patienceMs = 4_000 } = {}): Gate {
  let underWay = 0;
  let entered = 0;
  /** Of those under way, what came before the service was told to stop. */
  let early = 0;
  let isDraining = false;
  const drained = Promise.withResolvers<void>();
  const late = new AbortController();

  const isClosed = () => early === 0 || late.signal.aborted;

  function lookWhetherDrained(): void {
    if (isDraining && underWay === 0) drained.resolve();
  }

  return {
    late: late.signal,
    enter() {
      underWay += 1;
      entered += 1;
      const isEarly = !isDraining;
      if (isEarly) early += 1;
      return () => {
        underWay -= 1;
        if (isEarly) early -= 1;
        lookWhetherDrained();
      };
    },
    count: () => entered,
    underWay: () => underWay,
    isDraining: () => isDraining,
    judge(path) {
      if (!isDraining || !isClosed() && !isRefused(path)) return;
      throw new AppError("unavailable", { retryAfter: RETRY_SECONDS });
    },
    drain() {
      isDraining = true;
      lookWhetherDrained();
      const timer = setTimeout(() => late.abort(), patienceMs);
      return drained.promise.finally(() => clearTimeout(timer));
    },
  };
}
