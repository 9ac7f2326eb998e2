import { deepEqual, equal, match, ok } from "./assert.ts";

import {
  ANN,
  type Answer,
  type Ask,
  BOB,
  eventually,
  friends,
  refused,
  succeeded,
  withApp,
} from "./support.ts";
import { begin, BYTES, clientUpload, create, head, idOf, metadata, offset, patch, TUS } from "./tus_calls.ts";
import { download, fixture, NOTHING, remains, upload, wav } from "./upload_calls.ts";

const LIMIT = 40_000;
const HOUR_MS = 60 * 60_000;
const VOICE = fixture("voice.wav");

Deno.test("OPTIONS says which tus is supported, without a session", () =>
  withApp(async (t) => {
    for (const address of ["/api/uploads", "/api/uploads/1", "/api/uploads/x"]) {
      const { status, headers, body } = await t.call("OPTIONS", address);
      deepEqual([status, body], [204, null], address);
      equal(headers.get("tus-resumable"), "1.0.0");
      equal(headers.get("tus-version"), "1.0.0");
      equal(headers.get("tus-max-size"), String(LIMIT));
      equal(headers.get("tus-extension"), "creation,creation-with-upload,termination,expiration");
    }
  }, { env: { MAX_UPLOAD_BYTES: String(LIMIT) } }));

Deno.test("an upload in pieces becomes media under its own id, which can be sent", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const begun = await create(t, ann, VOICE.length);
    equal(begun.status, 201);
    const address = begun.headers.get("location")!;
    match(address, /^\/api\/uploads\/\d+$/);
    const expires = Date.parse(begun.headers.get("upload-expires")!) - Date.now();
    ok(expires > 23 * HOUR_MS && expires <= 24 * HOUR_MS);

    for (let at = 0; at < VOICE.length; at += 10_000) {
      equal(await offset(t, ann, address), at);
      const sent = await patch(t, ann, address, at, VOICE.slice(at, at + 10_000));
      equal(sent.status, 204);
      equal(sent.headers.get("upload-offset"), String(Math.min(at + 10_000, VOICE.length)));
    }
    const ended = await head(t, ann, address);
    equal(ended.headers.get("upload-offset"), ended.headers.get("upload-length"));
    equal(ended.headers.get("cache-control"), "no-store");
    deepEqual(await download(t, ann, idOf(address)), VOICE);
    const media = { message_type: "audio", media_content_id: idOf(address) };
    const answer = await t.send(ann, bob, "", media);
    succeeded(answer);
    equal(answer.body.messages[0].duration, 2);
    deepEqual(await download(t, bob, idOf(address)), VOICE);
    equal((await patch(t, ann, address, VOICE.length, "")).status, 204);
  }));

Deno.test("an upload may carry its first bytes, or all of them, with its creation", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const whole = await create(t, ann, VOICE.length, BYTES, { raw: VOICE });
    deepEqual([whole.status, whole.headers.get("upload-offset")], [201, String(VOICE.length)]);
    deepEqual(await download(t, ann, idOf(whole.headers.get("location")!)), VOICE);

    const some = await create(t, ann, VOICE.length, BYTES, { raw: VOICE.slice(0, 999) });
    deepEqual([some.status, some.headers.get("upload-offset")], [201, "999"]);
    const address = some.headers.get("location")!;
    equal((await patch(t, ann, address, 999, VOICE.slice(999))).status, 204);
    deepEqual(await download(t, ann, idOf(address)), VOICE);
  }));

Deno.test("tus-js-client uploads in one request, in chunks, and with its creation", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const options of [{}, { chunkSize: 7_000 }, { uploadDataDuringCreation: true }]) {
      const client = { token: ann.token, bytes: VOICE, ...options };
      const { uploadUrl, finished } = await clientUpload(t.url, client);
      ok(finished);
      deepEqual(await download(t, ann, idOf(uploadUrl!)), VOICE);
    }
  }));

