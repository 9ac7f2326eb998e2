// X-HTTP-Method-Override: replaces the method of a request to uploads, for every check, and of no other.

import { deepEqual, equal, ok } from "./assert.ts";

import type { Actor } from "../services/sessions/sessions.ts";
import { openHttp } from "./http_connection.ts";
import { ANN, type Answer, BOB, type Person, refused, type TestApp, withApp } from "./support.ts";
import { begin, BYTES, clientUpload, create, head, idOf, metadata, offset, TUS } from "./tus_calls.ts";
import { download, fixture, NOTHING, remains, wav } from "./upload_calls.ts";

const VOICE = fixture("voice.wav");
const CREATION = { ...TUS, "upload-length": "1000", "upload-metadata": metadata({ media_type: "audio" }) };

/**
 * Requests `method` by the override; the request itself is a POST, or what `by` says. Does not use `t.call`,
 * because no answer to a POST to an upload's address is documented.
 */
async function meant(
  t: TestApp,
  { token }: Pick<Person, "token">,
  method: string,
  address: string,
  { by = "POST", headers = TUS, raw }: { by?: string; headers?: Record<string, string>; raw?: BodyInit } = {},
): Promise<Answer> {
  const response = await fetch(t.url + address, {
    method: by,
    headers: { authorization: `Bearer ${token}`, ...headers, "x-http-method-override": method },
    ...(raw === undefined ? {} : { body: raw }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

Deno.test("a client that cannot send PATCH uploads by POST", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const bytes = wav(700_000);
    const client = { token, bytes, chunkSize: 300_000, overridePatchMethod: true };
    const { uploadUrl, finished } = await clientUpload(t.url, client);
    ok(finished);
    deepEqual(await download(t, { phone: ANN, token }, idOf(uploadUrl!)), bytes);
    ok(t.log.some((line) => line.includes('"method":"PATCH","route":"/api/uploads/{id}","status":204')));
  }));

Deno.test("every method of uploads can be requested by the override, and the method that was sent is ignored", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const begun = await meant(t, ann, "POST", "/api/uploads", { by: "PATCH", headers: CREATION });
    equal(begun.status, 201);
    const address = begun.headers.get("location")!;
    for (const by of ["POST", "PUT", "DELETE", "PATCH", "GET"]) {
      const raw = by === "GET" ? {} : { raw: "some" };
      const { status, headers, body } = await meant(t, ann, "HEAD", address, { by, ...raw });
      deepEqual([status, headers.get("upload-offset"), body], [200, "0", null], by);
    }
    // Not the length of the answer to a GET: a client that has sent a POST would wait for that body.
    const missing = await meant(t, ann, "HEAD", "/api/uploads/1");
    deepEqual([missing.status, missing.headers.get("content-length"), missing.body], [404, "0", null]);
    const asked = await meant(t, ann, "OPTIONS", address);
    deepEqual([asked.status, asked.headers.get("tus-version")], [204, "1.0.0"]);
    const headers = { ...BYTES, "upload-offset": "0" };
    const sent = await meant(t, ann, "PATCH", address, {
      by: "DELETE",
      headers,
      raw: wav(1_000).slice(0, 9),
    });
    deepEqual([sent.status, sent.headers.get("upload-offset")], [204, "9"]);
    equal((await meant(t, ann, "DELETE", address)).status, 204);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a POST to an upload without an override is 405, and so is an override that uploads do not support", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    refused(await t.call("POST", address, { token: ann.token, headers: TUS }), 405, "method_not_allowed");
    const others = [
      "POST",
      "GET",
      "PUT",
      "BREW",
      "CONNECT",
      "TRACE",
      "patch",
      "PATCH, DELETE",
      "a b",
      "",
      "-",
    ];
    for (const method of [...others, "constructor"]) {
      for (const by of ["POST", "PATCH", "DELETE"]) {
        const answer = await meant(t, ann, method, address, { by });
        refused(answer, 405, "method_not_allowed");
        equal(answer.headers.get("allow"), "PATCH, DELETE, OPTIONS, HEAD");
      }
    }
    for (const method of ["PATCH", "DELETE", "HEAD"]) {
      equal((await meant(t, ann, method, "/api/uploads")).status, 405, method);
    }
    equal(await offset(t, ann, address), 0);
  }));

