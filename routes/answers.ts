// The answers of a route for the OpenAPI document: its success, and every error by its code.

import { z } from "@hono/zod-openapi";
import { ERROR_TEXTS, type ErrorCode } from "../services/errors.ts";
import { STATUS } from "./errors.ts";

/** Errors of every call. */
const ALWAYS: ErrorCode[] = ["unexpected", "unavailable", "rate_limited"];
/** Errors of every call with a JSON body. */
export const BODY_ERRORS: ErrorCode[] = [
  "unsupported_media_type",
  "too_large",
  "invalid_json",
  "invalid_input",
  "request_timeout",
];
/** Errors of every call with a session. */
export const SESSION_ERRORS: ErrorCode[] = ["unauthenticated"];

/** The `security` of a route that needs a session. */
export const SECURITY = [{ bearer: [] }];

/** The request of a route with a JSON body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { body: { required: true, content: { "application/json": { schema } } } };
}

interface JsonAnswer<Schema extends z.ZodType> {
  description: string;
  content: { "application/json": { schema: Schema } };
}

/** The documented fields and `success: true`; any other field is refused. */
export function success<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject({ success: z.literal(true), ...shape });
}

/** A success without fields of its own. */
export const done = success({}).openapi("Done");

/** The answers of a route: its success, and the errors with these codes. */
export function answers<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  codes: ErrorCode[],
): { 200: JsonAnswer<Schema> } {
  return { 200: { description, content: { "application/json": { schema } } }, ...errorAnswers(codes) };
}

/**
 * The error answers of a route, by HTTP status. Each refers to the common error body and lists the codes that
 * the route can have with that status.
 */
export function errorAnswers(codes: ErrorCode[], common: ErrorCode[] = ALWAYS): Record<number, ErrorAnswer> {
  const byStatus = Map.groupBy(new Set([...codes, ...common]), (code) => STATUS[code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [status, {
      description: codes.map((code) => `\`${code}\`: ${ERROR_TEXTS[code]}.`).join("\n\n"),
      content: {
        "application/json": {
          schema: {
            allOf: [
              { $ref: `#/components/schemas/${ERROR_NAME}` },
              { type: "object", properties: { code: { enum: codes } } },
            ],
          },
        },
      },
    }]),
  );
}

interface ErrorAnswer {
  description: string;
  content: { "application/json": { schema: { allOf: SchemaOrReference[] } } };
}

type SchemaOrReference =
  | { $ref: string }
  | { type: "object"; properties: { code: { enum: ErrorCode[] } } };

/** The name of the common error body among the components of the OpenAPI document. */
export const ERROR_NAME = "ErrorBody";
export const errorBody = z.strictObject({
  success: z.literal(false),
  message: z.string().openapi({ description: "For people to read" }),
  code: z.enum(Object.keys(ERROR_TEXTS) as ErrorCode[])
    .openapi({ description: "For programs; stable" }),
  request_id: z.string().openapi({ description: "Also in X-Request-Id and in the service's log" }),
  retry_after: z.int().positive().optional()
    .openapi({
      description:
        "Seconds until trying again makes sense; also in Retry-After. With `passcode_expired` it only slows down clients " +
        "that repeat a 408 by themselves: only a new passcode helps",
    }),
  issues: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional()
    .openapi({ description: "What is wrong with which fields of the request" }),
  max_bytes: z.int().nonnegative().optional().openapi({
    description: "The limit for the body, or for all media of the user",
  }),
});

/** The answers of a page for people. Each is an HTML document, errors included. */
export function htmlAnswers(description: string, more: Record<number, string>) {
  const content = { "text/html": { schema: z.string() } };
  const texts: Record<number, string> = {
    ...more,
    500: `${ERROR_TEXTS.unexpected}, or the SMS could not be sent.`,
    503: `${ERROR_TEXTS.unavailable}, or SMS are disabled.`,
  };
  const others = Object.fromEntries(
    Object.entries(texts).map(([status, description]) => [status, { description, content }]),
  );
  return { 200: { description, content }, ...others };
}
