// The fields that bodies, paths and queries are made of, each with its rule. Bodies are closed: what is not
// declared is refused, and so are NUL and lone surrogates, which PostgreSQL and JSON could not keep.

import { z } from "@hono/zod-openapi";
import { AppError, type Issue } from "../services/errors.ts";
import { parsePhoneNumber } from "../services/phone_number.ts";
import { codePoints, NAME_MAX } from "../services/texts/lengths.ts";

/** What a schema calls the types, in words that go on after "Must be". */
const TYPES: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};
const BAD_PHONE_NUMBER = "Write the number with its country code, as in +14155550123";

/** A phone number in any spelling, as its canonical form. */
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
      "E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. The 0 of +44 (0)7700 would be a digit of it",
  });

/** The same in a path. */
export const phoneNumberParams = z.object({
  phone_number: phoneNumber.openapi({
    param: { name: "phone_number", in: "path" },
    type: "string",
    example: "+14155550123",
  }),
});

/** Text of so many code points. */
export function text({ min, max }: { min: number; max: number }) {
  const range = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return z.string()
    .refine((value) => !value.includes("\0") && value.isWellFormed(), "Has a NUL or a lone surrogate")
    .refine((value) => within(codePoints(value), min, max), `Must have ${range} characters`)
    .openapi({ minLength: min, maxLength: max });
}

/** Text of a header, which comes byte by byte (RFC 9110, section 5.5): UTF-8 where it is that. */
export const headerText = z.string().transform((value) => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(value, (byte) => byte.charCodeAt(0)),
    );
  } catch {
    return value;
  }
});

/** Ids of media have up to sixteen digits, which some languages read into four bytes unless they are told. */
export const INT64 = { format: "int64", example: 1518102499655752 };

/** An id: a whole number below 2^53. */
export const id = z.int().openapi(INT64);

/** The same in a query. */
export const queryId = z.string()
  .regex(/^-?\d+$/, "Must be an integer")
  .transform(Number)
  .refine(Number.isSafeInteger, "Must be below 2^53")
  .openapi({ type: "integer", ...INT64 });

/** A token in a query, where no header can be sent. It was judged before the query is: here it is only documented. */
export const queryToken = z.unknown().optional().openapi({
  type: "string",
  description: "Instead of the Authorization header",
});

/** The same of a ticket. */
export const queryTicket = z.unknown().optional().openapi({
  type: "string",
  description: "From `POST /api/notifications/ticket`",
});

/** What a socket asks for beside the others. */
export const querySessions = z.unknown().optional().openapi({
  type: "boolean",
  description: "true: `sessions_updated` as well",
});

/** Longer than any text that has 50 code points after NFC: none of those comes apart into more than four. */
const NAME_LENGTH_MAX = NAME_MAX * 4 * 2;

/** A private name for somebody: NFC, at most 50 code points, nothing that turns the text around it. */
export const displayName = z.string()
  .refine((value) => value.isWellFormed(), "Has a lone surrogate")
  // Before NFC, which takes seconds for a long row of marks.
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

/** Turns what a schema refuses into the error that says so. */
export function toInputError(error: z.core.$ZodError): AppError {
  const phoneOnly = error.issues.every((issue) =>
    issue.code === "custom" && issue.params?.code === "invalid_phone_number"
  );
  return new AppError(phoneOnly ? "invalid_phone_number" : "invalid_input", {
    issues: error.issues.flatMap(toIssues),
  });
}

/** Of a key that is not known. */
const KEY_SHOWN_MAX = 100;

/** Says that a key is not known: by as much as an answer may carry, and without halves of characters (RFC 8259, 8.2). */
export function unknownKey(key: string, at: (key: string) => string = (key) => key): Issue {
  const shown = key.length > KEY_SHOWN_MAX ? `${key.slice(0, KEY_SHOWN_MAX)}...` : key;
  return { path: at(shown.toWellFormed()), message: "Is not known here" };
}

function toIssues(issue: z.core.$ZodIssue): Issue[] {
  const at = (...more: PropertyKey[]) => [...issue.path, ...more].join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(key, at));
  }
  return [{ path: at(), message: issue.message }];
}

/** What a schema says that has no words of its own for it. */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "Is missing";
      // A query that has it twice, for one.
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

// The schemas are made in many places; words of its own that one of them has go before these.
z.config({ customError: wording });

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
