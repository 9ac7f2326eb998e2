// The multipart body of an upload, mostly in invalid forms, over HTTP and byte by byte.

import { deepEqual, equal, match, rejects } from "./assert.ts";

import { filePart } from "../routes/bodies/multipart.ts";
import { ANN, type Answer, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";
import {
  download,
  fixture,
  joined,
  MULTIPART,
  multipart,
  NOTHING,
  type Part,
  partHead,
  remains,
  uploadBody,
  wav,
} from "./upload_calls.ts";

const VOICE = fixture("voice.wav");
const FILE: Part = { bytes: VOICE };
const LIMITS = {
  uploadBytesMax: 1_000_000,
  silenceMsMax: 5_000,
  late: new AbortController().signal,
  flow: { bytesMin: 0, periodMs: 5_000 },
};

function requestOf(body: BodyInit, headers: Record<string, string> = MULTIPART): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

async function fileOf(request: Request, limits = LIMITS): Promise<Uint8Array> {
  return joined(...await Array.fromAsync(filePart(request, limits)));
}

/** A body in pieces of this many bytes. */
function inPieces(body: Uint8Array<ArrayBuffer>, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (at < body.length) return controller.enqueue(body.slice(at, at += size));
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}

function field(name: string): Part {
  return { head: partHead(name, ""), bytes: "hello" };
}

async function assertRefused(t: TestApp, { token }: Person, ...parts: Part[]): Promise<Answer> {
  const answer = await uploadBody(t, token, multipart(...parts));
  refused(answer, 400, "invalid_input");
  deepEqual(await remains(t), NOTHING);
  return answer;
}

Deno.test("upload_media takes exactly one part, which is called file; anything else is refused and stores nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const missing = await assertRefused(t, ann);
    deepEqual(missing.body.issues, [{ path: "file", message: "Is missing" }]);
    await assertRefused(t, ann, FILE, FILE);
    const named = await assertRefused(t, ann, { ...FILE, head: partHead("voice") });
    equal(named.body.issues[0].path, "voice");
    await assertRefused(t, ann, { ...FILE, head: partHead("File") });
    await assertRefused(t, ann, field("caption"));
    await assertRefused(t, ann, field("caption"), FILE);
    await assertRefused(t, ann, FILE, field("caption"));
    await assertRefused(t, ann, FILE, { head: partHead("file", ""), bytes: "" });
    await assertRefused(t, ann, { head: "Content-Type: text/plain", bytes: "x" }, FILE);
    await assertRefused(t, ann, FILE, { head: "Content-Disposition: attachment", bytes: "x" });
    await assertRefused(t, ann, { head: "Content-Type: audio/wav", bytes: VOICE });
    await assertRefused(t, ann, { ...FILE, head: "nonsense" });
    await assertRefused(t, ann, { ...FILE, head: partHead("") });
  }));

Deno.test("upload_media accepts a file with any name and type, or without", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const heads = [
      'Content-Disposition: form-data; name="file"',
      'content-disposition: form-data; filename="../../etc/passwd"; name=file\r\nContent-Type: text/html',
      'Content-Disposition: form-data; name="file"; filename=""\r\nContent-Type: audio/wav; x="y"',
      'Content-Disposition: form-data; name="file"; filename="\u{1F3A4}.wav"\r\nContent-Transfer-Encoding: binary',
    ];
    for (const head of heads) {
      const answer = await uploadBody(t, token, multipart({ head, bytes: VOICE }));
      succeeded(answer);
      deepEqual(await download(t, { phone: ANN, token }, answer.body.id), VOICE);
    }
    const form = new FormData();
    form.set("file", new Blob([VOICE]));
    succeeded(await t.call("POST", "/api/messages/upload_media?media_type=audio", { token, raw: form }));
  }));

Deno.test("upload_media answers 415 to every other type of body, and 400 to a boundary that is missing or wrong", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const types = [
      "",
      "application/json",
      "audio/wav",
      "multipart/mixed; boundary=x",
      "multipart/form-dataX",
    ];
    for (const type of types) {
      for (const kind of ["audio", "nonsense"]) {
        const answer = await uploadBody(t, token, multipart(FILE), kind, { "content-type": type });
        refused(answer, 415, "unsupported_media_type");
      }
    }
    for (
      const type of ["multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary=other"]
    ) {
      const answer = await uploadBody(t, token, multipart(FILE), "audio", { "content-type": type });
      refused(answer, 400, "invalid_input");
    }
    for (const raw of ["", "nonsense", new Uint8Array(100_000)]) {
      refused(await uploadBody(t, token, raw), 400, "invalid_input");
    }
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("filePart() returns the file's bytes however the body is cut into chunks", async () => {
  const body = multipart({ bytes: joined("\r\n--", wav(1_000), "\r\n----boundar", "\r\n") });
  const whole = await fileOf(requestOf(body));
  equal(whole.length, 1_000 + 4 + 13 + 2);
  for (const size of [1, 2, 3, 7, 64, 1_000]) deepEqual(await fileOf(requestOf(inPieces(body, size))), whole);
});

Deno.test("filePart() refuses a body that ends before its last boundary does, wherever that is", async () => {
  const body = multipart({ bytes: "some sound" });
  const end = body.length - "\r\n".length;
  for (let length = 0; length < end; length += 1) {
    for (const size of [length + 1, 1]) {
      const request = requestOf(inPieces(body.slice(0, length), size));
      await rejects(fileOf(request), { code: "invalid_input" }, `${length} bytes`);
    }
  }
  equal((await fileOf(requestOf(body.slice(0, end)))).length, 10);
});

Deno.test("filePart() ignores bytes before the first boundary and after the last, up to a limit", async () => {
  const limits = { ...LIMITS, uploadBytesMax: 100 };
  const body = (before: number, after: number) =>
    joined(new Uint8Array(before), "\r\n", multipart({ bytes: "sound" }), new Uint8Array(after));
  equal((await fileOf(requestOf(body(0, 60_000)), limits)).length, 5);
  equal((await fileOf(requestOf(body(60_000, 0)), limits)).length, 5);
  for (const [before, after] of [[66_000, 0], [0, 66_000]] as const) {
    await rejects(fileOf(requestOf(inPieces(body(before, after), 1_000)), limits), { code: "too_large" });
  }
});

Deno.test("filePart() reads no further once it is clear that the body is wrong", async () => {
  const parts = multipart(FILE, field("caption"));
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      controller.enqueue(pulled === 0 ? parts.slice(0, -2) : new Uint8Array(1_000));
      pulled += 1;
    },
  });
  await rejects(fileOf(requestOf(endless), { ...LIMITS, uploadBytesMax: Infinity }), {
    code: "invalid_input",
  });
  match(String(pulled), /^\d$/);
});
