import type { Context } from "hono";
import { logRequest } from "../services/log.ts";
import type { AppEnv } from "./env.ts";
import { METHODS, NO_METHOD } from "./remembering_router.ts";

/**
 * Writes the one line of a request that was answered (but of looks at the SMS of this machine): by the route's pattern,
 * because the address itself has phone numbers and its query tokens.
 */
export function logAnswer(c: Context<AppEnv>, startedAt: number): void {
  const { status } = c.res;
  const pattern = c.get("pattern");
  // The page for developers looks every second, and would fill the terminal that it is made for.
  if (pattern === "/dev/sms" && status < 300) return;
  logRequest({
    request_id: c.get("requestId"),
    method: methodOf(c),
    route: pattern,
    status,
    code: c.get("errorCode"),
    ms: Math.round((performance.now() - startedAt) * 100) / 100,
  });
}

/** Any word that the client likes may stand in its place, a phone number or a token too: of those none is written. */
function methodOf({ req: { method } }: Context<AppEnv>): string {
  return METHODS.has(method) || method === "HEAD" ? method : NO_METHOD;
}
