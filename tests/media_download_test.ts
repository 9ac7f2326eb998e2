// Downloads of media: addresses, ranges, headers, slow readers, and downloads that break off.

import fc from "fast-check";
import { CHUNK_BYTES } from "../services/media/uploads.ts";
import { deepEqual, equal, match, ok, rejects } from "./assert.ts";
import { addMedia, fetchBytes, type Fetched, makeWav, same } from "./media_calls.ts";
import { ANN, eventually, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";

/** More than the socket buffers between two processes hold. */
const LARGE_BYTES = 24 * 1024 * 1024;

/** Ann and what she uploaded. */
function withMedia(
  run: (t: TestApp, media: { ann: Person; id: number; bytes: Uint8Array<ArrayBuffer> }) => Promise<void>,
  bytes?: Uint8Array<ArrayBuffer>,
): Promise<void> {
  return withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const uploaded = bytes ?? fixture("voice.wav");
    await run(t, { ann, id: await addMedia(t, ann, uploaded), bytes: uploaded });
  });
}

/** Both addresses of media, with and without a trailing slash. */
function addresses(id: number | string): string[] {
  return [
    `/api/messages/media/${id}`,
    `/api/messages/media/${id}/`,
    `/api/messages/media?media_content_id=${id}`,
    `/api/messages/media/?media_content_id=${id}`,
  ];
}

/** The headers that are the same in every answer. */
function lasting({ headers }: Fetched): [string, string][] {
  return [...headers].filter(([name]) => name !== "date" && name !== "x-request-id");
}

/** How many connections of the service may read media at a time. */
const READS_AT_ONCE_MAX = 4;

/** How many connections of the service are busy, and how many of these are idle in a transaction. */
async function busyConnections(t: TestApp): Promise<{ busy: number; waiting: number }> {
  const [row] = await t.sql<{ busy: number; waiting: number }[]>`
    select count(*)::int as busy, (count(*) filter (where state like 'idle in transaction%'))::int as waiting
    from pg_stat_activity
    where datname = current_database()
      and pid <> pg_backend_pid()
      and backend_type = 'client backend'
      and state <> 'idle'`;
  return row!;
}

async function startReading(t: TestApp, { ann, id }: { ann: Person; id: number }, address?: string) {
  const path = address ? new URL(address).search : `?token=${ann.token}`;
  const response = await fetch(`${t.url}/api/messages/media/${id}${path}`);
  const reader = response.body!.getReader();
  const first = (await reader.read()).value!;
  return {
    /** Reads the rest and returns all bytes. */
    async rest(): Promise<Uint8Array<ArrayBuffer>> {
      const parts = [first];
      for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
      return new Uint8Array(await new Blob(parts).arrayBuffer());
    },
    stop: () => reader.cancel(),
  };
}

/** Resolves after this time, or never if aborted. */
function after(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}

Deno.test("media are served whole at both addresses, with or without a slash, by header and by ?token=", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    for (const address of addresses(id)) {
      const withToken = `${address}${address.includes("?") ? "&" : "?"}token=${ann.token}`;
      for (
        const fetched of [await fetchBytes(t, address, { token: ann.token }), await fetchBytes(t, withToken)]
      ) {
        equal(fetched.status, 200, address);
        await same(fetched.bytes, bytes);
      }
      refused(await t.call("GET", address), 401, "unauthenticated");
      refused(await t.call("GET", address, { token: "nonsense" }), 401, "unauthenticated");
    }
  }));

Deno.test("a download states its type and file name, may be cached only privately and revalidated, and runs no scripts", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (
      const [name, kind, type, extension] of [
        ["voice.wav", "audio", "audio/wav", "wav"],
        ["voice.mp3", "audio", "audio/mpeg", "mp3"],
        ["voice.m4a", "audio", "audio/mp4", "m4a"],
        ["amr.3gp", "audio", "audio/3gpp", "3gp"],
        ["film.mov", "video", "video/quicktime", "mov"],
        ["film.mkv", "video", "video/matroska", "mkv"],
        ["opus.ogg", "audio", "audio/ogg", "ogg"],
        ["voice.webm", "audio", "audio/webm", "webm"],
        ["vp8.webm", "video", "video/webm", "webm"],
        ["film.mp4", "video", "video/mp4", "mp4"],
      ] as const
    ) {
      const bytes = fixture(name);
      const id = await addMedia(t, ann, bytes, kind);
      const { headers } = await fetchBytes(t, `/api/messages/media/${id}`, { token: ann.token });
      equal(headers.get("content-type"), type);
      equal(headers.get("x-content-type-options"), "nosniff");
      equal(headers.get("content-disposition"), `inline; filename="${id}.${extension}"`);
      match(headers.get("content-security-policy")!, /^sandbox; default-src 'none'/);
      equal(headers.get("cache-control"), "private, no-cache");
      equal(headers.get("vary"), "Authorization");
      equal(headers.get("accept-ranges"), "bytes");
      equal(headers.get("content-length"), String(bytes.length));
      match(headers.get("etag")!, /^"[^"]+"$/);
      ok(headers.get("x-request-id"));
      equal(headers.get("content-encoding"), null);
      equal(headers.get("set-cookie"), null);
    }
  }));