Deno.test("termination deletes an upload with its bytes, and a terminated upload is gone", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    await patch(t, ann, address, 0, VOICE.slice(0, 1_000));
    const ended = await t.call("DELETE", address, { token: ann.token, headers: TUS });
    equal(ended.status, 204);
    deepEqual(await remains(t), NOTHING);
    equal((await head(t, ann, address)).status, 404);
    refused(
      await t.call("DELETE", address, { token: ann.token, headers: TUS }),
      404,
      "media_not_found",
    );
  }));

Deno.test("an id that is no integer below 2^53 is refused as such", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const id of ["abc", "1.5", "0x1", "9007199254740992"]) {
      equal((await head(t, ann, `/api/uploads/${id}`)).status, 400, id);
      refused(await patch(t, ann, `/api/uploads/${id}`, 0, VOICE), 400, "invalid_input");
      const ended = await t.call("DELETE", `/api/uploads/${id}`, { token: ann.token, headers: TUS });
      refused(ended, 400, "invalid_input");
      deepEqual(ended.body.issues.map(({ path }: { path: string }) => path), ["id"]);
    }
  }));

Deno.test("an upload that nobody continued for 24 hours is gone", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const [one, other] = [await begin(t, ann, VOICE.length), await begin(t, ann, VOICE.length)];
    t.clock.advance(23 * HOUR_MS);
    equal((await patch(t, ann, one, 0, VOICE.slice(0, 1_000))).status, 204);
    t.clock.advance(2 * HOUR_MS);
    refused(await patch(t, ann, other, 0, VOICE), 404, "media_not_found");
    equal(await offset(t, ann, one), 1_000);
  }));

Deno.test("an upload of somebody else is the same 404 as a missing one, for every method, and is left alone", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const address = await begin(t, ann, VOICE.length);
    for (const method of ["HEAD", "PATCH", "DELETE"]) {
      const answers: Answer[] = [];
      for (const path of [address, "/api/uploads/12345", "/api/uploads/9007199254740991"]) {
        const headers = { ...(method === "PATCH" ? BYTES : TUS), "upload-offset": "0" };
        const raw = method === "PATCH" ? { raw: VOICE } : {};
        answers.push(await t.call(method, path, { token: bob.token, headers, ...raw }));
      }
      const [foreign, ...missing] = answers.map(({ status, headers, body }) => {
        const { request_id: _, ...rest } = body ?? {};
        const named = [...headers].filter(([name]) => !["x-request-id", "date"].includes(name));
        return { status, rest, named };
      });
      equal(foreign!.status, 404);
      for (const other of missing) deepEqual(other, foreign, method);
    }
    equal(await offset(t, ann, address), 0);
  }));

Deno.test("bytes for another offset than the upload's are 409, and change nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    await patch(t, ann, address, 0, VOICE.slice(0, 1_000));
    for (const at of [0, 999, 1_001, VOICE.length]) {
      refused(await patch(t, ann, address, at, VOICE.slice(0, 100)), 409, "upload_conflict");
    }
    equal(await offset(t, ann, address), 1_000);
  }));

Deno.test("another version of tus, or none, is 412 and names the supported one", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    for (const method of ["POST", "PATCH", "DELETE", "HEAD"]) {
      for (const headers of [{}, { "tus-resumable": "0.2.2" }]) {
        const path = method === "POST" ? "/api/uploads" : address;
        const answer = await t.call(method, path, { token: ann.token, headers });
        if (method === "HEAD") equal(answer.status, 412);
        else refused(answer, 412, "unsupported_tus_version");
        equal(answer.headers.get("tus-version"), "1.0.0");
      }
    }
    equal(await offset(t, ann, address), 0);
  }));

