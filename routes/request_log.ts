import { createMiddleware } from "hono/factory";
import { logRequest } from "../services/log.ts";
import type { AppEnv } from "./env.ts";

/**
 * Names every request, and writes one line when it is answered (but of looks at the SMS of this machine): by the route's pattern, because the address itself has
 * phone numbers and its query tokens.
 */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
  const startedAt = performance.now();
  const requestId = crypto.randomUUID();
  c.set("requestId", requestId);
  c.set("pattern", "-");
  await next();
  // The page for developers looks every second, and would fill the terminal that it is made for.
  if (c.get("pattern") === "/dev/sms" && c.res.ok) return;
  logRequest({
    request_id: requestId,
    method: c.req.method,
    route: c.get("pattern"),
    status: c.res.status,
    code: c.get("errorCode"),
    ms: Math.round((performance.now() - startedAt) * 100) / 100,
  });
});
