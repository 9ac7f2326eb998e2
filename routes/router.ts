import { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "hono";
import { toInputError } from "./fields.ts";

/** A router whose schemas refuse with an error of ours. */
export function createRouter<E extends Env>(): OpenAPIHono<E> {
  return new OpenAPIHono<E>({
    defaultHook: (result) => {
      if (!result.success) throw toInputError(result.error);
    },
  });
}
