import type { Actor } from "../services/sessions/sessions.ts";
import { deepEqual, equal, ok } from "./assert.ts";

import { ANN, type Answer, BOB, eventually, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { create } from "./tus_calls.ts";
import { download, fixture, NOTHING, remains, upload, uploadBody, wav } from "./upload_calls.ts";

const VIDEO = [
  "faststart.mp4",
  "film.3gp",
  "film.mkv",
  "film.mov",
  "film.mp4",
  "film.ogv",
  "fragmented.mp4",
  "mpeg4.3gp",
  "recorded_film.webm",
  "vp8.webm",
  "vp9.webm",
];
const NEITHER = ["README.md", "film.gif"];
const LIMIT = 40_000;

function names(): string[] {
  return [...Deno.readDirSync(new URL("fixtures/media/", import.meta.url))].map(({ name }) => name);
}

/** Asserts a refusal that leaves nothing of the upload. */
async function refusedWhole(t: TestApp, answer: Answer, status: number, code: string): Promise<void> {
  refused(answer, status, code);
  deepEqual(await remains(t), NOTHING);
}

Deno.test("upload_media takes every kind of file that phones and browsers record, and gives back its bytes", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const files = names().filter((name) => !NEITHER.includes(name));
    ok(files.length > 25);
    for (const name of files) {
      const kind = VIDEO.includes(name) ? "video" : "audio";
      const answer = await upload(t, ann, fixture(name), kind);
      succeeded(answer);
      deepEqual(Object.keys(answer.body).sort(), ["id", "success"], name);
      ok(Number.isSafeInteger(answer.body.id) && answer.body.id > 0);
      deepEqual(await download(t, ann, answer.body.id), fixture(name), name);
    }
    deepEqual(await remains(t), { rows: files.length, objects: files.length });
  }));

Deno.test("upload_media refuses every file that is said to be of the other kind, and keeps nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const name of names().filter((name) => !NEITHER.includes(name))) {
      const other = VIDEO.includes(name) ? "audio" : "video";
      const answer = await upload(t, ann, fixture(name), other);
      refused(answer, 400, "invalid_media");
      const message = `Says ${other}, and the file is ${other === "audio" ? "video" : "audio"}`;
      deepEqual(answer.body.issues, [{ path: "media_type", message }]);
    }
    const { body } = await upload(t, ann, "no media at all");
    deepEqual(body.issues.map(({ path }: { path: string }) => path), ["file"]);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("upload_media refuses what is neither audio nor video, and keeps nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
    const bodies = [
      "",
      "x",
      "<!doctype html><p>hello</p>",
      svg,
      fixture("film.gif"),
      new Uint8Array(1 << 20),
    ];
    for (const bytes of bodies) {
      for (const kind of ["audio", "video"]) {
        await refusedWhole(t, await upload(t, ann, bytes, kind), 400, "invalid_media");
      }
    }
  }));

Deno.test("abort() does not delete an upload that has become media meanwhile", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const file = wav(LIMIT);
    const { id } = (await upload(t, ann, file, "audio")).body;
    await t.services.uploads.abort(id);

    deepEqual(await download(t, ann, id), file);
  }));

Deno.test("media_type is audio, video, or a MIME type of those in any case, with parameters", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const type of ["audio", "AUDIO", "audio/ogg", "Audio/Ogg; codecs=opus", "audio/x-anything"]) {
      succeeded(await upload(t, ann, fixture("opus.ogg"), type));
    }
    succeeded(await upload(t, ann, fixture("film.mp4"), "video/mp4"));
    for (const type of ["", "text", "image/png", "audio/", "audiovideo", "audio /ogg", "application/ogg"]) {
      refused(await upload(t, ann, fixture("opus.ogg"), type), 400, "invalid_input");
    }
    const none = await t.call("POST", "/api/messages/upload_media", {
      token: ann.token,
      raw: "",
      headers: { "content-type": "multipart/form-data; boundary=x" },
    });
    refused(none, 400, "invalid_input");
    equal(none.body.issues[0].path, "media_type");
  }));

Deno.test("MAX_UPLOAD_BYTES counts the file: the last byte passes, one more is 413 with max_bytes", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const over = await upload(t, ann, wav(LIMIT + 1));
    await refusedWhole(t, over, 413, "too_large");
    equal(over.body.max_bytes, LIMIT);
    succeeded(await upload(t, ann, wav(LIMIT)));
  }, { env: { MAX_UPLOAD_BYTES: String(LIMIT) } }));

Deno.test("the quota counts a user's own media to the byte, and nobody else's", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    succeeded(await upload(t, ann, wav(LIMIT - 1_000)));
    const over = await upload(t, ann, wav(1_001));
    refused(over, 413, "quota_exceeded");
    equal(over.body.max_bytes, LIMIT);
    deepEqual(await remains(t), { rows: 1, objects: 1 });

    succeeded(await upload(t, ann, wav(1_000)));
    refused(await upload(t, ann, wav(100)), 413, "quota_exceeded");
    succeeded(await upload(t, bob, wav(LIMIT)));
    deepEqual(await remains(t), { rows: 3, objects: 3 });
  }, { env: { MEDIA_QUOTA_BYTES: String(LIMIT) } }));

