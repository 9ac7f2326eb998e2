// Request bodies that arrive too slowly are refused, whether they stall or trickle; fast enough ones are not.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { headOf, openRaw, statusesOf } from "./raw_http.ts";
import { beginRaw } from "./raw_upload.ts";
import { ANN, BOB, eventually, type Person, succeeded, type TestApp, withApp } from "./support.ts";
import { begin, offset } from "./tus_calls.ts";
import { NOTHING, remains, wav } from "./upload_calls.ts";

const CHUNKED = "Transfer-Encoding: chunked";
const LENGTH = "Content-Length: 60";
const JSON_TYPE = "Content-Type: application/json";
const FORM_TYPE = "Content-Type: application/x-www-form-urlencoded";

/** Sends a head and a body that never ends; returns the answer and after how many seconds it came. */
async function sendSlowly(t: TestApp, head: string[], isSilent: boolean) {
  const connection = await openRaw(t.url);
  const startedAt = performance.now();
  try {
    await connection.say(headOf(...head, "Host: localhost"));
    let sent = 0;
    await eventually(async () => {
      if (!isSilent && ++sent < 60) await connection.say(head.includes(CHUNKED) ? "1\r\n{\r\n" : "{");
      await new Promise((resolve) => setTimeout(resolve, 200));
      return statusesOf(connection.heard()).length > 0;
    }, 20_000);
    return { heard: connection.heard(), seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    connection.close();
  }
}

Deno.test("a JSON body or a form that has not arrived after ten seconds is 408, whether it is silent or trickles", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const heads = [
      ["POST /api/auth/signup HTTP/1.1", JSON_TYPE],
      ["PUT /api/contacts/request HTTP/1.1", JSON_TYPE, `Authorization: Bearer ${token}`],
      ["POST /api/auth/signout HTTP/1.1", JSON_TYPE, `Authorization: Bearer ${token}`],
      ["POST /i/AAAAAAAAAAAAAAAAAAAAAA HTTP/1.1", FORM_TYPE],
    ];
    const slow = heads.flatMap((head) =>
      [CHUNKED, LENGTH].flatMap((framing) =>
        [true, false].map((isSilent) => sendSlowly(t, [...head, framing], isSilent))
      )
    );
    succeeded(await t.call("GET", "/api/contacts", { token }));
    for (const { heard, seconds } of await Promise.all(slow)) {
      deepEqual(statusesOf(heard), [408]);
      match(heard, /^connection: close\r$/mi);
      match(heard, /^retry-after: 1\r$/mi);
      ok(seconds > 9.5, `${seconds} s`);
      if (!heard.includes("application/json")) continue;
      const body = JSON.parse(heard.split("\r\n\r\n")[1]!);
      deepEqual([body.success, body.code, body.retry_after], [false, "request_timeout", 1]);
    }
    succeeded(await t.call("GET", "/api/auth/sessions", { token }));
  }));

Deno.test("a JSON body in many pieces is accepted if it arrives in time", () =>
  withApp(async (t) => {
    const connection = await openRaw(t.url);
    await connection.say(
      headOf("POST /api/auth/signup HTTP/1.1", "Host: localhost", JSON_TYPE, CHUNKED, "Connection: close"),
    );
    for (const letter of JSON.stringify({ phone_number: ANN })) await connection.say(`1\r\n${letter}\r\n`);
    await connection.say("0\r\n\r\n");
    await connection.ended;
    deepEqual(statusesOf(connection.heard()), [200]);
    connection.close();
  }));

/** Requires uploads to bring a thousand bytes every 300 ms. */
function withFlow(run: (t: TestApp, ann: Person) => Promise<void>): Promise<void> {
  return withApp(async (t) => {
    Object.assign(t.services.uploads, { flow: { bytesMin: 1_000, periodMs: 300 } });
    await run(t, await t.signUp(ANN));
  });
}

Deno.test("an upload that is never silent but too slow is 503 and leaves nothing", () =>
  withFlow(async (t, ann) => {
    const raw = await beginRaw(t.url, { token: ann.token });
    let ended = false;
    const answer = raw.answer.finally(() => ended = true);
    answer.catch(() => {});
    try {
      await eventually(async () => {
        await raw.write("x").catch(() => {});
        return ended;
      });
    } finally {
      raw.reset();
    }
    const { status, body } = await answer;
    deepEqual([status, body.code, body.retry_after], [503, "upload_stalled", 1]);
    deepEqual(await remains(t), NOTHING);
    const bob = await t.signUp(BOB);
    equal((await t.call("GET", "/api/contacts", { token: bob.token })).status, 200);
  }));

Deno.test("a slow upload that brings enough is accepted, however long it takes", () =>
  withFlow(async (t, ann) => {
    const file = wav(60_000);
    const raw = await beginRaw(t.url, { token: ann.token });
    for (let at = 0; at < file.length; at += 1_000) {
      await raw.write(file.subarray(at, at + 1_000));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await raw.finish();
    equal((await raw.answer).status, 200);
  }));

Deno.test("a resumable upload that is too slow is 503, and can go on where it was", () =>
  withFlow(async (t, ann) => {
    const address = await begin(t, ann, 50_000);
    const connection = await openRaw(t.url);
    await connection.say(headOf(
      `PATCH ${address} HTTP/1.1`,
      "Host: localhost",
      `Authorization: Bearer ${ann.token}`,
      "Tus-Resumable: 1.0.0",
      "Upload-Offset: 0",
      "Content-Type: application/offset+octet-stream",
      CHUNKED,
    ));
    let sent = 0;
    try {
      await eventually(async () => {
        await connection.say("1\r\nx\r\n");
        sent += 1;
        return statusesOf(connection.heard()).length > 0;
      });
    } finally {
      connection.close();
    }
    deepEqual(statusesOf(connection.heard()), [503]);
    match(connection.heard(), /"code":"upload_stalled"/);
    const at = await offset(t, ann, address);
    ok(at > 0 && at <= sent, `${at}`);
  }));
