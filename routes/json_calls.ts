// Calls that take and answer JSON: what each is, for the document, and what it does. Session, body and schemas are one
// step of the framework, because some of these come by the thousand.

import type { OpenAPIHono, RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ErrorCode } from "../services/errors.ts";
import type { Actor, Sessions } from "../services/sessions/sessions.ts";
import { answers, BODY_ERRORS, jsonBody, SECURITY, SESSION_ERRORS } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { toInputError } from "./fields.ts";
import { readJsonBody, readNoBody } from "./bodies/json_body.ts";
import type { LargeAnswers } from "./large_answers.ts";
import { actorOf } from "./session.ts";

/** Nothing, or an empty object. */
export const NO_BODY = Symbol("no body");

/** The schemas of what a call takes. A part without a schema is not read. */
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
  /** What a success means, for the OpenAPI document. */
  meaning: string;
  /** Codes of refusals, beside those that every call, every one with a body and every one with a session has (`answers.ts`). */
  errors: ErrorCode[];
  /** Whether a success may be as large as there are messages or contacts. */
  mayBeLarge?: boolean;
}

interface OpenCall<Takes extends Schemas, Answer extends z.ZodType> extends JsonCall<Takes, Answer> {
  /** Judges who asks, before anything of the body is looked at. @throws AppError */
  judge?: (c: Context<AppEnv>) => Promise<void>;
}

/** What all calls need: whose session it is, and how a success is answered. */
export interface CallContext {
  sessions: Sessions;
  respond(c: Context<AppEnv>, body: object, me: Actor | null): Response;
  largeAnswers: LargeAnswers;
}

/** Adds a call that needs a session, which is judged first. */
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
 * Adds calls to a router: documented as they say, answered with what `run` resolves with. The session is judged first, then the
 * body is read, then the schemas are applied.
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