Deno.test("two parallel uploads with room for one: one is kept", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (let round = 0; round < 5; round += 1) {
      const both = await Promise.all([upload(t, ann, wav(LIMIT)), upload(t, ann, wav(LIMIT))]);
      const [kept, other] = both.toSorted((one, other) => one.status - other.status);
      succeeded(kept!);
      refused(other!, 413, "quota_exceeded");
      deepEqual(await remains(t), { rows: 1, objects: 1 });
      await t.sql`delete from media`;
    }
  }, { env: { MEDIA_QUOTA_BYTES: String(LIMIT + LIMIT / 2) } }));

Deno.test("a user has two uploads at a time, and others wait for their turn: all of many begun at once get through", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const held = [holdUpload(t, ann.token), holdUpload(t, ann.token)];
    await eventually(async () => equal((await remains(t)).rows, 2));

    const others = Array.from({ length: 10 }, () => upload(t, ann, wav(1_000)));
    succeeded(await upload(t, bob, wav(1_000)));
    equal((await remains(t)).rows, 3);

    held[0]!.end();
    for (const answer of await Promise.all(others)) succeeded(answer);
    held[1]!.end();
    for (const { answer } of held) succeeded(await answer);
    equal((await remains(t)).rows, 13);
  }));

Deno.test("thirty uploads may wait: one more is 429 with retry_after, and passes when one has ended", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const [user] = await t.sql<Actor[]>`select id as user_id from users where phone_number = ${ANN}`;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const others = Array.from({ length: 32 }, () => t.services.uploads.transfer(user!, () => released));

    const another = await upload(t, ann, wav(1_000));
    refused(another, 429, "rate_limited");
    equal(another.headers.get("retry-after"), String(another.body.retry_after));
    refused(await upload(t, ann, wav(1_000), "nonsense"), 429, "rate_limited");
    succeeded(await upload(t, bob, wav(1_000)));

    release();
    await Promise.all(others);
    succeeded(await upload(t, ann, wav(1_000)));
  }));

Deno.test("a client that leaves while its upload waits for its turn begins none, and frees its place in the queue", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const held = [holdUpload(t, ann.token), holdUpload(t, ann.token)];
    await eventually(async () => equal((await remains(t)).rows, 2));

    const client = new AbortController();
    const headers = {
      "authorization": `Bearer ${ann.token}`,
      "tus-resumable": "1.0.0",
      "upload-length": String(LIMIT),
      "upload-metadata": `media_type ${btoa("audio")}`,
    };
    const left = Array.from(
      { length: 30 },
      () => fetch(`${t.url}/api/uploads`, { method: "POST", headers, signal: client.signal }),
    );
    await eventually(async () => refused(await upload(t, ann, wav(1_000)), 429, "rate_limited"));
    client.abort();
    for (const one of await Promise.allSettled(left)) equal(one.status, "rejected");
    await eventually(() => equal(t.log.filter((line) => line.includes('"/api/uploads"')).length, 30));

    const next = upload(t, ann, wav(1_000));
    held.forEach(({ end }) => end());
    succeeded(await next);
    for (const { answer } of held) succeeded(await answer);
    equal((await remains(t)).rows, 3);
  }));

Deno.test("an upload whose session ends while it waits for its turn is 401, and begins nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const [user] = await t.sql<Actor[]>`select id as user_id from users where phone_number = ${ANN}`;
    const { transfer } = t.services.uploads;
    const held = Array.from({ length: 2 }, () => transfer(user!, () => released));

    const asked = Promise.withResolvers<void>();
    t.services.uploads.transfer = (...wanted) => {
      asked.resolve();
      return transfer(...wanted);
    };
    const waiting = create(t, ann, LIMIT);
    await asked.promise;
    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    release();
    refused(await waiting, 401, "unauthenticated");
    await Promise.all(held);
    deepEqual(await remains(t), NOTHING);
  }));

/** Starts an upload that does not end until `end` is called. */
function holdUpload(t: TestApp, token: string) {
  const ended = Promise.withResolvers<void>();
  const file = fixture("voice.wav");
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const text = (piece: string) => controller.enqueue(new TextEncoder().encode(piece));
      text('--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n');
      controller.enqueue(file.slice(0, 1_000));
      await ended.promise;
      controller.enqueue(file.slice(1_000));
      text("\r\n--x--\r\n");
      controller.close();
    },
  });
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  const answer = uploadBody(t, token, body, "audio", headers);
  return { answer, end: () => ended.resolve() };
}

Deno.test("an upload without a session is 401 before anything else is checked", () =>
  withApp(async (t) => {
    for (const token of ["", "nonsense"]) {
      refused(await uploadBody(t, token, "x", "nonsense", {}), 401, "unauthenticated");
    }
    deepEqual(await remains(t), NOTHING);
  }));
