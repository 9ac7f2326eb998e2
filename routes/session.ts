import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Actor, Sessions } from "../services/sessions/sessions.ts";
import type { SignedInEnv } from "./env.ts";

/** The token of an Authorization header (RFC 6750, section 2.1), or null. */
export function bearerToken(header: string | undefined): string | null {
  return header?.match(/^Bearer +([\w.~+/=-]+) *$/i)?.[1] ?? null;
}

/** Authenticates a request by its bearer token. @throws AppError unauthenticated */
export function actorOf(c: Context, sessions: Sessions): Actor | Promise<Actor> {
  return sessions.authenticate(bearerToken(c.req.header("authorization")));
}

/** Middleware for routes that need a session. It runs before anything of the body is read. */
export function requireSession(sessions: Sessions) {
  return createMiddleware<SignedInEnv>(async (c, next) => {
    c.set("actor", await actorOf(c, sessions));
    return await next();
  });
}
