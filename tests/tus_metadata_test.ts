// The metadata that a client gives an upload; and a Content-Encoding, which is refused.

import { deepEqual, equal, ok } from "./assert.ts";

import { ANN, BOB, refused, withApp } from "./support.ts";
import { begin, BYTES, clientUpload, create, head, metadata, patch, TUS } from "./tus_calls.ts";
import { fixture, NOTHING, remains } from "./upload_calls.ts";

const VOICE = fixture("voice.wav");

Deno.test("HEAD returns the metadata byte for byte as they were given, before and after the end of the upload", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const spellings = [
      metadata({ media_type: "audio/wav", filename: "\u00e9t\u00e9.wav" }),
      "media_type YXVkaW8=,is_confidential,empty ",
      "is_confidential,filetype YXVkaW8vd2F2,name 8J+Yhg==,raw /////w==",
      // Not the canonical base64 of its bytes; it is kept as given.
      "media_type YXVkaW9=",
    ];
    for (const given of spellings) {
      const begun = await create(t, ann, VOICE.length, { "upload-metadata": given });
      equal(begun.status, 201, given);
      const address = begun.headers.get("location")!;
      equal((await head(t, ann, address)).headers.get("upload-metadata"), given.trimEnd());
      equal((await patch(t, ann, address, 0, VOICE)).status, 204);
      equal((await head(t, ann, address)).headers.get("upload-metadata"), given.trimEnd());
    }
  }));

Deno.test("metadata are shown to their owner only, and are gone with the upload", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const address = await begin(t, ann, VOICE.length);
    equal((await head(t, bob, address)).headers.get("upload-metadata"), null);
    await t.call("DELETE", address, { token: ann.token, headers: TUS });
    deepEqual(await remains(t), NOTHING);
    const gone = await head(t, ann, address);
    deepEqual([gone.status, gone.headers.get("upload-metadata")], [404, null]);
  }));

Deno.test("4096 characters of metadata are kept, one more is 400 and names the header", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const start = `${metadata({ media_type: "audio" })},name `;
    const longest = start + "A".repeat(4_096 - start.length - (4_096 - start.length) % 4);
    const fitting = `x${"y".repeat(4_096 - longest.length - 2)},${longest}`;
    equal(fitting.length, 4_096);
    const begun = await create(t, ann, 1, { "upload-metadata": fitting });
    equal(begun.status, 201);
    const kept = await head(t, ann, begun.headers.get("location")!);
    equal(kept.headers.get("upload-metadata"), fitting);

    const refusal = await create(t, ann, 1, { "upload-metadata": `x${fitting}` });
    refused(refusal, 400, "invalid_input");
    deepEqual(refusal.body.issues, [{
      path: "Upload-Metadata",
      message: "Must have at most 4096 characters",
    }]);
    equal((await remains(t)).rows, 1);
  }));

Deno.test("HEAD returns the metadata that tus-js-client gave, even if its creation carried bytes", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const uploadDataDuringCreation of [false, true]) {
      const { uploadUrl } = await clientUpload(t.url, {
        token: ann.token,
        bytes: VOICE,
        uploadDataDuringCreation,
      });
      const answer = await head(t, ann, new URL(uploadUrl!).pathname);
      equal(answer.headers.get("upload-metadata"), metadata({ media_type: "audio/wav" }));
    }
  }));

Deno.test("a page of another origin may read the metadata", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    const headers = { ...TUS, origin: "https://page.example" };
    const answer = await t.call("HEAD", address, { token: ann.token, headers });
    ok(answer.headers.get("access-control-expose-headers")!.split(",").includes("Upload-Metadata"));
  }));

Deno.test("a tus-js-client that retries after 429 gets all of many uploads through", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const uploads = Array.from({ length: 40 }, () =>
      clientUpload(t.url, {
        token: ann.token,
        bytes: VOICE,
        retryDelays: [20, 50, 100, 200, 400, 800, 1_600],
        onShouldRetry: (error) => {
          const status = error.originalResponse?.getStatus() ?? 0;
          return status < 400 || status >= 500 || [409, 423, 429].includes(status);
        },
      }));
    for (const { finished } of await Promise.all(uploads)) ok(finished);
    ok(t.log.some((line) => line.includes('"rate_limited"')), "Nobody had to wait");
  }));

Deno.test("a creation or a PATCH with a Content-Encoding is 415 and names the header", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, VOICE.length);
    const packed = { ...BYTES, "content-encoding": "gzip" };
    const answers = [
      await create(t, ann, VOICE.length, packed, { raw: VOICE }),
      await t.call("PATCH", address, {
        token: ann.token,
        raw: VOICE,
        headers: { ...packed, "upload-offset": "0" },
      }),
    ];
    for (const answer of answers) {
      refused(answer, 415, "unsupported_media_type");
      deepEqual(answer.body.issues, [
        { path: "Content-Encoding", message: 'Must be identity or absent, not "gzip"' },
      ]);
    }
    equal((await head(t, ann, address)).headers.get("upload-offset"), "0");
    equal((await remains(t)).rows, 1);
  }));
