import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { Config } from "../services/config.ts";
import type { AppEnv } from "./env.ts";
import { TUS_HEADERS } from "./uploads/tus_headers.ts";

/**
 * The CORS headers. Tokens travel in headers and never in cookies, so any page may call the API unless
 * CORS_ORIGINS is set. WebSockets are left out: they have no CORS, and an upgrade response takes no headers.
 */
export function allowOrigin(origins: Config["corsOrigins"]): MiddlewareHandler<AppEnv> {
  const allow = cors({
    origin: origins === "*" ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: ["X-Request-Id", "Retry-After", "Accept-Ranges", "Content-Range", "ETag", ...TUS_HEADERS],
    maxAge: 600,
  });
  return (c, next) => {
    // A request without Origin needs no permission. A response that a browser cached from one is revalidated
    // before it is shown again.
    if (c.req.header("origin") === undefined) return next();
    // An OPTIONS without this header is no preflight but a request of its own, as tus sends.
    const asks = c.req.method === "OPTIONS" && !c.req.header("access-control-request-method");
    // Pages for people and for developers on this machine are closed to scripts of other origins.
    const isPrivate = /^\/(app|dev|i)(\/|$)/.test(c.req.path);
    return c.req.header("upgrade") || asks || isPrivate ? next() : vary(c, () => allow(c, next));
  };

  /** An error differs by origin too, so caches have to be told. */
  async function vary(c: Context<AppEnv>, answer: () => Promise<Response | void>) {
    try {
      return await answer();
    } catch (error) {
      if (origins !== "*") c.header("Vary", "Origin");
      throw error;
    }
  }
}