Deno.test("an overriding method needs the same session, owner and free transfer as the method itself", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const address = await begin(t, ann, VOICE.length);
    for (const method of ["PATCH", "DELETE", "HEAD"]) {
      equal((await meant(t, { token: "x" }, method, address)).status, 401);
      equal(
        (await meant(t, bob, method, address, { headers: { ...BYTES, "upload-offset": "0" } })).status,
        404,
      );
    }
    const [user] = await t.sql<Actor[]>`select id as user_id from users where phone_number = ${ANN}`;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const others = Array.from({ length: 32 }, () => t.services.uploads.transfer(user!, () => released));
    const headers = { ...BYTES, "upload-offset": "0" };
    for (const by of ["POST", "HEAD", "DELETE"]) {
      equal((await meant(t, ann, "PATCH", address, { headers, by })).status, 429, by);
    }
    release();
    await Promise.all(others);
    equal(await offset(t, ann, address), 0);
    equal((await meant(t, ann, "PATCH", address, { headers, raw: VOICE })).status, 204);
  }));

Deno.test("uploads that are begun under another method count for the limit", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const begun = await create(t, ann, 1_000);
    const address = begun.headers.get("location")!;
    for (const [by, path, status] of [["PATCH", "/api/uploads", 429], ["DELETE", address, 405]] as const) {
      equal((await meant(t, ann, "POST", path, { by, headers: CREATION })).status, status);
    }
    equal((await remains(t)).rows, 1);
  }, { env: { LIMITS: "uploads=1/m" } }));

Deno.test("no other address heeds the override", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { body } = await t.call("GET", "/api/auth/sessions", { token: ann.token });
    const session = `/api/auth/sessions/${body.sessions[0].id}`;
    refused(await meant(t, ann, "DELETE", session), 405, "method_not_allowed");
    equal((await meant(t, ann, "PUT", "/api/contacts", { by: "GET" })).status, 200);
    const connection = openHttp(t.url);
    const tricks = [
      `/api/uploads/..\\auth\\sessions\\${body.sessions[0].id}`,
      `/api/uploads/%2e%2e%5cauth%5csessions%5c${body.sessions[0].id}`,
      "/api/uploads/%2e%2e",
      "/api/uploads/..",
      "/api/uploads/1/..",
      "/api/uploads/",
      "/api/uploads#",
    ];
    for (const path of tricks) {
      for (const host of ["localhost", "a@b", `x/api/uploads/1?`, "[::1"]) {
        const lines = [`POST ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${ann.token}`];
        const text = [...lines, "X-HTTP-Method-Override: DELETE", "Content-Length: 0", "", ""].join("\r\n");
        const { status } = (await connection.ask(new TextEncoder().encode(text)))!;
        ok([400, 404, 405].includes(status), `${path} ${host} ${status}`);
      }
    }
    connection.close();
    equal((await t.call("GET", "/api/contacts", { token: ann.token })).status, 200);
  }));

Deno.test("a page of another origin may override the method, and is answered according to its origin", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 1_000);
    const of = (origin: string) => ({ headers: { ...TUS, origin } });
    const asked = await t.call("OPTIONS", address, {
      headers: {
        origin: "https://one.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-http-method-override",
      },
    });
    deepEqual([asked.status, asked.headers.get("access-control-allow-headers")], [
      204,
      "x-http-method-override",
    ]);
    for (
      const [origin, allowed] of [["https://one.example", "https://one.example"], ["https://x.example", null]]
    ) {
      const { status, headers } = await meant(t, ann, "HEAD", address, of(origin!));
      deepEqual([status, headers.get("access-control-allow-origin")], [200, allowed]);
      equal(headers.get("vary"), "Origin");
    }
    equal((await head(t, ann, address)).status, 200);
  }, { env: { CORS_ORIGINS: "https://one.example" } }));
