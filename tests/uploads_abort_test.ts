// Uploads that are cut off: wherever and by whomever it happens, nothing is left behind.

import { deepEqual, equal, ok } from "./assert.ts";

import { connect, openDatabase } from "../db/connection/database.ts";
import { createMediaSweep } from "../services/media/sweep.ts";
import { CHUNK_BYTES } from "../services/media/uploads.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { startForgetfulProxy } from "./forgetful_proxy.ts";
import { killWaiting } from "./locks.ts";
import { type Service, startService } from "./process.ts";
import { beginRaw, type RawUpload } from "./raw_upload.ts";
import { type Relay, startRelay } from "./relay.ts";
import { signUp } from "./service_client.ts";
import { ANN, eventually, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { begin, BYTES, metadata, offset } from "./tus_calls.ts";
import { NOTHING, remains, wav } from "./upload_calls.ts";

const SWEPT_AFTER_MS = 11 * 60_000;
const SIZE = 3 * CHUNK_BYTES + 1_000;
const FILE = wav(SIZE);
/** At chunk boundaries and one byte to either side, and at the end. */
const CUTS = [0, 1, 2, 3].flatMap((chunks) => [-1, 0, 1].map((beside) => chunks * CHUNK_BYTES + beside))
  .filter((cut) => cut >= 0).concat(SIZE);

/** Begins an upload and sends this many bytes. */
async function sendUntil(url: string, token: string, cut: number): Promise<RawUpload> {
  const raw = await beginRaw(url, { token });
  await raw.write(FILE.subarray(0, cut));
  return raw;
}

function writtenOf(cut: number): number {
  return cut - cut % CHUNK_BYTES;
}

async function sizes({ sql }: Pick<TestApp, "sql">): Promise<number[]> {
  return (await sql<{ size: number }[]>`select size from media order by size`).map(({ size }) => size);
}

/** Sweeps as if the uploads had been silent for long enough. */
async function sweepLater({ address }: TestDatabase): Promise<void> {
  const database = openDatabase(address, { max: 1 });
  try {
    await createMediaSweep({ database, now: () => new Date(Date.now() + SWEPT_AFTER_MS) }).recent();
  } finally {
    await database.close();
  }
}

for (const way of ["end", "reset"] as const) {
  Deno.test(`an upload whose connection is cut by ${way} at any chunk's boundary leaves nothing, at once`, () =>
    withApp(async (t) => {
      const { token } = await t.signUp(ANN);
      for (const cut of CUTS) {
        const raw = await sendUntil(t.url, token, cut);
        await eventually(async () => deepEqual(await sizes(t), [writtenOf(cut)]));
        raw[way]();
        await eventually(async () => deepEqual(await remains(t), NOTHING));
      }
    }));
}

interface Scene {
  service: Service;
  relay: Relay;
  sql: ReturnType<typeof connect>;
  database: TestDatabase;
  /** Uploads in progress, one cut at each of CUTS. */
  uploads: RawUpload[];
}

/** Runs with a service in a process of its own and uploads in progress. */
async function withUploadsUnderWay(run: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const relay = startRelay(database);
  const sql = connect(database.address, { max: 2 });
  const service = await startService({
    env: { DATABASE_URL: relay.url, JWT_SECRET: "a secret of thirty-two bytes or more", LIMITS: "off" },
  });
  try {
    const uploads = await Promise.all(CUTS.map(async (cut, place) => {
      const { token } = await signUp(service.url, `+141555501${20 + place}`);
      return await sendUntil(service.url, token, cut);
    }));
    await eventually(async () => deepEqual(await sizes({ sql }), CUTS.map(writtenOf)));
    await run({ service, relay, sql, database, uploads });
    uploads.forEach((upload) => upload.reset());
  } finally {
    await service.end("SIGKILL").catch(() => {});
    relay.close();
    await sql.end();
    await database.drop();
  }
}

Deno.test("uploads whose service is killed at any chunk's boundary leave nothing once the sweep has run", () =>
  withUploadsUnderWay(async ({ service, sql, database }) => {
    await service.end("SIGKILL");
    deepEqual(await remains({ sql }), { rows: CUTS.length, objects: CUTS.length });
    await sweepLater(database);
    deepEqual(await remains({ sql }), NOTHING);
  }));

Deno.test("uploads whose service is stopped at any chunk's boundary leave nothing; what had arrived of a resumable one is kept", () =>
  withUploadsUnderWay(async ({ service, sql, uploads }) => {
    const arrived = CHUNK_BYTES + 1_000;
    const { token } = await signUp(service.url, ANN);
    const headers = { ...BYTES, authorization: `Bearer ${token}` };
    const plan = { "upload-length": String(SIZE), "upload-metadata": metadata({ media_type: "audio" }) };
    const begun = await fetch(`${service.url}/api/uploads`, {
      method: "POST",
      headers: { ...headers, ...plan },
    });
    const silence = Promise.withResolvers<never>();
    const silent = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(FILE.subarray(0, arrived));
        return silence.promise;
      },
    });
    const patched = fetch(service.url + begun.headers.get("location")!, {
      method: "PATCH",
      headers: { ...headers, "upload-offset": "0" },
      body: silent,
    }).catch(() => {});
    await eventually(async () => {
      const [row] = await sql`select size from media where length is not null`;
      equal(row!.size, CHUNK_BYTES);
    });

    const [last, ...others] = uploads.toReversed();
    const ended = service.end("SIGTERM");
    await eventually(async () => equal((await fetch(`${service.url}/healthz`)).status, 503));
    await last!.finish();
    equal((await last!.answer).status, 200);
    for (const { answer } of others) {
      deepEqual([(await answer).status, (await answer).body.code], [503, "unavailable"]);
    }
    equal(await ended, 0);
    deepEqual(await sizes({ sql }), [arrived, SIZE]);
    deepEqual(await remains({ sql }), { rows: 2, objects: 2 });
    silence.reject(new Error("The network is gone"));
    await patched;
  }));