Deno.test("every refusal names the version of tus, for any request of any caller", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    const refusals: (Ask & { status: number; method: string; path: string })[] = [
      ...["HEAD", "PATCH", "DELETE"].map((method) => ({ status: 401, method, path: address, token: "x" })),
      { status: 401, method: "POST", path: "/api/uploads", token: "x" },
      { status: 429, method: "POST", path: "/api/uploads", token: ann.token },
      { status: 404, method: "HEAD", path: "/api/uploads/1", token: ann.token },
      { status: 404, method: "HEAD", path: "/api/uploads/1/2", token: ann.token },
      { status: 405, method: "PUT", path: address, token: ann.token },
      { status: 412, method: "HEAD", path: address, token: ann.token, headers: {} },
      { status: 414, method: "HEAD", path: `/api/uploads/${"1".repeat(16_384)}`, token: ann.token },
    ];
    for (const { status, method, path, ...ask } of refusals) {
      const answer = await t.call(method, path, { headers: TUS, ...ask });
      const said = [answer.status, answer.headers.get("tus-resumable")];
      deepEqual(said, [status, "1.0.0"], `${method} ${path.slice(0, 40)}`);
    }
    equal((await t.call("GET", "/api/contacts")).headers.get("tus-resumable"), null);
  }, { env: { LIMITS: "uploads=1/m" } }));

/** Asserts a 400 that names this header. */
function refusedFor(header: string, answer: Answer): void {
  refused(answer, 400, "invalid_input");
  deepEqual(answer.body.issues.map(({ path }: { path: string }) => path), [header]);
}

Deno.test("a creation that is too large, over the quota, or not understood is refused and leaves nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const large = await create(t, ann, LIMIT + 1);
    refused(large, 413, "too_large");
    equal(large.body.max_bytes, LIMIT);
    for (const length of ["-1", "x", "1.5", "", "010", "9".repeat(23)]) {
      refusedFor("Upload-Length", await create(t, ann, 1, { "upload-length": length }));
    }
    refused(await create(t, ann, 1, { "upload-defer-length": "1" }), 400, "invalid_input");
    refusedFor("Upload-Concat", await create(t, ann, 1, { "upload-concat": "partial" }));
    const unknown = [
      "",
      "media_type",
      "media_type !",
      "media_type YXVkaW8",
      metadata({ media_type: "image/png" }),
    ];
    for (const text of [...unknown, metadata({ title: "audio" }), metadata({ media_type: "\u00ff" })]) {
      refusedFor("Upload-Metadata", await create(t, ann, 1, { "upload-metadata": text }));
    }
    deepEqual(await remains(t), NOTHING);
    equal((await create(t, ann, 1, { "upload-metadata": metadata({ filetype: "video/mp4" }) })).status, 201);
  }, { env: { MAX_UPLOAD_BYTES: String(LIMIT) } }));

/** Asserts that a body was refused for its size, with the size that it may have. */
function tooLarge(answer: Answer, maxBytes: number): void {
  refused(answer, 413, "too_large");
  equal(answer.body.max_bytes, maxBytes);
}

Deno.test("more bytes than were declared are 413 with how many still fit, and the upload can go on", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 1_000);
    tooLarge(await patch(t, ann, address, 0, wav(1_001)), 1_000);
    equal((await patch(t, ann, address, 0, wav(1_000).slice(0, 400))).status, 204);
    tooLarge(await patch(t, ann, address, 400, wav(601)), 600);
    const endless = ReadableStream.from([wav(500), wav(500)]);
    tooLarge(await patch(t, ann, address, 400, endless), 600);
    const { rows } = await remains(t);
    equal(rows, 1);
    const at = await offset(t, ann, address);
    ok(at <= 1_000);
    equal((await patch(t, ann, address, at, wav(1_000).slice(at))).status, 204);
    tooLarge(await patch(t, ann, address, 1_000, "x"), 0);
    deepEqual(await download(t, ann, idOf(address)), wav(1_000));
  }));

Deno.test("a creation with more bytes than it declares is 413 with how many it declared, and leaves nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    tooLarge(await create(t, ann, 1_000, BYTES, { raw: wav(1_001) }), 1_000);
    const endless = ReadableStream.from([wav(900), wav(900)]);
    tooLarge(await create(t, ann, 1_000, BYTES, { raw: endless }), 1_000);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a PATCH with another Content-Type is 415, without an offset 400", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 1_000);
    const ask = (headers: Record<string, string>) =>
      t.call("PATCH", address, { token: ann.token, raw: wav(1_000), headers: { ...TUS, ...headers } });
    refused(
      await ask({ "upload-offset": "0", "content-type": "audio/wav" }),
      415,
      "unsupported_media_type",
    );
    refusedFor("Upload-Offset", await ask({ "content-type": BYTES["content-type"] }));
    refusedFor("Upload-Offset", await ask({ ...BYTES, "upload-offset": "-1" }));
    refusedFor("Upload-Length", await ask({ ...BYTES, "upload-offset": "0", "upload-length": "x" }));
    equal(await offset(t, ann, address), 0);
  }));

