import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { textOf } from "../services/errors.ts";
import { STATUS } from "../routes/errors.ts";
import { listOperations, type Operation, readDocument } from "./operations.ts";
import { ANN, type Answer, BOB, type Person, type TestApp, withApp } from "./support.ts";

/** Fixed, so that a failure is the same everywhere; fast-check prints it with the request that failed. */
const SEED = 20_260_131;
const REQUESTS = 3_000;

interface Request {
  operation: Operation;
  method: string;
  path: string;
  query: string;
  token: "mine" | "none" | "nonsense";
  type: string;
  body: string | Uint8Array<ArrayBuffer>;
}

/** Text with everything that has broken programs. */
const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    "\0",
    "\ud800",
    "__proto__",
    "constructor",
    "' or 1=1 --",
    "%00",
    "../..",
    "\u202e",
    "1e400",
  ),
  fc.constantFrom(ANN, BOB, "0014155550102", "+1 415 555 0102", "9".repeat(70)),
);
const value = fc.oneof(
  nasty,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 42, 2 ** 53, "text", "audio", [], {}),
);

/** The documented body with some fields left out, replaced or added. */
function bodyOf({ sample }: Operation): fc.Arbitrary<string> {
  const fields = Object.fromEntries(
    Object.entries(sample).map(([name, right]) => [
      name,
      fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(right) }, { weight: 1, arbitrary: value }),
    ]),
  );
  const kept = fc.record(fields, { requiredKeys: [] });
  const added = fc.option(fc.tuple(nasty, value), { freq: 5 });
  return fc.tuple(kept, added).map(([object, more]) => {
    const text = JSON.stringify(object);
    if (more === null) return text;
    const entry = `${JSON.stringify(more[0])}:${JSON.stringify(more[1])}`;
    return text === "{}" ? `{${entry}}` : `${text.slice(0, -1)},${entry}}`;
  });
}

function requestOf(operation: Operation): fc.Arbitrary<Request> {
  const segment = fc.oneof(
    nasty.map(escape),
    fc.constantFrom("%ZZ", "%", "%2F", "%ff", "+14155550102", "%2B14155550102"),
  );
  const path = operation.pattern.includes("{")
    ? fc.oneof(
      segment.map((odd) => operation.pattern.replace(/\{\w+\}/, () => odd)),
      fc.constant(operation.path),
    )
    : fc.constant(operation.path);
  const pair = fc.tuple(
    fc.constantFrom("count", "before", "after", "status", "to", "token", "x"),
    nasty.map(escape),
  );
  return fc.record({
    operation: fc.constant(operation),
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constant(operation.method) },
      { weight: 1, arbitrary: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS") },
    ),
    path,
    query: fc.uniqueArray(pair, {
      maxLength: 3,
      selector: ([name, text]) => name === "token" ? name : `${name}=${text}`,
    }).map((pairs) => pairs.map(([name, text]) => `${name}=${text}`).join("&")),
    token: fc.constantFrom("mine", "mine", "mine", "mine", "none", "nonsense"),
    type: fc.oneof(
      { weight: 9, arbitrary: fc.constant("application/json") },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "text/plain",
          "multipart/form-data; boundary=x",
          "application/json;charset=utf-16",
        ),
      },
    ),
    body: fc.oneof(
      { weight: 8, arbitrary: bodyOf(operation) },
      { weight: 1, arbitrary: nasty },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)) },
    ),
  });
}

/** Percent-encodes what a URL cannot hold; lone surrogates, which cannot be encoded at all, become U+FFFD. */
function escape(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function ask(t: TestApp, me: Person, { method, path, query, token, type, body }: Request): Promise<Answer> {
  const hasBody = method !== "GET" && method !== "HEAD" && body.length > 0;
  return t.call(method, query === "" ? path : `${path}?${query}`, {
    headers: { "content-type": type },
    ...(token === "none" ? {} : { token: token === "mine" ? me.token : "nonsense" }),
    ...(hasBody ? { raw: body } : {}),
  });
}

/** A success is a success; an error has its documented form, its code its status. What is documented t.call() checks. */
function judge({ status, headers, body }: Answer): void {
  ok(status < 500, `${status} ${JSON.stringify(body)}`);
  ok(headers.get("x-request-id"));
  if (body === null) return;
  if (status < 300) return void ok(body.success === true || body.openapi);
  equal(body.success, false);
  equal(body.request_id, headers.get("x-request-id"));
  equal(body.message, textOf(body.code, body.retry_after ? { retryAfter: body.retry_after } : {}));
  equal(status, STATUS[body.code as keyof typeof STATUS]);
  equal(Array.isArray(body.issues), ["invalid_input", "invalid_phone_number"].includes(body.code));
}

Deno.test("no request of any form is answered with anything but what is documented, and none is a 500", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    const operations = listOperations(await readDocument(t))
      // Not those whose bodies are no JSON, nor what would end the session that all the others need.
      .filter(({ pattern, body }) => body !== "other" && !/signout$|^\/i\/|twilio/.test(pattern));
    ok(operations.length >= 24);
    const seen = new Map<number, number>();
    const request = fc.oneof(...operations.map(requestOf));
    const property = fc.asyncProperty(
      fc.array(request, { minLength: 10, maxLength: 10 }),
      async (requests) => {
        const answers = await Promise.all(requests.map((one) => ask(t, ann, one)));
        for (const answer of answers) {
          judge(answer);
          seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        }
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: REQUESTS / 10, endOnFailure: true });

    // Otherwise everything could have been refused at the door.
    for (const status of [200, 400, 401, 404, 405, 415]) {
      ok((seen.get(status) ?? 0) >= 20, JSON.stringify([...seen]));
    }
    equal(t.log.filter((line) => line.includes('"ERROR"')).join(""), "");
  }));
