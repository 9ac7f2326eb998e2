// The fields of bodies, paths and queries, each with its rule. Bodies are closed: undeclared fields are
// refused. So are NUL and lone surrogates, which PostgreSQL and JSON cannot store.

import { z } from "@hono/zod-openapi";
import { AppError, type Issue } from "../services/errors.ts";
import { parsePhoneNumber } from "../services/phone_number.ts";
import { codePoints, NAME_MAX } from "../services/texts/lengths.ts";

/** Names of types in error messages, to follow "Must be". */
const TYPES: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};
const BAD_PHONE_NUMBER = "Write the number with its country code, as in +14155550123";

/** A phone number in any accepted spelling; the output is E.164. */
export const phoneNumber = z.string()
  .transform((text, context) => {
    const number = parsePhoneNumber(text);
    if (number !== null) return number;
    context.addIssue({ code: "custom", message: BAD_PHONE_NUMBER, params: { code: "invalid_phone_number" } });
    return z.NEVER;
  })
  .openapi({
    type: "string",
    example: "+14155550123",
    description:
      "E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit",
  });

/** A phone number in a path. */
export const phoneNumberParams = z.object({
  phone_number: phoneNumber.openapi({
    param: { name: "phone_number", in: "path" },
    type: "string",
    example: "+14155550123",
  }),
});

/** Text of `min` to `max` code points. */
export function text({ min, max }: { min: number; max: number }) {
  const range = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return z.string()
    .refine((value) => !value.includes("\0") && value.isWellFormed(), "Has a NUL or a lone surrogate")
    .refine((value) => within(codePoints(value), min, max), `Must have ${range} characters`)
    .openapi({ minLength: min, maxLength: max });
}

/**
 * Text of a header. Header values arrive as bytes (RFC 9110, section 5.5), one per character here: valid
 * UTF-8 is decoded, anything else is kept as it is.
 */
export const headerText = z.string().transform((value) => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(value, (byte) => byte.charCodeAt(0)),
    );
  } catch {
    return value;
  }
});

/**
 * Media ids have up to 16 digits. Without `int64`, generated clients of some languages would read them into
 * four bytes.
 */
export const INT64 = { format: "int64", example: 1518102499655752 };

/** An id: a whole number below 2^53. */
export const id = z.int().openapi(INT64);

/** An id in a path or a query. */
export const queryId = z.string()
  .regex(/^-?\d+$/, "Must be an integer")
  .transform(Number)
  .refine(Number.isSafeInteger, "Must be below 2^53")
  .openapi({ type: "integer", ...INT64 });

/**
 * A token in a query, for clients that cannot send headers. It is only documented here: authentication has
 * read it before the query is parsed.
 */
export const queryToken = z.unknown().optional().openapi({
  type: "string",
  description: "Instead of the Authorization header",
});

/** A ticket in a query; only documented here, as `queryToken`. */
export const queryTicket = z.unknown().optional().openapi({
  type: "string",
  description: "From `POST /api/notifications/ticket`",
});

/** Whether a socket also wants `sessions_updated`. */
export const querySessions = z.unknown().optional().openapi({
  type: "boolean",
  description: "true: also send `sessions_updated`",
});

/**
 * In UTF-16 units. Longer than any text of 50 code points after NFC: a composed code point comes from four at
 * most, of two units each.
 */
const NAME_LENGTH_MAX = NAME_MAX * 4 * 2;

/**
 * A private name for a contact: NFC, at most 50 code points, without characters that change the direction of
 * the text around it.
 */
export const displayName = z.string()
  .refine((value) => value.isWellFormed(), "Has a lone surrogate")
  // Before NFC, which takes seconds for a long run of combining marks.
  .refine((value) => value.length <= NAME_LENGTH_MAX, `Must have at most ${NAME_MAX} characters`)
  .transform((value) => value.normalize("NFC"))
  .refine(
    (value) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(value),
    "Has a control or bidi-override character",
  )
  .refine((value) => codePoints(value) <= NAME_MAX, `Must have at most ${NAME_MAX} characters`)
  .openapi({
    type: "string",
    example: "Ann",
    description: `At most ${NAME_MAX} characters after NFC; empty means none`,
  });

/** Turns the error of a schema into our own. */
export function toInputError(error: z.core.$ZodError): AppError {
  const phoneOnly = error.issues.every((issue) =>
    issue.code === "custom" && issue.params?.code === "invalid_phone_number"
  );
  return new AppError(phoneOnly ? "invalid_phone_number" : "invalid_input", {
    issues: error.issues.flatMap(toIssues),
  });
}

/** How much of an unknown key an error message shows. */
const KEY_SHOWN_MAX = 100;

/**
 * The issue for an unknown key. The key is cut, and well-formed even where the cut splits a character (RFC
 * 8259, section 8.2).
 */
export function unknownKey(key: string, at: (key: string) => string = (key) => key): Issue {
  const shown = key.length > KEY_SHOWN_MAX ? `${key.slice(0, KEY_SHOWN_MAX)}...` : key;
  return { path: at(shown.toWellFormed()), message: "Is not a known field" };
}

function toIssues(issue: z.core.$ZodIssue): Issue[] {
  const at = (...more: PropertyKey[]) => [...issue.path, ...more].join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(key, at));
  }
  return [{ path: at(), message: issue.message }];
}

/** The message for an issue whose schema has none of its own. */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "Is missing";
      // For example a query parameter that is given twice.
      if (issue.expected === "string" && Array.isArray(issue.input)) return "Must be one text, not several";
      return `Must be ${TYPES[issue.expected] ?? "of another type"}`;
    case "invalid_value":
      if (issue.input === undefined) return "Is missing";
      return `Must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_big":
      return `Must be at most ${issue.maximum}`;
    case "too_small":
      return `Must be at least ${issue.minimum}`;
    default:
      return undefined;
  }
}

// Set globally, because schemas are made in many files. A message of a schema's own takes precedence.
z.config({ customError: wording });

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
