// The documented operations as a table for tests, each with a path and a body that it would accept.

import type { TestApp } from "./support.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Operation {
  method: string;
  /** As documented, for example `/api/contacts/{phone_number}`. */
  pattern: string;
  /** The pattern with values for its parameters. */
  path: string;
  needsToken: boolean;
  /**
   * Whether the body is JSON with fields, JSON without fields, or something else; null if no body is read.
   */
  body: "fields" | "none" | "other" | null;
  /** A valid value of each field, optional ones included. */
  sample: Record<string, Json>;
  /** The documented statuses. */
  statuses: string[];
}

/** A valid value for everything that a path or a body can name. */
const VALUES: Record<string, Json> = {
  phone_number: "+14155550177",
  passcode: "123456",
  device: "Phone",
  display_name: "Dan",
  message_type: "text",
  message: "Hello",
  media_content_id: 42,
  client_id: "one",
  message_id: 42,
  id: "AAAAAAAAAAAAAAAAAAAAAA",
  token: "AAAAAAAAAAAAAAAAAAAAAA",
  // At a known push service, at an address where nothing is.
  endpoint: "https://nothing.push.services.mozilla.com/wpush/v2/nothing",
  expirationTime: null,
  keys: {
    p256dh: "BBsE88UOE0DQtkx2Y3nCbH-z4XQOE17NYbRt52_C9H_nFBXJoXexa0W31CVVllHsOuZ94RoMhrSF7tKSxBeMtxk",
    auth: "AAAAAAAAAAAAAAAAAAAAAA",
  },
};

// deno-lint-ignore no-explicit-any -- an OpenAPI document is walked by path, not by type
export type Document = any;

export async function readDocument(t: TestApp): Promise<Document> {
  return (await t.call("GET", "/openapi.json")).body;
}

/** The operations of the API, without pages for people. */
export function listOperations(document: Document): Operation[] {
  return Object.entries<Document>(document.paths).flatMap(([pattern, methods]) =>
    Object.entries<Document>(methods).filter(([, operation]) => !isPage(operation)).map((
      [method, operation],
    ) => ({
      method: method.toUpperCase(),
      pattern,
      path: pattern.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(valueOf(name)))),
      needsToken: operation.security.length > 0,
      body: bodyOf(pattern, operation),
      sample: sampleOf(document, operation),
      statuses: Object.keys(operation.responses),
    }))
  );
}

/** Whether it serves pages for people, or parts of them, rather than JSON. */
export function isPage({ responses, tags }: Document): boolean {
  return responses["200"]?.content?.["text/html"] !== undefined || tags?.includes("Web client");
}

function bodyOf(pattern: string, { requestBody, responses }: Document): Operation["body"] {
  if (requestBody?.content["application/json"]) return "fields";
  if (requestBody || /upload|media/.test(pattern)) return "other";
  return responses["415"] ? "none" : null;
}

function sampleOf(document: Document, { requestBody }: Document): Record<string, Json> {
  const content = requestBody?.content["application/json"];
  if (!content) return {};
  const name = content.schema.$ref?.split("/").at(-1);
  const schema = name ? document.components.schemas[name] : content.schema;
  return Object.fromEntries(Object.keys(schema.properties).map((field) => [field, valueOf(field)]));
}

function valueOf(field: string): Json {
  const value = VALUES[field];
  if (value === undefined) throw new Error(`Give tests/operations.ts a value for "${field}"`);
  return value;
}

/** Sends a raw head, which fetch() would repair or refuse, and returns the status line. */
export async function sendRaw(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  // Without an answer in this time the result is empty.
  const timer = setTimeout(() => connection.close(), 3_000);
  try {
    await connection.write(new TextEncoder().encode(head.replaceAll("\n", "\r\n")));
    const buffer = new Uint8Array(1_024);
    const length = await connection.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, length)).split("\r\n")[0]!;
  } catch {
    return "";
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch { /* the time was up */ }
  }
}
