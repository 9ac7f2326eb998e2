import type { Context } from "hono";
import { logRequest } from "../services/log.ts";
import type { Answered } from "../services/metrics.ts";
import { METHODS, NO_METHOD } from "./caching_router.ts";
import type { AppEnv } from "./env.ts";

/**
 * The outcome of a request, for the log and the metrics. It has the route's pattern, because the address
 * contains phone numbers and its query tokens.
 * @param startedAt by `performance.now()`
 */
export function describeAnswer(c: Context<AppEnv>, startedAt: number): Answered & { request_id: string } {
  return {
    request_id: c.get("requestId"),
    method: methodOf(c),
    route: c.get("pattern"),
    status: c.res.status,
    code: c.get("errorCode"),
    ms: Math.round((performance.now() - startedAt) * 100) / 100,
  };
}

/** Writes the log line of a request, except of successful polls of `/dev/sms`. */
export function logAnswer(answered: Answered): void {
  // The page for developers polls every second, and would flood the terminal whose SMS it shows.
  if (answered.route === "/dev/sms" && answered.status < 300) return;
  logRequest(answered);
}

/**
 * The method, if it is a known one. A client may put any word there, even a phone number or a token, and none
 * of those is logged.
 */
function methodOf({ req: { method } }: Context<AppEnv>): string {
  return METHODS.has(method) || method === "HEAD" ? method : NO_METHOD;
}
