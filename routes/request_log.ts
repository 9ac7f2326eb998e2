import type { Context } from "hono";
import { logRequest } from "../services/log.ts";
import type { AppEnv } from "./env.ts";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

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
    // A method is any word that the client likes, a phone number or a token too.
    method: METHODS.has(c.req.method) ? c.req.method : "-",
    route: pattern,
    status,
    code: c.get("errorCode"),
    ms: Math.round((performance.now() - startedAt) * 100) / 100,
  });
}
