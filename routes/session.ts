import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Actor, Sessions } from "../services/sessions/sessions.ts";
import type { SignedInEnv } from "./env.ts";

/** The token of an Authorization header (RFC 6750, section 2.1); null without one. */
export function bearerToken(header: string | undefined): string | null {
  return header?.match(/^Bearer +([\w.~+/=-]+) *$/i)?.[1] ?? null;
}

/** Whose session a request comes with. @throws AppError unauthenticated */
export function actorOf(c: Context, sessions: Sessions): Actor | Promise<Actor> {
  return sessions.authenticate(bearerToken(c.req.header("authorization")));
}

/** Stands before everything that needs a session, and before anything of the body is looked at. */
export function requireSession(sessions: Sessions) {
  return createMiddleware<SignedInEnv>(async (c, next) => {
    c.set("actor", await actorOf(c, sessions));
    return await next();
  });
}
