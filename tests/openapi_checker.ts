// Checks every answer against the OpenAPI document: a status, a code or a field that is not documented fails
// the test.

import addFormats from "ajv-formats";
import { Ajv2020, type ValidateFunction } from "ajv/2020";
import type { Document } from "./operations.ts";

export interface Checker {
  /** @throws when the document does not allow this answer to this call */
  check(method: string, path: string, answer: { status: number; headers: Headers; body: unknown }): void;
}

/** A validator of JSON Schema 2020-12, as OpenAPI 3.1 has it, with its formats. */
export function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  // A CommonJS default export, which its type declarations describe as a module.
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  return ajv;
}

export function createChecker(document: Document): Checker {
  const ajv = createAjv();
  ajv.addSchema(document, "api");
  const validators = new Map<string, ValidateFunction>();

  function validator(pointer: string): ValidateFunction {
    const known = validators.get(pointer) ?? ajv.compile({ $ref: `api#${pointer}` });
    validators.set(pointer, known);
    return known;
  }

  /** A path without parameters takes precedence over one with them. */
  function patternOf(path: string): string | undefined {
    const patterns = Object.keys(document.paths);
    return patterns.find((pattern) => pattern === path) ??
      patterns.find((pattern) => new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path));
  }

  return {
    check(method, address, { status, body }) {
      const pattern = patternOf(address.split("?")[0]!);
      // A map, because some methods are named like properties of every object.
      const operations = new Map<string, Document>(
        Object.entries(pattern === undefined ? {} : document.paths[pattern]),
      );
      const operation = operations.get(method.toLowerCase());
      // For undocumented addresses and methods only the error's form can be checked.
      if (!operation) return;
      const where = `${method} ${pattern} ${status}`;
      const answer = operation.responses[String(status)];
      if (!answer) throw new Error(`Not documented: ${where} ${JSON.stringify(body)}`);
      if (!answer.content) {
        if (body === null) return;
        throw new Error(`Not documented: a body of ${where}: ${JSON.stringify(body)}`);
      }
      const escape = (name: string) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
      const pointer = [
        "paths",
        pattern!,
        method.toLowerCase(),
        "responses",
        String(status),
        "content",
        "application/json",
        "schema",
      ]
        .map((name) => `/${escape(name)}`).join("");
      const validate = validator(pointer);
      if (validate(body)) return;
      throw new Error(
        `Not as documented: ${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`,
      );
    },
  };
}
