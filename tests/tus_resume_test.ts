// Resumable uploads that are cut, resumed or sent by two clients at once: the file is stored intact.

import fc from "fast-check";
import { Readable } from "node:stream";
import { deepEqual, equal, ok, rejects } from "./assert.ts";

import { type Database, openDatabase } from "../db/connection/database.ts";
import type { UploadRow } from "../db/media/uploads.ts";
import { MediaStore } from "../routes/uploads/tus_store.ts";
import { AppError } from "../services/errors.ts";
import { createMemoryLimiter } from "../services/limits/memory_limiter.ts";
import { CHUNK_BYTES, createUploads } from "../services/media/uploads.ts";
import { createTestDatabase } from "./database.ts";
import { untilWaiting } from "./locks.ts";
import { type Service, startService } from "./process.ts";
import { ask, signUp } from "./service_client.ts";
import {
  ANN,
  type Answer,
  eventually,
  type Person,
  refused,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";
import { begin, BYTES, clientUpload, create, head, idOf, offset, patch, TUS } from "./tus_calls.ts";
import { download, fixture, NOTHING, remains, wavHead } from "./upload_calls.ts";

const SIZE = 2 * CHUNK_BYTES + 12_345;
const FILE = noise(SIZE);

/** A WAV file whose bytes differ from place to place, so that misplaced bytes are noticed. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + (at >> 8) * 17 + (at >> 16) * 7) % 256;
  bytes.set(wavHead(size));
  return bytes;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex();
}

async function assertStored(t: TestApp, me: Person, address: string): Promise<void> {
  equal(await sha256(await download(t, me, idOf(address))), await sha256(FILE));
}

Deno.test("an upload that is cut at any offsets and resumed each time has the bytes of the file", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const me = { phone: ANN, token };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: SIZE - 1 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (cuts, uploadDataDuringCreation) => {
          let uploadUrl: string | undefined;
          for (const cutAt of cuts.toSorted((one, other) => one - other)) {
            const options = { token, bytes: FILE, uploadUrl, cutAt, uploadDataDuringCreation };
            uploadUrl = (await clientUpload(t.url, options)).uploadUrl ?? uploadUrl;
          }
          const ended = await clientUpload(t.url, { token, bytes: FILE, uploadUrl });
          await assertStored(t, me, ended.uploadUrl!);
          await t.sql`delete from media`;
        },
      ),
      { numRuns: 12 },
    );
  }));

/** Downloads an upload from a service in another process. */
async function fetched(url: string, token: string, address: string): Promise<Uint8Array> {
  const response = await fetch(`${url}/api/messages/media/${idOf(address)}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  equal(response.status, 200);
  return await response.bytes();
}

Deno.test("an upload continues in a new process after the service was killed during it", async () => {
  const database = await createTestDatabase();
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: "a secret of thirty-two bytes or more",
    LIMITS: "off",
  };
  let service: Service | null = null;
  try {
    service = await startService({ env });
    const { token } = await signUp(service.url, ANN);
    const cut = await clientUpload(service.url, {
      token,
      bytes: FILE,
      chunkSize: CHUNK_BYTES,
      cutAt: CHUNK_BYTES + 99,
    });
    ok(!cut.finished);
    await service.end("SIGKILL");

    service = await startService({ env });
    const uploadUrl = new URL(new URL(cut.uploadUrl!).pathname, service.url).href;
    const response = await fetch(uploadUrl, {
      method: "HEAD",
      headers: { authorization: `Bearer ${token}`, ...TUS },
    });
    ok(Number(response.headers.get("upload-offset")) >= CHUNK_BYTES);
    const ended = await clientUpload(service.url, { token, bytes: FILE, uploadUrl });
    ok(ended.finished);
    equal(await sha256(await fetched(service.url, token, uploadUrl)), await sha256(FILE));
    equal((await ask(`${service.url}/readyz`, "GET")).status, 200);
  } finally {
    await service?.end("SIGKILL").catch(() => {});
    await database.drop();
  }
});

/** Leaves an upload as if its process was killed between the last byte and the recognition. */
async function unrecognised(t: TestApp, me: Person, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const address = await begin(t, me, bytes.length + 1);
  equal((await patch(t, me, address, 0, bytes)).status, 204);
  await t.sql`update media set length = size where id = ${idOf(address)}`;
  return address;
}

Deno.test("an upload whose process was killed between its last byte and its recognition is completed by HEAD, or by PATCH", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const voice = fixture("voice.wav");
    const one = await unrecognised(t, ann, voice);
    equal(await offset(t, ann, one), voice.length);
    deepEqual(await download(t, ann, idOf(one)), voice);
    const other = await unrecognised(t, ann, voice);
    equal((await patch(t, ann, other, voice.length, "")).status, 204);
    deepEqual(await download(t, ann, idOf(other)), voice);

    const third = await unrecognised(t, ann, voice);
    const heads = await Promise.all(Array.from({ length: 6 }, () => head(t, ann, third)));
    deepEqual(heads.map(({ status }) => status), Array(6).fill(200));

    await t.sql`delete from media`;
    const html = await unrecognised(t, ann, new TextEncoder().encode("<!doctype html>"));
    equal((await head(t, ann, html)).status, 400);
    equal((await head(t, ann, html)).status, 404);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("finish() recognises the uploads of one person one at a time", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const ids: number[] = [];
    for (let nth = 0; nth < 4; nth += 1) ids.push(idOf(await unrecognised(t, ann, fixture("voice.wav"))));
    const [{ user_id }] = await t.sql<[{ user_id: number }]>`select id as user_id from users`;
    const database = openDatabase(t.database.address, { max: 8 });
    let [reads, readsMax] = [0, 0];
    const counted: Database = {
      ...database,
      run(work, options) {
        readsMax = Math.max(readsMax, reads += 1);
        return database.run(work, options).finally(() => reads -= 1);
      },
    };
    const limiter = createMemoryLimiter({ rates: null, elapsedMs: t.clock.elapsedMs });
    const limits = { uploadBytesMax: SIZE, quotaBytes: 2 * SIZE, limiter };
    const uploads = createUploads({ database: counted, now: t.clock.now, ...limits });
    const rows: UploadRow[] = [];
    for (const id of ids) rows.push((await uploads.find({ user_id }, id))!);

    deepEqual(await Promise.all(rows.map(uploads.finish)), ids);
    equal(readsMax, 1);
    await database.close();
  }));

/** Sends the whole file like a client that continues from wherever the upload is. */
async function persist(t: TestApp, me: Person, address: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const at = await offset(t, me, address);
    if (at === SIZE) return;
    const { status, body } = await patch(t, me, address, at, FILE.slice(at));
    if (status === 204) return;
    equal(body.code, "upload_conflict");
  }
}

Deno.test("two clients that send the same upload at once, to one service, store the bytes of the file", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (let round = 0; round < 4; round += 1) {
      const address = await begin(t, ann, SIZE);
      await Promise.all([persist(t, ann, address), persist(t, ann, address)]);
      await assertStored(t, ann, address);
    }
  }));

Deno.test("two clients that send the same upload at once, to two services, store the bytes of the file", () =>
  withTwoApps(async (one, two) => {
    const ann = await one.signUp(ANN);
    for (let round = 0; round < 4; round += 1) {
      const address = await begin(one, ann, SIZE);
      await Promise.all([persist(one, ann, address), persist(two, ann, address)]);
      await assertStored(two, ann, address);
    }
  }));

Deno.test("a PATCH that another process has overtaken is 409, and changes nothing", () =>
  withTwoApps(async (one, two) => {
    const ann = await one.signUp(ANN);
    const address = await begin(one, ann, SIZE);
    let answer: Promise<Answer>;
    await one.sql.begin(async (sql) => {
      await sql`select from media for update`;
      answer = patch(one, ann, address, 0, FILE.slice(0, CHUNK_BYTES));
      await untilWaiting(two);
      await sql`update media set size = 10`;
      await sql`select lo_put(oid, 0, ${FILE.slice(0, 10)}) from media`;
    });
    refused(await answer!, 409, "upload_conflict");
    equal(await offset(two, ann, address), 10);
    equal((await patch(two, ann, address, 10, FILE.slice(10))).status, 204);
    await assertStored(one, ann, address);
  }));

Deno.test("bytes for an offset that the upload has meanwhile passed are upload_conflict, and change nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, SIZE);
    equal((await patch(t, ann, address, 0, FILE.slice(0, 10))).status, 204);
    const store = new MediaStore(t.services.uploads, await t.services.sessions.authenticate(ann.token), null);
    await rejects(store.write(Readable.from([FILE.slice(0, 10)]), String(idOf(address)), 0));
    ok(store.trouble instanceof AppError && store.trouble.code === "upload_conflict");
    equal(await offset(t, ann, address), 10);
  }));

Deno.test("a client that comes back while its old connection hangs takes the upload over, in seconds", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const begun = await create(t, ann, SIZE);
    const address = begun.headers.get("location")!;
    const hanging = Promise.withResolvers<never>();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(FILE.subarray(0, CHUNK_BYTES + 1));
        return hanging.promise;
      },
    });
    const headers = { ...BYTES, "upload-offset": "0" };
    const old = t.call("PATCH", address, { token: ann.token, raw: body, headers }).catch(() => {});
    await eventually(async () => {
      const [row] = await t.sql`select size from media`;
      equal(row!.size, CHUNK_BYTES);
    });
    const startedAt = performance.now();
    const at = await offset(t, ann, address);
    ok(performance.now() - startedAt < 5_000);
    equal(at, CHUNK_BYTES + 1);
    equal((await patch(t, ann, address, at, FILE.slice(at))).status, 204);
    await assertStored(t, ann, address);
    hanging.reject(new Error("The network is gone"));
    await old;
  }));

Deno.test("a stranger who guesses an upload's id cannot interrupt it", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp("+14155550102")];
    const address = await begin(t, ann, SIZE);
    const rest = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(FILE.subarray(0, CHUNK_BYTES));
        await rest.promise;
        controller.enqueue(FILE.subarray(CHUNK_BYTES));
        controller.close();
      },
    });
    const headers = { ...BYTES, "upload-offset": "0" };
    const sent = t.call("PATCH", address, { token: ann.token, raw: body, headers });
    await eventually(async () => {
      const [row] = await t.sql`select size from media`;
      equal(row!.size, CHUNK_BYTES);
    });
    const startedAt = performance.now();
    equal((await head(t, bob, address)).status, 404);
    ok(performance.now() - startedAt < 1_000, "waited for the owner's transfer");
    rest.resolve();
    equal((await sent).status, 204);
    await assertStored(t, ann, address);
  }));
