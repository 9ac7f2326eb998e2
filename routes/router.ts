import { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "hono";
import { createCachingRouter } from "./caching_router.ts";
import { toInputError } from "./fields.ts";

/**
 * A router whose schemas refuse with our own error.
 * @param getPath replaces the path by which routes are found
 */
export function createRouter<E extends Env>(getPath?: (request: Request) => string): OpenAPIHono<E> {
  return new OpenAPIHono<E>({
    router: createCachingRouter(),
    ...(getPath ? { getPath } : {}),
    defaultHook: (result) => {
      if (!result.success) throw toInputError(result.error);
    },
  });
}
