// Clients that request media and do not read them: how many a person may have, and what they cost.

import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deepEqual, equal, ok } from "./assert.ts";
import { addMedia, fetchBytes, makeWav, sendMedia, signedPath } from "./media_calls.ts";
import { eventually, friends, type Person, refused, type TestApp, withApp } from "./support.ts";

const AT_ONCE = 16;
/** More than the socket buffers between two processes hold. */
const LARGE = makeWav(12 * 1024 * 1024);

/** Large enough to take a slot. */
const PART = `bytes=5-${5 + 256 * 1024}`;

interface Unread {
  status: number;
  close(): void;
}

/** Sends a request, and reads nothing. */
async function begin(url: string, path: string, token?: string): Promise<Deno.TcpConn> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const bearer = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${bearer}\r\n`));
  return connection;
}

/** Sends a request, and reads only the status. */
async function ask(url: string, path: string, token?: string): Promise<Unread> {
  const connection = await begin(url, path, token);
  const start = new Uint8Array(12);
  await connection.read(start);
  return {
    status: Number(new TextDecoder().decode(start).slice(9)),
    close: () => connection.close(),
  };
}

/** Holds this many slots of a person, by default all, with downloads of `path` for as long as `run` takes. */
async function holding(
  t: TestApp,
  path: string,
  token: string | undefined,
  run: (held: Unread[]) => Promise<void>,
  places = AT_ONCE,
) {
  const held = await Promise.all(Array.from({ length: places }, () => ask(t.url, path, token)));
  try {
    for (const { status } of held) equal(status, 200);
    await run(held);
  } finally {
    held.forEach(({ close }) => close());
  }
}

async function withLarge(run: (t: TestApp, of: { ann: Person; bob: Person; id: number }) => Promise<void>) {
  await withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const id = await addMedia(t, ann, LARGE);
    await sendMedia(t, [ann, bob], id);
    await run(t, { ann, bob, id });
  });
}

Deno.test("a person may have sixteen downloads at a time; one more that waits in vain is 429, until one has ended", () =>
  withLarge(async (t, { ann, bob, id }) => {
    const path = `/api/messages/media/${id}`;
    await holding(t, path, ann.token, async (held) => {
      const refusal = await t.call("GET", path, { token: ann.token });
      refused(refusal, 429, "rate_limited");
      equal(refusal.body.retry_after, 5);
      for (const name of ["etag", "accept-ranges", "content-disposition"]) {
        equal(refusal.headers.get(name), null, name);
      }
      equal((await fetchBytes(t, path, { token: bob.token, range: PART })).status, 206);

      held.pop()!.close();
      await eventually(async () => {
        equal((await fetchBytes(t, path, { token: ann.token, range: PART })).status, 206);
      });
    });
  }));

Deno.test("many downloads that a person begins at once all succeed, and a client that leaves while waiting takes no slot", () =>
  withLarge(async (t, { ann, id }) => {
    const path = `/api/messages/media/${id}`;
    const get = () => fetchBytes(t, path, { token: ann.token, range: PART });
    await holding(t, path, ann.token, async (held) => {
      const left = Array.from({ length: AT_ONCE }, () => begin(t.url, path, ann.token));
      for (const connection of await Promise.all(left)) connection.close();
      const waiting = Array.from({ length: 30 }, get);
      held.splice(0).forEach(({ close }) => close());
      for (const { status } of await Promise.all(waiting)) equal(status, 206);
    });
    await holding(t, path, ann.token, () => Promise.resolve());
  }));

Deno.test("small media and small parts take no slot, however many are under way", () =>
  withLarge(async (t, { ann, id }) => {
    const small = await addMedia(t, ann, makeWav(200 * 1024));
    await holding(t, `/api/messages/media/${id}`, ann.token, async () => {
      const statuses = await Promise.all(
        Array.from({ length: 3 * AT_ONCE }, async (_, nth) => {
          const part = { token: ann.token, range: `bytes=${nth}-${nth + 256 * 1024 - 1}` };
          const all = { token: ann.token };
          const parts = await fetchBytes(t, `/api/messages/media/${id}`, part);
          return [parts.status, (await fetchBytes(t, `/api/messages/media/${small}`, all)).status];
        }),
      );
      deepEqual([...new Set(statuses.flat())], [206, 200]);
    });
  }));

Deno.test("an answer without bytes takes no slot", () =>
  withLarge(async (t, { ann: { token }, id }) => {
    const path = `/api/messages/media/${id}`;
    const { headers } = await fetchBytes(t, path, { token, method: "HEAD" });
    await holding(t, path, token, async () => {
      for (let times = 0; times <= AT_ONCE; times += 1) {
        equal((await fetchBytes(t, path, { token, method: "HEAD" })).status, 200);
        equal((await fetchBytes(t, path, { token, "if-none-match": headers.get("etag")! })).status, 304);
        equal((await fetchBytes(t, path, { token, range: `bytes=${LARGE.length}-` })).status, 416);
      }
    });
  }));

Deno.test("downloads that end give their slots back, whether complete or broken off", () =>
  withLarge(async (t, { ann: { token }, id }) => {
    const path = `/api/messages/media/${id}`;
    for (let times = 0; times < 3 * AT_ONCE; times += 1) {
      equal((await fetchBytes(t, path, { token, range: PART })).status, 206);
    }
    for (let times = 0; times < 3; times += 1) {
      const broken = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(t.url, path, token)));
      broken.forEach(({ status, close }) => (equal(status, 200), close()));
      await eventually(async () => {
        equal((await fetchBytes(t, path, { token, range: PART })).status, 206);
      });
    }
  }));

Deno.test("downloads by signed URLs count for the user who had them signed, however many URLs there are", () =>
  withLarge(async (t, { ann, bob, id }) => {
    t.clock.freeze();
    const ofAnn = await signedPath(t, ann, id);
    t.clock.advance(1_000);
    const again = await signedPath(t, ann, id);
    ok(again !== ofAnn);
    await holding(t, ofAnn, undefined, async () => {
      refused(await t.call("GET", again), 429, "rate_limited");
      const ofBob = await signedPath(t, bob, id);
      equal((await fetchBytes(t, ofBob, { range: PART })).status, 206);
    });
  }));

Deno.test("downloads by a token and by signed URLs count together", () =>
  withLarge(async (t, { ann, bob, id }) => {
    const path = `/api/messages/media/${id}`;
    const [ofAnn, ofBob] = [await signedPath(t, ann, id), await signedPath(t, bob, id)];
    await holding(t, path, ann.token, () =>
      holding(t, ofAnn, undefined, async (held) => {
        refused(await t.call("GET", ofAnn), 429, "rate_limited");
        refused(await t.call("GET", path, { token: ann.token }), 429, "rate_limited");
        equal((await fetchBytes(t, ofBob, { range: PART })).status, 206);
        equal((await fetchBytes(t, path, { token: bob.token, range: PART })).status, 206);

        held.pop()!.close();
        await eventually(async () => {
          equal((await fetchBytes(t, path, { token: ann.token, range: PART })).status, 206);
        });
      }, AT_ONCE / 2), AT_ONCE / 2);
  }));

/** Collects garbage, which would otherwise hide what is held. */
const collect: () => void = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
})();

/**
 * Memory in use that is not garbage, without the socket buffers of the operating system. The minimum of
 * several measurements: what comes and goes between them is not held.
 */
async function heldMib(): Promise<number> {
  let least = Infinity;
  for (let looks = 0; looks < 10; looks += 1) {
    collect();
    const { heapUsed, external } = Deno.memoryUsage();
    least = Math.min(least, (heapUsed + external) / 1024 / 1024);
    await delay(10);
  }
  return least;
}

Deno.test("a download that nobody reads holds less than a quarter of a MiB", () =>
  withLarge(async (t, { ann, bob, id }) => {
    const path = `/api/messages/media/${id}`;
    const before = await heldMib();
    // Of two people, because that halves the share of other memory of this process in each download.
    const holdAll = (run: () => Promise<void>) =>
      holding(t, path, ann.token, () => holding(t, path, bob.token, run));
    await holdAll(async () => {
      // Until the socket buffers are full, bytes are still read for them.
      await eventually(async () => equal(await readsUnderWay(t), 0), 30_000);
      let each = Infinity;
      await eventually(async () => {
        each = (await heldMib() - before) / (2 * AT_ONCE);
        ok(each < 0.25, `${each} MiB`);
      }, 30_000);
      console.log(`A stalled download holds ${each.toFixed(2)} MiB`);
    });
  }));

async function readsUnderWay(t: TestApp): Promise<number> {
  const [row] = await t.sql<{ busy: number }[]>`
    select count(*)::int as busy
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;
  return row!.busy;
}
