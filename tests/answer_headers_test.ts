// The headers of answers that restrict browsers: on every route, whatever it answers.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { addMedia } from "./media_calls.ts";
import { readDocument } from "./operations.ts";
import { ANN, type TestApp, withApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";

const HTTPS = { env: { PUBLIC_URL: "https://talk.example" } };
/** On all answers, including pages and media. */
const ALWAYS = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };
const OF_JSON = {
  ...ALWAYS,
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};

interface Asked {
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** Every documented call and some undocumented ones, each without a token and with one. */
async function everyCall(t: TestApp, token: string): Promise<Asked[]> {
  const document = await readDocument(t);
  const calls = Object.entries<object>(document.paths).flatMap(([pattern, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: pattern.replaceAll(/\{\w+\}/g, "1"),
    }))
  );
  ok(calls.length > 30);
  calls.push({ method: "GET", path: "/nope" }, { method: "DELETE", path: "/healthz" });
  calls.push({ method: "GET", path: `/${"x".repeat(20_000)}` });
  return calls.flatMap((call) =>
    [{}, { authorization: `Bearer ${token}` }].map((headers, place) => ({
      ...call,
      headers,
      name: `${call.method} ${call.path.slice(0, 60)} ${place ? "with" : "without"} a token`,
    }))
  );
}

async function ask(t: TestApp, { method, path, headers }: Asked): Promise<Response> {
  const hasBody = !["GET", "HEAD", "OPTIONS"].includes(method);
  const response = await fetch(t.url + path, { method, headers, ...(hasBody ? { body: "{" } : {}) });
  await response.bytes();
  return response;
}

function has(headers: Headers, wanted: Record<string, string>, about: string): void {
  const found = Object.keys(wanted).map((name) => [name, headers.get(name)]);
  deepEqual(Object.fromEntries(found), wanted, about);
}

Deno.test("every answer of every route has the headers that restrict what browsers do with it", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const statuses = new Set<number>();
    for (const asked of await everyCall(t, token)) {
      const { headers, status } = await ask(t, asked);
      statuses.add(status);
      const about = `${asked.name}: ${status}`;
      const type = headers.get("content-type") ?? "";
      has(headers, type.startsWith("application/json") && status >= 400 ? OF_JSON : ALWAYS, about);
      match(
        headers.get("content-security-policy") ?? "",
        /default-src '(none|self)'.*frame-ancestors 'none'/,
        about,
      );
      ok(headers.get("cache-control"), about);
      equal(headers.get("strict-transport-security"), "max-age=31536000", about);
      equal(headers.get("server"), null, about);
      equal(headers.get("x-powered-by"), null, about);
    }
    for (const status of [200, 204, 400, 401, 404, 405, 412, 414, 415, 426]) {
      ok(statuses.has(status), `No ${status} among ${[...statuses]}`);
    }
  }, HTTPS));

Deno.test("private answers are not cached, and pages of other origins cannot embed them", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const path of ["/api/contacts", "/api/auth/sessions", "/api/invites", "/", "/openapi.json"]) {
      const answer = await t.call("GET", path, { token });
      equal(answer.status, 200);
      has(answer.headers, OF_JSON, path);
    }
  }));

Deno.test("a service that is reached without TLS sends no Strict-Transport-Security", () =>
  withApp(async (t) => {
    for (const path of ["/", "/nope"]) {
      equal((await t.call("GET", path)).headers.get("strict-transport-security"), null);
    }
  }));

Deno.test("media may be played by pages of other origins, and may do nothing else", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const id = await addMedia(t, ann, fixture("voice.wav"));
    const response = await fetch(`${t.url}/api/messages/media/${id}?token=${ann.token}`);
    await response.bytes();
    has(response.headers, {
      ...ALWAYS,
      "cache-control": "private, no-cache",
      "content-security-policy": "sandbox; default-src 'none'; media-src 'self'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "cross-origin",
    }, "media");
  }));

Deno.test("a page for people cannot be framed, not even in browsers without Content-Security-Policy", () =>
  withApp(async (t) => {
    for (const path of ["/i/AAAAAAAAAAAAAAAAAAAAAA", "/i/a/b"]) {
      const response = await fetch(t.url + path);
      await response.text();
      has(response.headers, {
        ...ALWAYS,
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "x-frame-options": "DENY",
      }, path);
    }
  }));
