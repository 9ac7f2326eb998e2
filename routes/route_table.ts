// Which address takes which method. This is checked before the session, so a wrong address is 404 and a wrong
// method 405 for everybody.

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../services/errors.ts";
import type { AppEnv } from "./env.ts";

interface RouteEntry {
  /** As in the OpenAPI document, for example `/api/contacts/{phone_number}`. */
  pattern: string;
  methods: Set<string>;
}

type RouteTable = (path: string) => RouteEntry | null;

/** A path without parameters takes precedence over one with a parameter in the same place. */
function createRouteTable(routes: { path: string; method: string }[]): RouteTable {
  const fixed = new Map<string, RouteEntry>();
  const open = new Map<string, RouteEntry & { form: RegExp }>();
  for (const { path, method } of routes) {
    const entry = fixed.get(path) ?? open.get(path) ?? { pattern: path, methods: new Set<string>() };
    entry.methods.add(method.toUpperCase());
    if (method === "get") entry.methods.add("HEAD");
    if (path.includes("{")) {
      open.set(path, { ...entry, form: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`) });
    } else fixed.set(path, entry);
  }
  return (path) => fixed.get(path) ?? [...open.values()].find(({ form }) => form.test(path)) ?? null;
}

/** No legitimate request has a longer URL. The server itself takes 64 KiB for the whole head of a request. */
const URL_LETTERS_MAX = 16_384;

export type RouteJudge = (c: Context<AppEnv>) => void;

/**
 * Finds the route of a request and notes its pattern for the log.
 * @param app is asked for its routes at the first request, when all of them are registered
 * @throws AppError uri_too_long, not_found, method_not_allowed
 */
export function createRouteJudge(app: OpenAPIHono<AppEnv>): RouteJudge {
  let table: RouteTable | null = null;
  return (c) => {
    table ??= createRouteTable(
      app.openAPIRegistry.definitions.flatMap((definition) =>
        definition.type === "route" ? [definition.route] : []
      ),
    );
    if (c.req.url.length > URL_LETTERS_MAX) throw new AppError("uri_too_long");
    const entry = table(c.req.path);
    if (!entry) throw new AppError("not_found");
    c.set("pattern", entry.pattern);
    if (!entry.methods.has(c.req.method)) {
      throw new AppError("method_not_allowed", { allow: [...entry.methods].join(", ") });
    }
  };
}
