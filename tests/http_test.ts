import { deepEqual, equal, match, ok } from "./assert.ts";
import { listOperations, type Operation, readDocument, sendRaw } from "./operations.ts";
import { ANN, type Answer, refused, type TestApp, withApp } from "./support.ts";

const LARGE = "x".repeat(70_000);
const JSON_TYPE = { "content-type": "application/json" };

/** Runs a check for the documented operations, with a token of Ann's. A failure names the operation. */
function overOperations(
  wanted: (operation: Operation) => boolean,
  check: (t: TestApp, operation: Operation, token: string) => Promise<void>,
): Promise<void> {
  return withApp(async (t) => {
    const operations = listOperations(await readDocument(t)).filter(wanted);
    ok(operations.length > 1, "Nothing was tested");
    const { token } = await t.signUp(ANN);
    for (const operation of operations) {
      try {
        await check(t, operation, token);
      } catch (error) {
        throw new Error(`${operation.method} ${operation.pattern}`, { cause: error });
      }
    }
  });
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"];
/** Including names that every object has. */
const INVENTED = ["PROPFIND", "constructor", "toString", "__proto__"];

/** Makes the call, with a token if it needs one, so that its body is judged. */
function put(
  t: TestApp,
  { method, path, needsToken }: Operation,
  token: string,
  raw?: BodyInit,
  headers = {},
) {
  return t.call(method, path, {
    headers: { ...JSON_TYPE, ...headers },
    ...(raw === undefined ? {} : { raw }),
    ...(needsToken ? { token } : {}),
  });
}

Deno.test("an address that does not exist is 404 whatever the method, the token and the body", () =>
  withApp(async (t) => {
    const addresses = [
      "/nope",
      "//",
      "/api",
      "/api/",
      "/api/contacts/",
      "/api/messages",
      "/api/contacts/a/b",
      "/healthz/",
      "/API/contacts",
    ];
    for (const path of addresses) {
      for (const method of [...METHODS, ...INVENTED]) {
        const raw = method === "GET" ? {} : { raw: LARGE, headers: { "content-type": "text/plain" } };
        refused(await t.call(method, path, { token: "no token", ...raw }), 404, "not_found");
      }
      equal((await t.call("HEAD", path)).status, 404);
    }
  }));

Deno.test("an existing address answers other methods with 405 and the allowed ones, before it asks for a session", () =>
  withApp(async (t) => {
    const operations = listOperations(await readDocument(t));
    const addresses = Map.groupBy(operations, ({ path }) => path);
    for (const [path, taken] of addresses) {
      const allowed = new Set(taken.flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]));
      for (const method of [...METHODS, ...INVENTED]) {
        if (allowed.has(method)) continue;
        const answer = await t.call(method, path, method === "GET" ? {} : { raw: LARGE });
        refused(answer, 405, "method_not_allowed");
        deepEqual(new Set(answer.headers.get("allow")?.split(", ")), allowed, `${method} ${path}`);
      }
    }
  }));

Deno.test("an address without parameters is never taken for one with a parameter", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const [path, allow] of [["/api/messages/send", "POST"], ["/api/contacts/request", "PUT, POST"]]) {
      for (const method of ["GET", "DELETE"]) {
        const answer = await t.call(method, path!, { token });
        refused(answer, 405, "method_not_allowed");
        equal(answer.headers.get("allow"), allow);
      }
    }
  }));

Deno.test("a call that needs a session is 401 before its query and its body are checked", () =>
  overOperations(({ needsToken }) => needsToken, async (t, { method, path }) => {
    const attempts = [{}, { authorization: "Bearer nonsense" }, { authorization: "Basic YTpi" }];
    for (const headers of attempts) {
      for (const raw of /GET|HEAD/.test(method) ? [undefined] : [LARGE, "{", undefined]) {
        const answer = await t.call(method, `${path}?count=x&status=x&before=x&token=a&token=b`, {
          headers: { "content-type": "text/plain", ...headers },
          ...(raw === undefined ? {} : { raw }),
        });
        if (method === "HEAD") equal(answer.status, 401);
        else refused(answer, 401, "unauthenticated");
        equal(answer.headers.get("www-authenticate"), "Bearer");
      }
    }
  }));

Deno.test("a body that does not declare itself JSON in UTF-8 is 415 before its size is checked", () =>
  overOperations(({ body }) => body === "fields" || body === "none", async (t, operation, token) => {
    const types = ["text/plain", "", "application/vnd.api+json", "application/json; charset=latin1"];
    for (const type of types) {
      const answer = await put(t, operation, token, new TextEncoder().encode(LARGE), {
        "content-type": type,
      });
      refused(answer, 415, "unsupported_media_type");
    }
    const answer = await put(t, operation, token, "[", {
      "content-type": 'Application/JSON; Charset="UTF-8"',
    });
    refused(answer, 400, "invalid_json");
  }));

