// What every answer says to browsers, whatever it is: nothing of it runs, is framed, is guessed at, or is kept. Pages and
// media say of themselves what they need beyond that.

import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

const HSTS_SECONDS = 31_536_000;

export function answerHeaders(publicUrl: string) {
  const headers = Object.entries({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    ...(publicUrl.startsWith("https:") ? { "Strict-Transport-Security": `max-age=${HSTS_SECONDS}` } : {}),
  });
  return createMiddleware<AppEnv>((c, next) => {
    for (const [name, value] of headers) c.header(name, value);
    return next();
  });
}