Deno.test("uploads whose database goes away at any chunk's boundary are 503, and leave nothing once the sweep has run", () =>
  withUploadsUnderWay(async ({ relay, sql, database, uploads }) => {
    relay.cut();
    await Promise.all(uploads.map(async (upload, place) => {
      await upload.write(FILE.subarray(CUTS[place]));
      await upload.finish();
      const { status, body } = await upload.answer;
      deepEqual([status, body.code], [503, "unavailable"]);
    }));
    relay.mend();
    deepEqual(await remains({ sql }), { rows: CUTS.length, objects: CUTS.length });
    await sweepLater(database);
    deepEqual(await remains({ sql }), NOTHING);
  }));

Deno.test("an upload whose database connection is killed while it writes a chunk is 503, and leaves nothing once the sweep has run", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const cut of CUTS.filter((cut) => cut < SIZE)) {
      const raw = await sendUntil(t.url, token, cut);
      await eventually(async () => deepEqual(await sizes(t), [writtenOf(cut)]));
      await t.sql.begin(async (sql) => {
        await sql`select from media for update`;
        await raw.write(FILE.subarray(cut));
        await raw.finish();
        await killWaiting(t);
      });
      const { status, body } = await raw.answer;
      deepEqual([status, body.code], [503, "unavailable"]);
      await sweepLater(t.database);
      deepEqual(await remains(t), NOTHING);
    }
  }));

/** Allows uploads less silence than thirty seconds, but enough between two writes on a busy machine. */
function impatient(t: TestApp): void {
  Object.assign(t.services.uploads, { silenceMsMax: 800 });
}

Deno.test("an upload whose session ends is 401 and leaves nothing; what had arrived of a resumable one is kept", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const raw = await sendUntil(t.url, ann.token, CHUNK_BYTES + 1_000);
    const address = await begin(t, ann, SIZE);
    const goOn = Promise.withResolvers<void>();
    const pieces = [FILE.subarray(0, CHUNK_BYTES + 1_000), FILE.subarray(CHUNK_BYTES + 1_000)];
    const halting = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (pieces.length === 1) await goOn.promise;
        controller.enqueue(pieces.shift()!);
        if (pieces.length === 0) controller.close();
      },
    }, { highWaterMark: 0 });
    const asked = t.call("PATCH", address, {
      token: ann.token,
      raw: halting,
      headers: { ...BYTES, "upload-offset": "0" },
    });
    await eventually(async () => deepEqual(await sizes(t), [CHUNK_BYTES, CHUNK_BYTES]));

    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    goOn.resolve();
    refused(await asked, 401, "unauthenticated");
    await raw.write(FILE.subarray(CHUNK_BYTES + 1_000));
    await raw.finish();
    const { status, body } = await raw.answer;
    deepEqual([status, body.code], [401, "unauthenticated"]);
    const [kept] = await t.sql<{ size: number; state: string }[]>`select size, state from media`;
    deepEqual(await sizes(t), [CHUNK_BYTES + 1_000]);
    equal(kept!.state, "uploading");
  }));

