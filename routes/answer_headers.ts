// What every answer says to browsers, whatever it is: nothing of it runs, is framed, is guessed at, or is kept. Pages and
// media say of themselves what they need beyond that.

import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

const HSTS_SECONDS = 31_536_000;

/** Also names the request in its answer. */
export function answerHeaders(publicUrl: string) {
  const shared: [name: string, value: string][] = Object.entries({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    ...(publicUrl.startsWith("https:") ? { "Strict-Transport-Security": `max-age=${HSTS_SECONDS}` } : {}),
  });
  const ofJson: typeof shared = [["Content-Type", "application/json"], ...shared];

  return createMiddleware<AppEnv>(async (c, next) => {
    const { header, json } = c;
    const ofRequest: (typeof shared)[number] = ["X-Request-Id", c.get("requestId")];
    let isPlain = true;
    let complete: Response | null = null;
    c.header = (...given) => {
      isPlain = false;
      header(...given);
    };
    // Most answers are JSON without a header of their own: theirs are a list, which costs a request half of what it
    // costs to make an object of headers and to copy it.
    const plainJson = (body: unknown, status: number) =>
      complete = new Response(JSON.stringify(body), { status, headers: [...ofJson, ofRequest] });
    c.json = ((body: unknown, status: number, headers?: Record<string, string>) =>
      isPlain && !headers
        ? plainJson(body, status)
        : json(body as never, status as never, headers)) as typeof json;
    await next();
    if (c.res === complete || c.res.status === 101) {
      return;
    }
    for (const [name, value] of [...shared, ofRequest]) {
      if (!c.res.headers.has(name)) {
        c.res.headers.set(name, value);
      }
    }
  });
}
