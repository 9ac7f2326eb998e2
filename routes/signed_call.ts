// Calls that need a session: what each is, for the document, and what it does. Session, body and schemas are one step
// of the framework, because these are the calls that come by the thousand.

import type { z } from "@hono/zod-openapi";
import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ErrorCode } from "../services/errors.ts";
import type { Actor, Sessions } from "../services/sessions.ts";
import { answers, BODY_ERRORS, jsonBody, SECURITY, SESSION_ERRORS } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { toInputError } from "./fields.ts";
import { readJsonBody } from "./json_body.ts";
import { actorOf } from "./session.ts";

/** What a call takes; absent is nothing, of a query whatever it is. */
interface Schemas {
  body?: z.ZodType;
  params?: z.ZodObject;
  query?: z.ZodType;
}

type Given<Takes extends Schemas> = {
  [Part in keyof Takes]: Takes[Part] extends z.ZodType ? z.output<Takes[Part]> : never;
};

export interface SignedCall<Takes extends Schemas, Answer extends z.ZodType>
  extends Pick<RouteConfig, "method" | "path" | "tags" | "summary" | "description" | "parameters"> {
  takes: Takes;
  answer: Answer;
  /** What a success says. */
  meaning: string;
  /** What may be answered instead, beside what every such call may. */
  errors: ErrorCode[];
}

/** What all such calls need: whose session it is, and how a success is answered. */
export interface Signed {
  sessions: Sessions;
  respond(c: Context<AppEnv>, body: object): Response;
}

export type AddSignedCall = <Takes extends Schemas, Answer extends z.ZodType<object>>(
  call: SignedCall<Takes, Answer>,
  run: (me: Actor, given: Given<Takes>, c: Context<AppEnv>) => Promise<z.output<Answer>>,
) => void;

/**
 * Adds calls to a router: documented as they say, answered with what `run` resolves with.
 * Judged in this order: the session, then the body, then the schemas.
 */
export function signedCalls(
  router: OpenAPIHono<AppEnv>,
  { sessions, respond }: Signed,
): AddSignedCall {
  return ({ takes, answer, meaning, errors, ...described }, run) => {
    const { body, params, query } = takes;
    router.openAPIRegistry.registerPath({
      ...described,
      security: SECURITY,
      request: { ...(body ? jsonBody(body) : {}), ...(params ? { params } : {}), ...asQuery(query) },
      responses: answers(meaning, answer, [...SESSION_ERRORS, ...(body ? BODY_ERRORS : []), ...errors]),
    });
    router.on(described.method, described.path.replaceAll(/\{(\w+)\}/g, ":$1"), async (c) => {
      const me = await actorOf(c, sessions);
      const given: Record<string, unknown> = {};
      if (body) given.body = check(body, await readJsonBody(c.req.raw));
      if (params) given.params = check(params, c.req.param());
      if (query) given.query = check(query, readQuery(c));
      return respond(c, await run(me, given as Given<typeof takes>, c));
    });
  };
}

function asQuery(query: z.ZodType | undefined): Pick<NonNullable<RouteConfig["request"]>, "query"> {
  return query ? { query: query as z.ZodObject } : {};
}

/** A key that comes twice is a list, which no schema takes. */
function readQuery(c: Context<AppEnv>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([key, values]) => [key, values.length === 1 ? values[0]! : values]),
  );
}

/** @throws AppError invalid_input, invalid_phone_number */
function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw toInputError(result.error);
  return result.data;
}
