// Generates the types of the API for the web client from the OpenAPI document.

import openapiTypescript, { astToString } from "openapi-typescript";
import { type Document, readDocument } from "./operations.ts";
import type { TestApp } from "./support.ts";

export const API_TYPES = new URL("../web/api.ts", import.meta.url);
const HEADER = "// Made from the OpenAPI document by `deno task web:types`; not written by hand.\n\n";

/** The expected content of the file, formatted. */
export async function makeApiTypes(t: TestApp): Promise<string> {
  const ast = await openapiTypescript(successes(await readDocument(t)), { emptyObjectsUnknown: true });
  return await format(HEADER + astToString(ast));
}

/**
 * Reduces the document to the successes of the API without descriptions: errors have one form everywhere, and
 * are told apart by their codes.
 */
function successes(document: Document): Document {
  const paths = Object.entries<Document>(document.paths).filter(([path]) => path.startsWith("/api/"));
  for (const [, methods] of paths) {
    for (const operation of Object.values<Document>(methods)) {
      const { parameters, requestBody, responses } = operation;
      const answers = Object.entries(responses).filter(([status]) => Number(status) < 300);
      for (const key of Object.keys(operation)) delete operation[key];
      Object.assign(operation, {
        ...(parameters ? { parameters } : {}),
        ...(requestBody ? { requestBody } : {}),
        responses: Object.fromEntries(answers),
      });
    }
  }
  return { ...document, paths: Object.fromEntries(paths) };
}

async function format(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "ts", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout } = await child.output();
  if (code !== 0) throw new Error("deno fmt refused the types");
  return new TextDecoder().decode(stdout);
}