Deno.test("HEAD has the headers of GET and no body, and ignores ranges", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    for (const address of addresses(id)) {
      const whole = await fetchBytes(t, address, { token: ann.token });
      for (const range of ["", "bytes=0-9", `bytes=${bytes.length}-`]) {
        const head = await fetchBytes(t, address, { method: "HEAD", token: ann.token, range });
        equal(head.status, 200);
        equal(head.bytes.length, 0);
        deepEqual(lasting(head), lasting(whole));
      }
      equal((await fetchBytes(t, address, { method: "HEAD" })).status, 401);
    }
    equal((await fetchBytes(t, "/api/messages/media/1", { method: "HEAD", token: ann.token })).status, 404);
  }));

Deno.test("one range is answered with 206 and exactly those bytes", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    const { length } = bytes;
    const ranges: Record<string, [number, number]> = {
      "bytes=0-0": [0, 1],
      "bytes=0-1023": [0, 1024],
      "bytes=100-": [100, length],
      "bytes=-1": [length - 1, length],
      "bytes=-500": [length - 500, length],
      [`bytes=0-${length - 1}`]: [0, length],
      "bytes=0-": [0, length],
      [`bytes=-${length * 2}`]: [0, length],
      [`bytes=${length - 1}-${length * 2}`]: [length - 1, length],
    };
    for (const address of addresses(id)) {
      for (const [range, [start, end]] of Object.entries(ranges)) {
        const part = await fetchBytes(t, address, { token: ann.token, range });
        equal(part.status, 206, range);
        equal(part.headers.get("content-range"), `bytes ${start}-${end - 1}/${length}`);
        equal(part.headers.get("content-length"), String(end - start));
        await same(part.bytes, bytes.slice(start, end));
      }
    }
  }));

Deno.test("a range beyond the end is 416, and the answer states the length", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    for (
      const range of [`bytes=${bytes.length}-`, `bytes=${bytes.length * 2}-${bytes.length * 3}`, "bytes=-0"]
    ) {
      const answer = await t.call("GET", `/api/messages/media/${id}`, {
        token: ann.token,
        headers: { range },
      });
      refused(answer, 416, "range_not_satisfiable");
      equal(answer.headers.get("content-range"), `bytes */${bytes.length}`);
      equal(answer.headers.get("cache-control"), "no-store");
      equal(answer.headers.get("etag"), null);
    }
  }));

Deno.test("several ranges and invalid ones are answered with the whole", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    for (
      const range of ["bytes=0-1,5-6", "bytes=9-1", "bytes=a-b", "bytes=", "seconds=0-1", "0-1", "bytes=-"]
    ) {
      const whole = await fetchBytes(t, `/api/messages/media/${id}`, { token: ann.token, range });
      equal(whole.status, 200, range);
      equal(whole.headers.get("content-range"), null);
      await same(whole.bytes, bytes);
    }
  }));

Deno.test("If-Range gives the range to a client that knows the ETag of these bytes, and the whole to others", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    const address = `/api/messages/media/${id}`;
    const etag = (await fetchBytes(t, address, { token: ann.token })).headers.get("etag")!;
    const ask = (ifRange: string, range = "bytes=5-9") =>
      fetchBytes(t, address, { token: ann.token, range, "if-range": ifRange });

    equal((await ask(etag)).status, 206);
    for (const other of ['"other"', `W/${etag}`, etag.slice(1, -1), "Thu, 01 Jan 2026 00:00:00 GMT"]) {
      const whole = await ask(other);
      equal(whole.status, 200, other);
      await same(whole.bytes, bytes);
      equal((await ask(other, `bytes=${bytes.length}-`)).status, 200);
    }
  }));

Deno.test("If-None-Match is 304 without a body for a client that has these bytes, whatever range it asks for", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    const address = `/api/messages/media/${id}`;
    const etag = (await fetchBytes(t, address, { token: ann.token })).headers.get("etag")!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      for (const range of ["", "bytes=0-1", `bytes=${bytes.length}-`]) {
        const answer = await fetchBytes(t, address, { token: ann.token, range, "if-none-match": known });
        deepEqual([answer.status, answer.bytes.length], [304, 0], `${known} ${range}`);
        equal(answer.headers.get("etag"), etag);
        equal(answer.headers.get("cache-control"), "private, no-cache");
      }
    }
    equal((await fetchBytes(t, address, { token: ann.token, "if-none-match": '"other"' })).status, 200);
    equal((await fetchBytes(t, address, { "if-none-match": etag })).status, 401);
  }));

