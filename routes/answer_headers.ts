// What every answer says to browsers, whatever it is: nothing of it runs, is framed, is guessed at, or is kept. Pages and
// media say of themselves what they need beyond that.

import type { Context } from "hono";
import type { AppEnv } from "./env.ts";
import type { Repeatables } from "./repeatable.ts";

const HSTS_SECONDS = 31_536_000;

export interface AnswerHeaders {
  /** To be called before the request is answered: most answers are complete when they are made. */
  prepare(c: Context<AppEnv>): void;
  /** Gives the answer what it has not said itself, and names the request in it. */
  complete(c: Context<AppEnv>): void;
}

export function createAnswerHeaders(publicUrl: string, repeatables: Repeatables): AnswerHeaders {
  const shared: [name: string, value: string][] = Object.entries({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    ...(publicUrl.startsWith("https:") ? { "Strict-Transport-Security": `max-age=${HSTS_SECONDS}` } : {}),
  });
  const ofJson: typeof shared = [["Content-Type", "application/json"], ...shared];
  const plain = new WeakSet<Response>();

  return {
    // Most answers are JSON without a header of their own: theirs are a list, which costs a request half of what it
    // costs to make an object of headers and to copy it.
    prepare(c) {
      const { header, json } = c;
      let isPlain = true;
      c.header = (...given) => {
        isPlain = false;
        header(...given);
      };
      c.json = ((body: unknown, status: number, headers?: Record<string, string>) => {
        if (!isPlain || headers) return json(body as never, status as never, headers);
        const own: (typeof shared)[number] = ["X-Request-Id", c.get("requestId")];
        const response = new Response(repeatables.textOf(body) ?? JSON.stringify(body), {
          status,
          headers: [...ofJson, own],
        });
        plain.add(response);
        return response;
      }) as typeof json;
    },
    complete(c) {
      if (plain.has(c.res) || c.res.status === 101) return;
      for (const [name, value] of [...shared, ["X-Request-Id", c.get("requestId")] as const]) {
        if (!c.res.headers.has(name)) c.res.headers.set(name, value);
      }
    },
  };
}
