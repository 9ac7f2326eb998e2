import { createMiddleware } from "hono/factory";
import { AppError } from "../services/errors.ts";
import type { AppEnv } from "./env.ts";

/** Counts the requests under way, so that a service that stops can let them finish. */
export interface Gate {
  middleware: ReturnType<typeof createMiddleware<AppEnv>>;
  /** Refuses what comes from now on, and resolves when what was under way is answered. */
  drain(): Promise<void>;
}

const RETRY_SECONDS = 2;

export function createGate(): Gate {
  let underWay = 0;
  const drained = Promise.withResolvers<void>();
  let draining = false;
  return {
    middleware: createMiddleware<AppEnv>(async (c, next) => {
      if (draining) {
        c.header("Connection", "close");
        throw new AppError("unavailable", { retryAfter: RETRY_SECONDS });
      }
      underWay += 1;
      try {
        await next();
      } finally {
        underWay -= 1;
        if (draining && underWay === 0) drained.resolve();
      }
    }),
    drain() {
      draining = true;
      if (underWay === 0) drained.resolve();
      return drained.promise;
    },
  };
}
