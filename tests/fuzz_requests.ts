// Generates requests to every route: each field valid, odd or missing, each body valid, odd or damaged.

import fc from "fast-check";
import type { Field, Surface } from "./fuzz_surface.ts";
import { type mutated, mutations, oddJson, oddText } from "./fuzz_values.ts";

type Choice = { is: "right" | "absent" } | { is: "odd"; value: unknown };

export interface FuzzRequest {
  surface: Surface;
  method: string;
  choices: Choice[];
  token: "mine" | "none" | string;
  headers: [name: string, value: string][];
  /** The Content-Type, if it is not the right one. */
  type: string | null;
  /** An extra field of the body, or a replacement of the whole body. */
  added: [name: string, value: unknown] | null;
  body: Uint8Array | null;
  changes: Parameters<typeof mutated>[1] | null;
  fixture: string;
  isChunked: boolean;
}

/** Headers that any request can have. */
const HEADERS = [
  ...[
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "cookie",
    "forwarded",
    "host",
    "if-match",
  ],
  ...[
    "if-none-match",
    "if-range",
    "origin",
    "range",
    "referer",
    "sec-fetch-site",
    "traceparent",
    "user-agent",
    "via",
  ],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-http-method-override", "x-request-id"],
  ...[
    "access-control-request-method",
    "idempotency-key",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "upgrade",
  ],
  ...[
    "upload-concat",
    "upload-defer-length",
    "upload-checksum",
    "upload-metadata",
    "upload-offset",
    "upload-length",
  ],
];
const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PROPFIND",
  "get",
  "X",
  "constructor",
];
const TYPES = [
  ...[
    "application/json",
    "application/json;charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
  ],
  ...[
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x",
    "multipart/mixed",
  ],
  ...[
    "application/offset+octet-stream",
    "application/offset+octet-stream; x",
    "a/b/c",
    'multipart/form-data; boundary="x',
  ],
];
const RAW = [
  "%",
  "%ZZ",
  "%2F",
  "%ff",
  "%00",
  "%u0041",
  "%25",
  "+",
  "a+b",
  ";",
  "=",
  "&&",
  "a=b",
  "%2B14155550102",
  "\xe9",
];
const FIXTURES = [
  "silence.amr",
  "voice.webm",
  "voice.m4a",
  "no_xing.mp3",
  "opus.ogg",
  "vp9.webm",
  "aac.3gp",
  "film.gif",
];

const escaped = oddText.map((text) => encodeURIComponent(text.toWellFormed()));
const ODD: Record<Field["in"], fc.Arbitrary<unknown>> = {
  path: fc.oneof({ weight: 3, arbitrary: escaped }, {
    weight: 1,
    arbitrary: fc.constantFrom(...RAW, ".", "..", "%2e%2e"),
  }),
  query: fc.oneof({ weight: 3, arbitrary: escaped }, { weight: 1, arbitrary: fc.constantFrom(...RAW) }),
  header: oddText,
  body: oddJson,
};

function choiceOf(field: Field): fc.Arbitrary<Choice> {
  const odd = ODD[field.in].map((value): Choice => ({ is: "odd", value }));
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant<Choice>({ is: "right" }) },
    { weight: 3, arbitrary: odd },
    { weight: field.in === "path" ? 0 : 1, arbitrary: fc.constant<Choice>({ is: "absent" }) },
  );
}

/** `value` rarely, `otherwise` mostly. */
function rarely<T, U>(value: fc.Arbitrary<T>, otherwise: U, weight = 8): fc.Arbitrary<T | U> {
  return fc.oneof({ weight, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });
}

export function requestTo(surface: Surface): fc.Arbitrary<FuzzRequest> {
  const header = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...HEADERS), oddText) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constant("x-http-method-override"), fc.constantFrom(...METHODS)),
    },
  );
  return fc.record({
    surface: fc.constant(surface),
    method: rarely(fc.constantFrom(...METHODS), surface.method, 14),
    choices: fc.tuple(...surface.fields.map(choiceOf)) as fc.Arbitrary<Choice[]>,
    token: rarely(fc.oneof(fc.constant("none"), oddText), "mine"),
    headers: rarely(fc.array(header, { minLength: 1, maxLength: 3 }), [], 3),
    type: rarely(fc.constantFrom(...TYPES), null, 12),
    added: rarely(fc.tuple(oddText, oddJson), null, 6),
    body: rarely(fc.oneof(fc.uint8Array({ maxLength: 60 }), oddText.map(utf8)), null, 12),
    changes: rarely(mutations, null, surface.body === "multipart" || surface.body === "tus" ? 1 : 6),
    fixture: fc.constantFrom(...FIXTURES),
    isChunked: rarely(fc.constant(true), false),
  });
}

/** Counts how often each field was odd, by `METHOD pattern place name`. */
export function countOdd({ surface, choices }: FuzzRequest, counts: Map<string, number>): void {
  surface.fields.forEach((field, place) => {
    if (choices[place]!.is !== "odd") return;
    const name = `${surface.method} ${surface.pattern} ${field.in} ${field.name}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
