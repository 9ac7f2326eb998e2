// Calls that take and answer JSON. Each is described once, and the description serves both the OpenAPI
// document and the handler. Session, body and schemas are one handler and not a chain of middleware, because
// some of these calls come by the thousand.

import type { OpenAPIHono, RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ErrorCode } from "../services/errors.ts";
import type { Actor, Sessions } from "../services/sessions/sessions.ts";
import { answers, BODY_ERRORS, jsonBody, SECURITY, SESSION_ERRORS } from "./answers.ts";
import { readJsonBody, readNoBody } from "./bodies/json_body.ts";
import type { AppEnv } from "./env.ts";
import { toInputError } from "./fields.ts";
import type { LargeAnswers } from "./large_answers.ts";
import { actorOf } from "./session.ts";

/** The `body` of a call that has none: no body at all, or an empty JSON object. */
export const NO_BODY = Symbol("no body");

/** The schemas of a call's input. A part without a schema is not read. */
interface Schemas {
  body?: z.ZodType | typeof NO_BODY;
  params?: z.ZodObject;
  query?: z.ZodType;
}

type Given<Takes extends Schemas> = {
  [Part in keyof Takes]: Takes[Part] extends z.ZodType ? z.output<Takes[Part]> : never;
};

interface JsonCall<Takes extends Schemas, Answer extends z.ZodType>
  extends Pick<RouteConfig, "method" | "path" | "tags" | "summary" | "description" | "parameters"> {
  takes: Takes;
  answer: Answer;
  /** The description of a success in the OpenAPI document. */
  meaning: string;
  /**
   * Error codes of this call alone. Those of every call, of every call with a body, and of every call with a
   * session are added (`answers.ts`).
   */
  errors: ErrorCode[];
  /** Whether the answer grows with the number of messages or contacts, so that it has to be limited. */
  mayBeLarge?: boolean;
}

interface OpenCall<Takes extends Schemas, Answer extends z.ZodType> extends JsonCall<Takes, Answer> {
  /** Checks the caller before anything of the body is read. @throws AppError */
  judge?: (c: Context<AppEnv>) => Promise<void>;
}

/** What all calls share: authentication, and how a success is answered. */
export interface CallContext {
  sessions: Sessions;
  respond(c: Context<AppEnv>, body: object, me: Actor | null): Response;
  largeAnswers: LargeAnswers;
}

/** Adds a call that needs a session. The session is checked before anything else. */
export type AddSigned = <Takes extends Schemas, Answer extends z.ZodType<object>>(
  call: JsonCall<Takes, Answer>,
  run: (me: Actor, given: Given<Takes>, c: Context<AppEnv>) => Promise<z.output<Answer>>,
) => void;

/** Adds a call that anybody may make. */
export type AddOpen = <Takes extends Schemas, Answer extends z.ZodType<object>>(
  call: OpenCall<Takes, Answer>,
  run: (given: Given<Takes>, c: Context<AppEnv>) => Promise<z.output<Answer>>,
) => void;

/**
 * Adds calls to a router and documents them; what `run` resolves with is the answer. The session is checked
 * first, then the body is read, then the schemas are applied.
 */
export function jsonCalls(
  router: OpenAPIHono<AppEnv>,
  { sessions, respond, largeAnswers }: CallContext,
): { addSigned: AddSigned; addOpen: AddOpen } {
  return {
    addSigned(call, run) {
      describe(router, call, { isSigned: true });
      router.on(call.method, patternOf(call.path), async (c) => {
        const me = await actorOf(c, sessions);
        const answer = async () => respond(c, await run(me, await read(c, call.takes), c), me);
        if (!call.mayBeLarge) return await answer();
        return await largeAnswers.inTurn(me, () => {
          largeAnswers.judge(me);
          return answer();
        });
      });
    },
    addOpen({ judge, ...call }, run) {
      describe(router, call, { isSigned: false });
      router.on(call.method, patternOf(call.path), async (c) => {
        await judge?.(c);
        return respond(c, await run(await read(c, call.takes), c), null);
      });
    },
  };
}

function describe(
  router: OpenAPIHono<AppEnv>,
  { takes: { body, params, query }, answer, meaning, errors, mayBeLarge: _, ...described }: JsonCall<
    Schemas,
    z.ZodType
  >,
  { isSigned }: { isSigned: boolean },
): void {
  const hasSchema = body !== undefined && body !== NO_BODY;
  router.openAPIRegistry.registerPath({
    ...described,
    ...(isSigned ? { security: SECURITY } : {}),
    request: {
      ...(hasSchema ? jsonBody(body) : {}),
      ...(params ? { params } : {}),
      ...(query ? { query: query as z.ZodObject } : {}),
    },
    responses: answers(meaning, answer, [
      ...(isSigned ? SESSION_ERRORS : []),
      ...(body ? BODY_ERRORS : []),
      ...errors,
    ]),
  });
}

function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

async function read<Takes extends Schemas>(c: Context<AppEnv>, takes: Takes): Promise<Given<Takes>> {
  const { body, params, query } = takes;
  const given: Record<string, unknown> = {};
  if (body === NO_BODY) await readNoBody(c.req.raw);
  else if (body) given.body = check(body, await readJsonBody(c.req.raw));
  if (params) given.params = check(params, c.req.param());
  if (query) given.query = check(query, readQuery(c));
  return given as Given<Takes>;
}

/** A key that is given twice becomes a list, which every schema refuses. */
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
