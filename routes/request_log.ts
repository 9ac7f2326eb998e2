import type { Context } from "hono";
import { logRequest } from "../services/log.ts";
import type { Answered } from "../services/metrics.ts";
import type { AppEnv } from "./env.ts";
import { METHODS, NO_METHOD } from "./remembering_router.ts";

/**
 * What a request came to: by the route's pattern, because the address itself has phone numbers and its query tokens.
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

/** Writes the one line of a request that was answered, but of looks at the SMS of this machine. */
export function logAnswer(answered: Answered): void {
  // The page for developers looks every second, and would fill the terminal that it is made for.
  if (answered.route === "/dev/sms" && answered.status < 300) return;
  logRequest(answered);
}

/** Any word that the client likes may stand in its place, a phone number or a token too: of those none is written. */
function methodOf({ req: { method } }: Context<AppEnv>): string {
  return METHODS.has(method) || method === "HEAD" ? method : NO_METHOD;
}