Deno.test("a body may declare itself JSON in any valid spelling", () =>
  withApp(async (t) => {
    const types = [
      "application/json;",
      "application/json ; charset=utf-8",
      'APPLICATION/JSON;CHARSET="UTF-8";',
      "application/json;\tcharset=UTF8",
    ];
    for (const type of types) {
      const answer = await t.call("POST", "/api/auth/signin", {
        raw: JSON.stringify({ phone_number: "+14155550100" }),
        headers: { "content-type": type },
      });
      refused(answer, 404, "not_registered");
    }
  }));

Deno.test("a body over 64 KiB is 413 before its JSON is checked, whether its length is declared or not", () =>
  overOperations(({ body }) => body === "fields" || body === "none", async (t, operation, token) => {
    const chunked = new Blob([LARGE]).stream();
    for (const raw of [LARGE, chunked]) {
      const answer = await put(t, operation, token, raw);
      refused(answer, 413, "too_large");
      equal(answer.body.max_bytes, 65_536);
    }
    const largest = await put(t, operation, token, `[]${" ".repeat(65_534)}`);
    refused(largest, 400, "invalid_input");
    refused(await put(t, operation, token, `[]${" ".repeat(65_535)}`), 413, "too_large");
  }));

Deno.test("a body that is only declared too large is refused without waiting for it", () =>
  withApp(async (t) => {
    const text = await sendRaw(
      t.url,
      "POST /api/auth/signup HTTP/1.1\nHost: localhost\nContent-Type: application/json\n" +
        "Content-Length: 9000000000\n\n",
    );
    match(text, /^HTTP\/1.1 413 /);
  }));

Deno.test("a body that is not JSON, not UTF-8 or not there is 400 invalid_json", () =>
  overOperations(({ body }) => body === "fields", async (t, operation, token) => {
    const invalidUtf8 = new Uint8Array([0x22, 0xc3, 0x28, 0x22]);
    const surrogateInUtf8 = new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]);
    const bodies = ["", "{", "{'a':1}", "undefined", "NaN", '{"a":1}x', "[".repeat(30_000), '"\u0000"'];
    for (const raw of [undefined, ...bodies, invalidUtf8, surrogateInUtf8]) {
      refused(await put(t, operation, token, raw), 400, "invalid_json");
    }
  }));

Deno.test("every error has the id of its request in body and header, and no two have the same id", () =>
  withApp(async (t) => {
    const answers: Answer[] = [];
    for (const path of ["/nope", "/api/contacts", "/api/auth/signup", "/api/notifications"]) {
      answers.push(
        await t.call("GET", path),
        await t.call("GET", path, { headers: { "x-request-id": "mine" } }),
      );
    }
    for (const { body, headers } of answers) equal(body.request_id, headers.get("x-request-id"));
    equal(new Set(answers.map(({ body }) => body.request_id)).size, answers.length);
  }));

Deno.test("every answer has X-Request-Id, nosniff and no-store, including a success and a HEAD", () =>
  withApp(async (t) => {
    for (const method of ["GET", "HEAD"]) {
      for (const path of ["/", "/healthz", "/readyz", "/openapi.json", "/nope", "/api/contacts"]) {
        const { headers } = await t.call(method, path);
        match(headers.get("x-request-id") ?? "", /^[\da-f-]{36}$/);
        equal(headers.get("x-content-type-options"), "nosniff");
        equal(headers.get("cache-control"), "no-store");
        match(headers.get("content-type") ?? "", /^application\/json/);
      }
    }
  }));

Deno.test("HEAD answers as GET does, without the body", () =>
  overOperations(({ method }) => method === "GET", async (t, { path, needsToken }, token) => {
    const ask = needsToken ? { token } : {};
    const [head, get] = [await t.call("HEAD", path, ask), await t.call("GET", path, ask)];
    deepEqual([head.status, head.body], [get.status, null]);
    // All request ids have the same length, and no list has changed in between.
    equal(head.headers.get("content-length"), get.headers.get("content-length"));
  }));

Deno.test("unknown query keys are ignored", () =>
  overOperations(
    ({ method, pattern }) => method === "GET" && !pattern.includes("notif"),
    async (t, op, token) => {
      const ask = op.needsToken ? { token } : {};
      const plain = await t.call("GET", op.path, ask);
      const more = await t.call("GET", `${op.path}?__proto__=1&constructor=2&x=%ZZ&y=%00&=&&utm[]=1`, ask);
      equal(more.status, plain.status);
    },
  ));

Deno.test("the body of a GET is ignored", () =>
  withApp(async (t) => {
    const text = await sendRaw(
      t.url,
      "GET /healthz HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 1\n\n{",
    );
    match(text, /^HTTP\/1.1 200 /);
  }));
