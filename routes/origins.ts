import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { Config } from "../services/config.ts";
import type { AppEnv } from "./env.ts";
import { TUS_HEADERS } from "./uploads/tus_headers.ts";

/**
 * Tokens travel in headers and never in cookies, so any page may call the API unless CORS_ORIGINS says otherwise.
 * WebSockets know no CORS, and the response of an upgrade takes no headers.
 */
export function allowOrigin(origins: Config["corsOrigins"]): MiddlewareHandler<AppEnv> {
  const allow = cors({
    origin: origins === "*" ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: ["X-Request-Id", "Retry-After", "Accept-Ranges", "Content-Range", "ETag", ...TUS_HEADERS],
    maxAge: 600,
  });
  return (c, next) => {
    // Who has no origin asks for no permission, and of what browsers keep they ask again before they show it.
    if (c.req.header("origin") === undefined) return next();
    // Without this header an OPTIONS asks the address itself, as tus does, and is no preflight.
    const asks = c.req.method === "OPTIONS" && !c.req.header("access-control-request-method");
    // What is for developers on this machine, or for a person to look at, is for no page of anybody else's.
    const isPrivate = /^\/(app|dev|i)(\/|$)/.test(c.req.path);
    return c.req.header("upgrade") || asks || isPrivate ? next() : vary(c, () => allow(c, next));
  };

  /** Also a refusal is one answer for one origin and another for the next. */
  async function vary(c: Context<AppEnv>, answer: () => Promise<Response | void>) {
    try {
      return await answer();
    } catch (error) {
      if (origins !== "*") c.header("Vary", "Origin");
      throw error;
    }
  }
}
