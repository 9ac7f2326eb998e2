// Everything that a client can send, read from the OpenAPI document. New routes and fields are fuzzed without
// a change here, except callbacks of a provider (`urlOf` in fuzz_encoding.ts) and fields that refer to
// something existing (`rightValue` in fuzz_cast.ts).

import type { Document } from "./operations.ts";

export interface Field {
  in: "path" | "query" | "header" | "body";
  name: string;
  /** A valid value, if there is one that is valid for everybody. */
  right: unknown;
}

export interface Surface {
  method: string;
  /** As documented, for example `/api/contacts/{phone_number}`. */
  pattern: string;
  fields: Field[];
  body: "json" | "form" | "multipart" | "tus" | null;
  needsToken: boolean;
}

const BODIES: Record<string, Surface["body"]> = {
  "application/json": "json",
  "application/x-www-form-urlencoded": "form",
  "multipart/form-data": "multipart",
};
/** Headers of the protocol, which the document does not repeat. */
const TUS_HEADERS: Record<string, string> = {
  "tus-resumable": "1.0.0",
  "upload-length": "4096",
  "upload-offset": "0",
  "upload-metadata": `media_type ${btoa("audio")}`,
};

export function readSurfaces(document: Document): Surface[] {
  return Object.entries<Document>(document.paths).flatMap(([pattern, methods]) =>
    Object.entries<Document>(methods).map(([method, operation]) =>
      readSurface(document, method.toUpperCase(), pattern, operation)
    )
  );
}

function readSurface(document: Document, method: string, pattern: string, operation: Document): Surface {
  const isTus = /\(tus\)$/.test(operation.summary) || pattern === "/api/uploads";
  const [type, content] = Object.entries<Document>(operation.requestBody?.content ?? {})[0] ?? [];
  const parameters = (operation.parameters ?? []).map((parameter: Document): Field => ({
    in: parameter.in,
    name: parameter.name,
    right: rightOf(parameter.schema),
  }));
  const headers = Object.entries(isTus ? TUS_HEADERS : {})
    .map(([name, right]): Field => ({ in: "header", name, right }));
  const body = type === undefined
    ? (isTus && /POST|PATCH/.test(method) ? "tus" : null)
    : BODIES[type] ?? "form";
  return {
    method,
    pattern,
    fields: [...parameters, ...headers, ...readBody(document, content?.schema)],
    body,
    needsToken: operation.security.length > 0,
  };
}

function readBody(document: Document, schema: Document): Field[] {
  const name = schema?.$ref?.split("/").at(-1);
  const properties = (name ? document.components.schemas[name] : schema)?.properties ?? {};
  return Object.entries<Document>(properties).map(([name, property]) => ({
    in: "body",
    name,
    right: rightOf(property),
  }));
}

function rightOf(schema: Document): unknown {
  const { example, default: otherwise, enum: values, type } = schema ?? {};
  const isNumber = [type].flat().some((one) => one === "integer" || one === "number");
  return example ?? otherwise ?? values?.[0] ?? (isNumber ? 1 : "text");
}