Deno.test("an id that is no integer below 2^53 is 400; an integer that cannot be an id is 404 like others", () =>
  withMedia(async (t, { ann }) => {
    for (const id of ["abc", "1.5", "1e3", "0x1", "%20", "1%00", String(2 ** 53), "9".repeat(40)]) {
      for (const address of addresses(id)) {
        refused(await t.call("GET", address, { token: ann.token }), 400, "invalid_input");
      }
      refused(
        await t.call("GET", `/api/messages/media/${id}/url`, { token: ann.token }),
        400,
        "invalid_input",
      );
    }
    refused(await t.call("GET", "/api/messages/media", { token: ann.token }), 400, "invalid_input");
    for (const id of [0, -1, 1, 2 ** 53 - 1, -(2 ** 53 - 1)]) {
      for (const address of addresses(id)) {
        refused(await t.call("GET", address, { token: ann.token }), 404, "media_not_found");
      }
    }
    refused(await t.call("GET", "/api/messages/media/1/2", { token: ann.token }), 404, "not_found");
    refused(await t.call("DELETE", "/api/messages/media/1", { token: ann.token }), 405, "method_not_allowed");
  }));

Deno.test("any range of media that are stored in several chunks has the bytes that were uploaded", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    const near = fc.tuple(fc.nat({ max: 4 }), fc.integer({ min: -2, max: 2 }))
      .map(([chunks, off]) => Math.max(0, chunks * CHUNK_BYTES + off));
    const offset = fc.oneof(fc.nat({ max: bytes.length - 1 }), near);
    await fc.assert(
      fc.asyncProperty(offset, offset, async (one, other) => {
        const [start, last] = [Math.min(one, other), Math.max(one, other)];
        const range = `bytes=${start}-${last}`;
        const part = await fetchBytes(t, `/api/messages/media/${id}`, { token: ann.token, range });
        equal(part.status, 206);
        await same(part.bytes, bytes.slice(start, last + 1));
      }),
      { numRuns: 80 },
    );
  }, makeWav(1_200_001)));

Deno.test("slow readers hold no connection and no transaction, keep nobody waiting, and get every byte", () =>
  withMedia(async (t, media) => {
    // More than the service has connections.
    const readers = await Promise.all(Array.from({ length: 9 }, () => startReading(t, media)));
    succeeded(await t.call("GET", "/api/contacts", { token: media.ann.token }));
    // Until the socket buffers are full, bytes are still read for them, by few connections at a time.
    let inTransaction = 0;
    await eventually(async () => {
      const now = await busyConnections(t);
      inTransaction = Math.max(inTransaction, now.waiting);
      deepEqual(now, { busy: 0, waiting: 0 });
    }, 30_000);
    ok(inTransaction <= READS_AT_ONCE_MAX, `${inTransaction} in a transaction`);

    const [patient, ...others] = readers;
    await Promise.all(others.map((reader) => reader.stop()));
    await same(await patient!.rest(), media.bytes);
  }, makeWav(LARGE_BYTES)));

Deno.test("a read that the database refuses breaks off its download, and leaves no connection in a failed transaction", () =>
  withMedia(async (t, { ann, id, bytes }) => {
    const lost = await addMedia(t, ann, bytes);
    await t.sql`select lo_unlink(oid) from media where id = ${lost}`;
    // More than the service has connections.
    await Promise.all(Array.from({ length: 12 }, async () => {
      await rejects(fetchBytes(t, `/api/messages/media/${lost}`, { token: ann.token }));
    }));
    await eventually(async () => deepEqual(await busyConnections(t), { busy: 0, waiting: 0 }));
    const fetched = await Promise.all(
      Array.from({ length: 12 }, () => fetchBytes(t, `/api/messages/media/${id}`, { token: ann.token })),
    );
    for (const { status, bytes: read } of fetched) {
      equal(status, 200);
      await same(read, bytes);
    }
  }));

Deno.test("a download whose session ends breaks off, and one by a signed address goes on", () =>
  withMedia(async (t, media) => {
    const { body } = await t.call("GET", `/api/messages/media/${media.id}/url`, { token: media.ann.token });
    const signed = await startReading(t, media, body.url);
    const reader = await startReading(t, media);
    succeeded(await t.call("POST", "/api/auth/signout", { token: media.ann.token }));
    await rejects(reader.rest());
    await same(await signed.rest(), media.bytes);
  }, makeWav(LARGE_BYTES)));

Deno.test("a download of media that are deleted meanwhile breaks off, and neither hangs nor looks complete", () =>
  withMedia(async (t, media) => {
    const reader = await startReading(t, media);
    await t.sql`delete from media`;
    const tooLong = new AbortController();
    await rejects(Promise.race([reader.rest(), after(10_000, tooLong.signal)]));
    tooLong.abort();
    succeeded(await t.call("GET", "/api/contacts", { token: media.ann.token }));
  }, makeWav(LARGE_BYTES)));
