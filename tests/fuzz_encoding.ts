// Encodes a fuzzed request as bytes.

import { createHmac } from "node:crypto";
import { type Cast, rightValue } from "./fuzz_cast.ts";
import type { FuzzRequest } from "./fuzz_requests.ts";
import type { Field } from "./fuzz_surface.ts";
import { mutated } from "./fuzz_values.ts";
import { PUBLIC_URL } from "./invite_calls.ts";
import { fixture, joined } from "./upload_calls.ts";

export interface Encoded {
  /** The path as it is sent. */
  path: string;
  bytes: Uint8Array;
}

/** Encodes a request on behalf of these people. */
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
  // The last header of a name counts: most duplicates would be refused at once.
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

/** A valid `file` is a real file; everything else becomes a part of its own. */
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

/**
 * Twilio's signature (https://www.twilio.com/docs/usage/security): of the address, then the sorted fields.
 */
function signatureOf(authToken: string, path: string, body: Uint8Array): string {
  const form = new URLSearchParams(new TextDecoder().decode(body));
  const fields = [...new Set(form.keys())].sort()
    .map((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value).join(""));
  return createHmac("sha1", authToken).update(`${PUBLIC_URL}${path}${fields.join("")}`).digest("base64");
}

/** Keeps the bytes that a header value may have (RFC 9110, section 5.5). */
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
