// Requests that no client library sends: too large, with ambiguous ends, pipelined, or not HTTP at all.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { headOf, openRaw, statusesOf } from "./raw_http.ts";
import { eventually, succeeded, type TestApp, withApp } from "./support.ts";

const HOST = "Host: localhost";
const GET = "GET /healthz HTTP/1.1";
const POST = "POST /api/auth/signup HTTP/1.1";
const JSON_TYPE = "Content-Type: application/json";
/** Would be answered if it were taken for a request. */
const SMUGGLED = headOf("GET /smuggled HTTP/1.1", HOST);
const SIGNUP = JSON.stringify({ phone_number: "+14155550177" });

/** Sends a text, and returns what arrives until the server hangs up or until this many answers have come. */
async function converse(t: TestApp, text: string, answers = Infinity): Promise<string> {
  const connection = await openRaw(t.url);
  let hungUp = false;
  connection.ended.then(() => hungUp = true);
  try {
    await connection.say(text);
    await eventually(() => hungUp || statusesOf(connection.heard()).length >= answers, 10_000);
    return connection.heard();
  } finally {
    connection.close();
  }
}

/** Asserts that the service is ready and has logged no error. */
async function assertWell(t: TestApp): Promise<void> {
  succeeded(await t.call("GET", "/readyz"));
  deepEqual(t.log.filter((line) => line.includes('"ERROR"')), []);
}

Deno.test("a body of ambiguous or invalid length is 400, and nothing after it is taken for a request", () =>
  withApp(async (t) => {
    const framings = [
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", "Content-Length: 5"],
      ["Content-Length: 5", "Content-Length: 6"],
      ["Content-Length: 5, 6"],
      ["Content-Length: -1"],
      ["Content-Length: +5"],
      ["Content-Length: 0x5"],
      ["Content-Length: 5 5"],
      ["Content-Length: 99999999999999999999"],
      ["Transfer-Encoding: chunked, gzip"],
      ["Transfer-Encoding: xchunked"],
      ["Transfer-Encoding : chunked"],
      ["Transfer-Encoding: \u000bchunked"],
      ["Transfer-Encoding: identity"],
      ["X: a", " Transfer-Encoding: chunked"],
    ];
    for (const framing of framings) {
      const heard = await converse(t, headOf(POST, HOST, JSON_TYPE, ...framing) + `0\r\n\r\n${SMUGGLED}`);
      deepEqual(statusesOf(heard), [400], framing.join(" | "));
    }
    ok(!t.log.some((line) => line.includes("not_found")));
    await assertWell(t);
  }));

Deno.test("a malformed chunked body has no effect, and nothing after it is taken for a request", () =>
  withApp(async (t) => {
    const bodies = ["zz\r\n{}", "-1\r\n{}", "fffffffffffffffff\r\n{}", "2\r\n{}x\r\n0\r\n\r\n", "2\r\n{}"];
    for (const body of bodies) {
      const text = headOf(POST, HOST, JSON_TYPE, "Transfer-Encoding: chunked") + body + "\r\nxx\r\n" +
        SMUGGLED;
      const heard = await converse(t, text);
      ok(statusesOf(heard).every((status) => status === 400), `${body}: ${heard}`);
    }
    equal(t.services.console!.sent().length, 0);
    await assertWell(t);
  }));

Deno.test("pipelined requests are answered one by one, in their order", () =>
  withApp(async (t) => {
    const post = headOf(POST, HOST, JSON_TYPE, `Content-Length: ${SIGNUP.length}`) + SIGNUP;
    const heard = await converse(
      t,
      headOf(GET, HOST) + headOf("GET /nope HTTP/1.1", HOST) + post +
        headOf("GET /api/contacts HTTP/1.1", HOST) + headOf(GET, HOST, "Connection: close"),
    );
    deepEqual(statusesOf(heard), [200, 404, 200, 401, 200]);
    const ids = [...heard.matchAll(/^x-request-id: (\S+)\r$/gmi)].map(([, id]) => id);
    equal(new Set(ids).size, 5);
  }));

Deno.test("a body that is not read is not taken for the next request", () =>
  withApp(async (t) => {
    const text = headOf("POST /nope HTTP/1.1", HOST, `Content-Length: ${SMUGGLED.length}`) + SMUGGLED +
      headOf(GET, HOST, "Connection: close");
    deepEqual(statusesOf(await converse(t, text)), [404, 200]);
  }));

Deno.test("an address of more than 16384 characters is 414 in the documented form", () =>
  withApp(async (t) => {
    const prefix = `${t.url}/healthz?`.length;
    const fits = "x".repeat(16_384 - prefix);
    equal((await t.call("GET", `/healthz?${fits}`)).status, 200);
    for (
      const path of [`/healthz?x${fits}`, `/${"x".repeat(60_000)}`, `/api/contacts/${"9".repeat(20_000)}`]
    ) {
      for (const method of ["GET", "POST"]) {
        const response = await fetch(t.url + path, { method });
        const body = await response.json();
        deepEqual([response.status, body.success, body.code], [414, false, "uri_too_long"]);
        equal(body.request_id, response.headers.get("x-request-id"));
      }
    }
    const page = await fetch(`${t.url}/i/${"x".repeat(20_000)}`);
    equal(page.status, 414);
    match(await page.text(), /^<!doctype html>/);
  }));

Deno.test("a head of more than 64 KiB or of a thousand lines is 400, and one without an end is hung up on", () =>
  withApp(async (t) => {
    const heads = [
      [`GET /${"x".repeat(70_000)} HTTP/1.1`, HOST],
      [GET, HOST, `X-Long: ${"x".repeat(70_000)}`],
      [GET, HOST, ...Array.from({ length: 100 }, (_, place) => `X-${place}: ${"x".repeat(1_000)}`)],
      [GET, HOST, ...Array.from({ length: 1_000 }, (_, place) => `X-${place}: x`)],
      [`${"G".repeat(70_000)} /healthz HTTP/1.1`, HOST],
    ];
    for (const head of heads) {
      deepEqual(statusesOf(await converse(t, headOf(...head))), [400], head[0]!.slice(0, 40));
    }
    const endless = await openRaw(t.url);
    let hungUp = false;
    endless.ended.then(() => hungUp = true);
    await endless.say(`${GET}\r\n`);
    await eventually(async () => {
      await endless.say(`X: ${"x".repeat(1_000)}\r\n`);
      return hungUp;
    });
    endless.close();
    const fits = headOf(GET, HOST, `X-Long: ${"x".repeat(60_000)}`, "Connection: close");
    deepEqual(statusesOf(await converse(t, fits)), [200]);
    await assertWell(t);
  }));

Deno.test("bytes that are not HTTP are 400 or hung up on, at once", () =>
  withApp(async (t) => {
    const junk = [
      "\r\n\r\n\r\n\r\nHELLO\r\n\r\n",
      headOf("GET", HOST),
      headOf("GET  /healthz HTTP/1.1", HOST),
      headOf("GET /healthz HTTP/3.0", HOST),
      headOf("GET /healthz", HOST),
      headOf("GET /health z HTTP/1.1", HOST),
      headOf(GET, HOST, "X: a\u0000b"),
      headOf(GET, HOST, ": nameless"),
      headOf(GET, HOST, "No colon"),
      headOf(GET, HOST, "Sp ace: x"),
      "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n",
      "\u0000".repeat(100) + "\r\n\r\n",
    ];
    for (const text of junk) {
      const heard = await converse(t, text);
      ok(statusesOf(heard).every((status) => status === 400), `${JSON.stringify(text)}: ${heard}`);
    }
    await assertWell(t);
  }));