Deno.test("the Content-Type of the bytes may be spelt in any case, and have parameters", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { "content-type": plain } = BYTES;
    for (const type of [plain.toUpperCase(), `${plain};charset=utf-8`, `${plain} ; a="b"`]) {
      const begun = await create(t, ann, 1_000, { "content-type": type }, { raw: wav(1_000).slice(0, 400) });
      deepEqual([begun.status, begun.headers.get("upload-offset")], [201, "400"]);
      const address = begun.headers.get("location")!;
      const headers = { ...TUS, "upload-offset": "400", "content-type": type };
      const ended = await t.call("PATCH", address, { token: ann.token, raw: wav(1_000).slice(400), headers });
      equal(ended.status, 204);
      deepEqual(await download(t, ann, idOf(address)), wav(1_000));
    }
    for (const type of ["application/offset", "application/offset+octet-stream2", ""]) {
      const headers = { ...TUS, "upload-offset": "0", "content-type": type };
      const address = await begin(t, ann, 1_000);
      const answer = await t.call("PATCH", address, { token: ann.token, raw: wav(1_000), headers });
      refused(answer, 415, "unsupported_media_type");
    }
  }));

Deno.test("the quota counts an upload by the length that it declared, until it is terminated", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, LIMIT - 1_000);
    refused(await create(t, ann, 1_001), 413, "quota_exceeded");
    refused(await upload(t, ann, wav(1_001)), 413, "quota_exceeded");
    succeeded(await upload(t, ann, wav(1_000)));
    refused(await create(t, ann, 1), 413, "quota_exceeded");
    await t.call("DELETE", address, { token: ann.token, headers: TUS });
    equal((await create(t, ann, LIMIT - 1_000)).status, 201);
  }, { env: { MEDIA_QUOTA_BYTES: String(LIMIT) } }));

Deno.test("an upload that turns out to be no media of its kind is 400 at its end, and gone", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const html = new TextEncoder().encode("<!doctype html>".repeat(100));
    for (const bytes of [html, fixture("film.mp4")]) {
      const address = await begin(t, ann, bytes.length);
      refused(await patch(t, ann, address, 0, bytes), 400, "invalid_media");
      equal((await head(t, ann, address)).status, 404);
    }
    refused(await create(t, ann, 0), 400, "invalid_media");
    refused(await create(t, ann, html.length, BYTES, { raw: html }), 400, "invalid_media");
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a creation whose body breaks off leaves nothing, since its client was never told where to go on", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { hostname, port, host } = new URL(t.url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const fields = {
      ...BYTES,
      host,
      authorization: `Bearer ${ann.token}`,
      "content-length": "600000",
      "upload-length": "600000",
      "upload-metadata": metadata({ media_type: "audio" }),
    };
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await connection.write(new TextEncoder().encode(`POST /api/uploads HTTP/1.1\r\n${head}\r\n`));
    const body = wav(600_000).subarray(0, 300_000);
    for (let sent = 0; sent < body.length;) sent += await connection.write(body.subarray(sent));
    await eventually(async () => deepEqual(await remains(t), { rows: 1, objects: 1 }));
    connection.close();

    await eventually(async () => deepEqual(await remains(t), NOTHING));
  }));

Deno.test("headers of proxies do not affect an upload", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 1_000);
    const headers = { ...TUS, "x-forwarded-proto": "https, http", "x-forwarded-host": "a, b" };
    equal((await t.call("HEAD", address, { token: ann.token, headers })).status, 200);
  }));