Deno.test("an upload whose session ends when all bytes of its file have arrived, but not its end, is 401 and leaves nothing", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const raw = await beginRaw(t.url, { token });
    await raw.write(wav(CHUNK_BYTES));
    await eventually(async () => deepEqual(await sizes(t), [CHUNK_BYTES]));

    succeeded(await t.call("POST", "/api/auth/signout", { token }));
    await raw.finish();
    const { status, body } = await raw.answer;
    deepEqual([status, body.code], [401, "unauthenticated"]);
    deepEqual(await sizes(t), []);
  }));

Deno.test("an upload survives an outage in which none of it is written", async () => {
  const database = await createTestDatabase();
  const proxy = startForgetfulProxy(`${database.address.host}/.s.PGSQL.5432`);
  const asAddress = { ...database, address: proxy.urlFor(database.address) as never };
  await withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const begun = CHUNK_BYTES + 1_000;
    const raw = await sendUntil(t.url, token, begun);
    // By then all queries before the first chunk are answered.
    await eventually(async () => deepEqual(await sizes(t), [CHUNK_BYTES]));
    proxy.freeze();
    // Long enough for the session to be looked up again.
    t.clock.advance(5_000);
    await raw.write(FILE.subarray(begun, begun + 1_000));
    await eventually(() => ok(t.log.some((line) => line.includes("Database unavailable"))), 10_000);
    proxy.thaw();
    await eventually(async () => equal((await t.call("GET", "/readyz")).status, 200));
    await raw.write(FILE.subarray(begun + 1_000));
    await raw.finish();
    equal((await raw.answer).status, 200);
  }, { database: asAddress });
  proxy.close();
  await database.drop();
});

Deno.test("an upload that falls silent ends with 503 and leaves nothing; one that is only slow does not", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    impatient(t);
    for (const cut of [0, 1_000, CHUNK_BYTES + 1]) {
      const raw = await sendUntil(t.url, token, cut);
      const { status, body } = await raw.answer;
      deepEqual([status, body.code], [503, "upload_stalled"]);
      deepEqual(await remains(t), NOTHING);
    }
    const slow = await sendUntil(t.url, token, 1_000);
    for (let at = 1_000; at < 2_000; at += 50) {
      await slow.write(FILE.subarray(at, at + 50));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await slow.write(FILE.subarray(2_000));
    await slow.finish();
    equal((await slow.answer).status, 200);
  }));

Deno.test("a resumable upload that falls silent ends with 503 and keeps what had arrived", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    impatient(t);
    const address = await begin(t, ann, SIZE);
    // fetch() does not report an answer that arrives before its body has ended; the log does.
    const silence = Promise.withResolvers<never>();
    const silent = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(FILE.subarray(0, CHUNK_BYTES + 1_000));
        return silence.promise;
      },
    });
    const headers = { ...BYTES, "upload-offset": "0" };
    const asked = t.call("PATCH", address, { token: ann.token, raw: silent, headers }).catch(() => {});
    await eventually(() => t.log.some((line) => /"status":503,"code":"upload_stalled"/.test(line)));
    silence.reject(new Error("The network is gone"));
    await asked;
    equal(await offset(t, ann, address), CHUNK_BYTES + 1_000);
  }));

Deno.test("an upload whose Content-Length is too large is 413 before any of it is read", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const raw = await beginRaw(t.url, { token, contentLength: 1_000_000 });
    const { status, body } = await raw.answer;
    deepEqual([status, body.code, body.max_bytes], [413, "too_large", 10_000]);
    deepEqual(await remains(t), NOTHING);
  }, { env: { MAX_UPLOAD_BYTES: "10000" } }));

Deno.test("an upload without a Content-Length is 413 as soon as it is too large", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const raw = await beginRaw(t.url, { token });
    await raw.write(wav(10_001));
    const { status, body } = await raw.answer;
    deepEqual([status, body.code, body.max_bytes], [413, "too_large", 10_000]);
    deepEqual(await remains(t), NOTHING);
  }, { env: { MAX_UPLOAD_BYTES: "10000" } }));
