import { Validator } from "@seriousme/openapi-schema-validator";
import { ERROR_TEXTS } from "../services/errors.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createAjv } from "./openapi_checker.ts";
import { type Document, isPage, listOperations, readDocument } from "./operations.ts";
import { type TestApp, withApp } from "./support.ts";

/** Answered because of the address and the method alone, so that no operation can document them. */
const OF_NO_OPERATION = ["not_found", "method_not_allowed", "uri_too_long"];
const PUBLIC =
  /^\/($|app(\/|$)|i\/|openapi\.json$|healthz$|readyz$|dev(\/|$)|api\/twilio\/|api\/auth\/(complete-)?sign(up|in)$)/;

function overDocument(check: (document: Document, t: TestApp) => void | Promise<void>): Promise<void> {
  return withApp(async (t) => await check(await readDocument(t), t));
}

/** Every operation of the document with its name. */
function operationsOf(document: Document): [string, Document][] {
  return Object.entries<Document>(document.paths).flatMap(([pattern, methods]) =>
    Object.entries<Document>(methods).map(([method, operation]): [string, Document] => [
      `${method.toUpperCase()} ${pattern}`,
      operation,
    ])
  );
}

/** Every object in the document that satisfies a test, with its path. */
function search(node: Document, wanted: (node: Document) => boolean, at = "#"): [string, Document][] {
  if (typeof node !== "object" || node === null) return [];
  const here: [string, Document][] = wanted(node) ? [[at, node]] : [];
  return [...here, ...Object.entries(node).flatMap(([key, value]) => search(value, wanted, `${at}/${key}`))];
}

function resolve(document: Document, schema: Document): Document {
  const name = schema?.$ref?.split("/").at(-1);
  return name ? document.components.schemas[name] : schema;
}

Deno.test("/openapi.json is valid OpenAPI 3.1", () =>
  overDocument(async (document) => {
    const result = await new Validator().validate(structuredClone(document));
    ok(result.valid, JSON.stringify(result.errors, null, 2));
    equal(document.openapi, "3.1.0");
  }));

Deno.test("/openapi.json shows its servers under PUBLIC_URL", () =>
  withApp(async (t) => {
    deepEqual((await readDocument(t)).servers, [{ url: "https://talk.example" }]);
  }, { env: { PUBLIC_URL: "https://talk.example" } }));

Deno.test("/openapi.json is serialised once, however often it is requested", () =>
  overDocument(async (document, t) => {
    const { stringify } = JSON;
    let written = 0;
    JSON.stringify = (value: unknown, ...rest: unknown[]) => {
      if (typeof value === "object" && value !== null && "openapi" in value) written += 1;
      return Reflect.apply(stringify, JSON, [value, ...rest]);
    };
    try {
      for (let times = 0; times < 3; times += 1) deepEqual(await readDocument(t), document);
    } finally {
      JSON.stringify = stringify;
    }
    equal(written, 0);
  }));

Deno.test("/openapi.json describes every operation and each of its answers", () =>
  overDocument((document) => {
    const tags = new Set(document.tags.map(({ name }: Document) => name));
    for (const [name, operation] of operationsOf(document)) {
      ok(operation.summary, `${name} has no summary`);
      equal(operation.tags?.length, 1, `${name} has no tag`);
      ok(tags.has(operation.tags[0]), `${name} is of ${operation.tags[0]}, which is not explained`);
      for (const [status, { description }] of Object.entries<Document>(operation.responses)) {
        ok(description, `${name} ${status} has no description`);
      }
    }
  }));

Deno.test("/openapi.json documents every success except its own with success: true", () =>
  overDocument((document) => {
    for (const [name, { responses }] of operationsOf(document)) {
      const schema = resolve(document, responses["200"]?.content?.["application/json"]?.schema);
      if (!schema || name === "GET /openapi.json") continue;
      ok(schema.required.includes("success"), name);
      deepEqual(schema.properties.success.enum, [true], name);
      equal(schema.additionalProperties, false, name);
    }
  }));

Deno.test("/openapi.json documents every error with the fields and the codes that it can have", () =>
  overDocument((document) => {
    const { required, additionalProperties } = document.components.schemas.ErrorBody;
    deepEqual(required, ["success", "message", "code", "request_id"]);
    equal(additionalProperties, false);
    for (const [name, operation] of operationsOf(document)) {
      const { responses } = operation;
      ok(responses["500"] || name.startsWith("OPTIONS"), `${name} has no 500`);
      for (const [status, { content }] of Object.entries<Document>(responses)) {
        if (Number(status) < 400) continue;
        const isForm = name.includes("/i/");
        if (isForm) deepEqual(Object.keys(content), ["text/html"], `${name} ${status}`);
        if (isForm) continue;
        const [error, { properties }] = content["application/json"].schema.allOf;
        deepEqual(error, { $ref: "#/components/schemas/ErrorBody" }, `${name} ${status}`);
        for (const code of properties.code.enum) ok(code in ERROR_TEXTS, `${name} ${status} ${code}`);
      }
    }
  }));

