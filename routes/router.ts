import { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "hono";
import { toInputError } from "./fields.ts";
import { createRememberingRouter } from "./remembering_router.ts";

/** A router whose schemas refuse with an error of ours. @param getPath where not every address is taken as it stands */
export function createRouter<E extends Env>(getPath?: (request: Request) => string): OpenAPIHono<E> {
  return new OpenAPIHono<E>({
    router: createRememberingRouter(),
    ...(getPath ? { getPath } : {}),
    defaultHook: (result) => {
      if (!result.success) throw toInputError(result.error);
    },
  });
}
