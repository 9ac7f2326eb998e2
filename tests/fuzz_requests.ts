// Requests of every form to every route: each field right, odd or absent, each body right, odd or spoilt.

import fc from "fast-check";
import { createHmac } from "node:crypto";
import { type Cast, rightValue } from "./fuzz_cast.ts";
import type { Field, Surface } from "./fuzz_surface.ts";
import { mutated, mutations, oddJson, oddText } from "./fuzz_values.ts";
import { PUBLIC_URL } from "./invite_calls.ts";
import { fixture, joined } from "./upload_calls.ts";

type Choice = { is: "right" | "absent" } | { is: "odd"; value: unknown };

export interface FuzzRequest {
  surface: Surface;
  method: string;
  choices: Choice[];
  token: "mine" | "none" | string;
  headers: [name: string, value: string][];
  /** The Content-Type, where it is not the right one. */
  type: string | null;
  /** What stands in the body beside its fields, or in place of all of it. */
  added: [name: string, value: unknown] | null;
  body: Uint8Array | null;
  changes: Parameters<typeof mutated>[1] | null;
  fixture: string;
  isChunked: boolean;
}

/** What any request can have, whatever it asks for. */
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
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "X"];
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

/** `value` now and then, `otherwise` most of the time. */
function rarely<T, U>(value: fc.Arbitrary<T>, otherwise: U, weight = 8): fc.Arbitrary<T | U> {
  return fc.oneof({ weight, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });
}

export function requestTo(surface: Surface): fc.Arbitrary<FuzzRequest> {
  const header = fc.tuple(fc.constantFrom(...HEADERS), oddText);
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

/** How often each field was odd, by `METHOD pattern place name`. */
export function countOdd({ surface, choices }: FuzzRequest, counts: Map<string, number>): void {
  surface.fields.forEach((field, place) => {
    if (choices[place]!.is !== "odd") return;
    const name = `${surface.method} ${surface.pattern} ${field.in} ${field.name}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
}

export interface Encoded {
  /** The address as it is sent. */
  path: string;
  bytes: Uint8Array;
}

/** The request as it goes over the wire, in the name of these people. */
export function encode(request: FuzzRequest, cast: Cast, host: string, authToken: string): Encoded {
  const { surface, method, token, isChunked } = request;
  const given = (place: Field["in"]) =>
    surface.fields.flatMap((field, at): [name: string, value: unknown][] => {
      const choice = request.choices[at]!;
      if (field.in !== place || choice.is === "absent") return [];
      return [[field.name, choice.is === "odd" ? choice.value : rightValue(cast, surface, field)]];
    });
  const inPath = new Map(given("path"));
  const query = given("query").map(([name, value]) => `${name}=${value}`).join("&");
  const path = surface.pattern.replaceAll(/\{(\w+)\}/g, (_, name) => String(inPath.get(name))) +
    (query === "" ? "" : `?${query}`);
  const [type, right] = encodeBody(request, given("body"));
  const whole = request.body ?? (request.changes ? mutated(right, request.changes) : right);
  const body = /GET|HEAD/i.test(method) ? new Uint8Array(0) : whole;

  const headers: [string, unknown][] = [
    ["host", host],
    ...(token === "none"
      ? []
      : [["authorization", `Bearer ${token === "mine" ? cast.me.token : token}`]] as const),
    ...((request.type ?? type) === "" ? [] : [["content-type", request.type ?? type]] as const),
    ...(surface.pattern.startsWith("/api/twilio/")
      ? [["x-twilio-signature", signatureOf(authToken, path, body)]] as const
      : []),
    ...given("header"),
    ...request.headers,
    isChunked ? ["transfer-encoding", "chunked"] : ["content-length", body.length],
  ].map(([name, value]) => [String(name), value]);
  // The last of a name counts: more than one of most of them would be refused before anybody looked.
  const lines = [...new Map(headers)].map(([name, value]) => joined(`${name}: `, headerBytes(value), "\r\n"));
  const framed = isChunked && body.length > 0 ? inChunks(body) : body;
  return {
    path,
    bytes: joined(
      `${method} ${path} HTTP/1.1\r\n`,
      ...lines,
      "\r\n",
      framed,
      isChunked ? "0\r\n\r\n" : "",
    ),
  };
}

function encodeBody(
  { surface, added, fixture: name }: FuzzRequest,
  fields: [string, unknown][],
): [type: string, bytes: Uint8Array] {
  const all = added ? [...fields, added] : fields;
  switch (surface.body) {
    case null:
      return ["", new Uint8Array(0)];
    case "json":
      return [
        "application/json",
        utf8(`{${all.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`),
      ];
    case "form":
      return ["application/x-www-form-urlencoded", utf8(formOf(all))];
    case "multipart":
      return ["multipart/form-data; boundary=x", multipartOf(all, fixture(name))];
    case "tus":
      return ["application/offset+octet-stream", fixture(name).subarray(0, 4_096)];
  }
}

function formOf(fields: [string, unknown][]): string {
  const text = (value: unknown) =>
    typeof value === "string" ? value.toWellFormed() : JSON.stringify(value) ?? "";
  return new URLSearchParams(fields.map(([name, value]) => [name.toWellFormed(), text(value)])).toString();
}

/** A right `file` is a real one; whatever else there is becomes a part of its own. */
function multipartOf(fields: [string, unknown][], file: Uint8Array): Uint8Array {
  const parts = fields.map(([name, value]) =>
    joined(
      `--x\r\nContent-Disposition: form-data; name="${name}"; filename="voice"\r\n\r\n`,
      name === "file" && value === "text" ? file : String(JSON.stringify(value)),
      "\r\n",
    )
  );
  return joined(...parts, "--x--\r\n");
}

/** As Twilio signs (https://www.twilio.com/docs/usage/security): the address, then the sorted fields. */
function signatureOf(authToken: string, path: string, body: Uint8Array): string {
  const form = new URLSearchParams(new TextDecoder().decode(body));
  const fields = [...new Set(form.keys())].sort()
    .map((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value).join(""));
  return createHmac("sha1", authToken).update(`${PUBLIC_URL}${path}${fields.join("")}`).digest("base64");
}

/** What can stand in a header's value at all (RFC 9110, section 5.5). */
function headerBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return utf8(String(value).toWellFormed()).filter((byte) => byte === 9 || (byte >= 32 && byte !== 127));
}

function inChunks(body: Uint8Array): Uint8Array {
  const half = Math.ceil(body.length / 2);
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
  return joined(...chunks.flatMap((chunk) => [`${chunk.length.toString(16)}\r\n`, chunk, "\r\n"]));
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