Deno.test("/openapi.json documents every error code at some operation, except those of no operation", () =>
  overDocument((document) => {
    const documented = new Set(
      search(document.paths, (node) => Array.isArray(node.code?.enum)).flatMap(([, { code }]) => code.enum),
    );
    const missing = Object.keys(ERROR_TEXTS).filter((code) =>
      !documented.has(code) && !OF_NO_OPERATION.includes(code)
    );
    deepEqual(missing, []);
  }));

Deno.test("/openapi.json requires a token wherever one is needed, with its 401, and nowhere else", () =>
  overDocument((document) => {
    for (const [pattern, methods] of Object.entries<Document>(document.paths)) {
      for (const [method, operation] of Object.entries<Document>(methods)) {
        const { security, responses } = operation;
        const name = `${method} ${pattern}`;
        equal(security.length === 0, PUBLIC.test(pattern) || method === "options", name);
        // The page of an invitation carries its session in a form.
        if (!isPage(operation)) equal("401" in responses, security.length > 0, name);
        for (const scheme of security.flatMap(Object.keys)) {
          ok(document.components.securitySchemes[scheme], `${name} ${scheme}`);
        }
      }
    }
  }));

Deno.test("/openapi.json documents the body of every call that takes one, without other properties, and its errors", () =>
  overDocument((document) => {
    const operations = listOperations(document).filter(({ body }) => body === "fields");
    ok(operations.length >= 13);
    for (const { method, pattern, statuses } of operations) {
      const { requestBody } = document.paths[pattern][method.toLowerCase()];
      const content = requestBody.content["application/json"];
      ok(requestBody.required, pattern);
      if (content) equal(resolve(document, content.schema).additionalProperties, false, pattern);
      for (const status of ["400", "413", "415"]) ok(statuses.includes(status), `${pattern} ${status}`);
    }
  }));

Deno.test("/openapi.json documents what a client of uploads has to send and to read", () =>
  overDocument((document) => {
    const [begin, one] = [document.paths["/api/uploads"].post, document.paths["/api/uploads/{id}"]];
    const headersOf = ({ parameters }: Document) =>
      parameters.filter((parameter: Document) => parameter.in === "header").map(({ name }: Document) => name);
    deepEqual(headersOf(begin), ["Tus-Resumable", "Upload-Length", "Upload-Metadata"]);
    deepEqual(headersOf(one.patch), ["Tus-Resumable", "Upload-Offset"]);
    equal(one.patch.requestBody.required, true);
    equal(begin.requestBody.required, false);
    for (
      const [operation, status, header] of [
        [begin, "201", "Location"],
        [one.head, "200", "Upload-Offset"],
        [one.patch, "204", "Upload-Offset"],
        [document.paths["/api/messages/media/{id}"].get, "206", "Content-Range"],
        [one.patch, "503", "Retry-After"],
        [begin, "413", "X-Request-Id"],
      ] as const
    ) ok(operation.responses[status].headers[header], `${status} ${header}`);
  }));

Deno.test("/openapi.json documents the WebSocket: its upgrade, its refusals, its frames", () =>
  overDocument((document) => {
    const { responses, security, description } = document.paths["/api/notifications"].get;
    ok(responses["101"] && responses["401"] && responses["426"]);
    deepEqual(security, [{ bearer: [] }, { ticket: [] }, { queryToken: [] }]);
    for (const code of ["1001", "1008", "4001", "4002"]) ok(description.includes(code), code);
    const frames = document.components.schemas.Notification.oneOf;
    deepEqual(
      frames.map((frame: Document) => [frame.properties.event.enum[0], frame.required]),
      [
        ["connected", ["event", "timestamp"]],
        ["contacts_updated", ["event", "timestamp"]],
        ["sessions_updated", ["event", "timestamp"]],
        ["messages_updated", ["event", "sender", "timestamp"]],
      ],
    );
  }));

Deno.test("/openapi.json lets no path or query parameter be null", () =>
  overDocument((document) => {
    const parameters = search(document.paths, (node) => node.in === "path" || node.in === "query");
    ok(parameters.length > 0);
    for (const [at, { schema, name, required }] of parameters) {
      equal(typeof schema.type, "string", `${at} ${name} is ${JSON.stringify(schema)}`);
      if (at.includes("{")) equal(required, at.includes(`{${name}}`), `${at} ${name}`);
    }
  }));

Deno.test("/openapi.json declares every numeric id as int64", () =>
  overDocument((document) => {
    const numbers = search(document, (node) => [node.type].flat().includes("integer"));
    const ids = numbers.filter(([at, { format }]) =>
      format === "int64" || /id\b/.test(at.split("/").at(-1)!)
    );
    ok(ids.length > 5);
    for (const [at, { format }] of ids) equal(format, "int64", at);
    const parameters = search(
      document.paths,
      ({ in: place, name, schema }) =>
        (place === "path" || /id$|^before$|^after$/.test(name)) && schema?.type === "integer",
    );
    ok(parameters.length > 5);
    for (const [at, { schema }] of parameters) equal(schema.format, "int64", at);
  }));

Deno.test("/openapi.json has no example that its own schema refuses", () =>
  overDocument((document) => {
    const ajv = createAjv();
    const exemplary = search(document, (node) => "example" in node && "type" in node);
    ok(exemplary.length > 0);
    for (const [at, schema] of exemplary) {
      ok(ajv.validate(schema, schema.example), `${at}: ${ajv.errorsText()}`);
    }
  }));
