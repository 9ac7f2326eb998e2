// How the service stops without dropping requests. As long as a request from before the stop is in flight,
// new ones are still answered, with two exceptions: calls that last long, and the health checks, by which a
// proxy decides whether to send requests here.

import { AppError } from "../services/errors.ts";

/** Counts the requests in flight, so that a stopping service can let them finish. */
export interface RequestTracker {
  /** Counts a request in. The returned function has to be called when it is answered. */
  enter(): () => void;
  /** The number of requests since the start. */
  count(): number;
  inFlight(): number;
  /** Whether the service is stopping. From then on every answer closes its connection. */
  isDraining(): boolean;
  /** Refuses a request that comes too late. @throws AppError unavailable */
  judge(path: string): void;
  /** Aborts when requests in flight have to give up: afterwards there is no database left to clean up in. */
  readonly late: AbortSignal;
  /**
   * Begins the stop. Resolves when all requests in flight are answered, including those that came during the
   * stop.
   */
  drain(): Promise<void>;
}

export const RETRY_SECONDS = 2;
/**
 * Refused as soon as the stop begins: health checks, so that a proxy sends nothing more here; sockets and
 * media, because they might not finish in time.
 */
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

/** @param patienceMs how long requests in flight may take after the stop, before `late` aborts */
export function createRequestTracker({ patienceMs = 4_000 } = {}): RequestTracker {
  let inFlight = 0;
  let entered = 0;
  /** Those of the requests in flight that came before the stop. */
  let early = 0;
  let isDraining = false;
  const drained = Promise.withResolvers<void>();
  const late = new AbortController();

  const isClosed = () => early === 0 || late.signal.aborted;

  function lookWhetherDrained(): void {
    if (isDraining && inFlight === 0) drained.resolve();
  }

  return {
    late: late.signal,
    enter() {
      inFlight += 1;
      entered += 1;
      const isEarly = !isDraining;
      if (isEarly) early += 1;
      return () => {
        inFlight -= 1;
        if (isEarly) early -= 1;
        lookWhetherDrained();
      };
    },
    count: () => entered,
    inFlight: () => inFlight,
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
