// The memory that many large uploads and slow downloads take, and that other requests are answered.

import { createHash } from "node:crypto";
import { equal, ok } from "./assert.ts";

import { createTestDatabase } from "./database.ts";
import { type Service, startService } from "./process.ts";
import { ask, signUp } from "./service_client.ts";
import type { Person } from "./support.ts";
import { partHead, wavHead } from "./upload_calls.ts";

const MIB = 1024 * 1024;
/** `LONG=1` uses files of the size that phones send. */
const SIZE = (Deno.env.get("LONG") ? 64 : 16) * MIB;
const TRANSFERS = 8;
/**
 * For each transfer beyond the first. A file held in memory would cost its size or more; less than that is
 * garbage not yet collected.
 */
const GROWTH_MIB_MAX = Deno.env.get("LONG") ? 8 : 6;
/** For each download, above the memory before the first. */
const DOWNLOAD_MIB_MAX = 12;
const PIECE = Uint8Array.from({ length: 256 * 1024 }, (_, at) => (at * 31 + (at >> 8) * 17) % 256);

/** The bytes of a large WAV file, of which only a piece is held at a time. */
function* largeFile(): Generator<Uint8Array> {
  const head = wavHead(SIZE);
  yield head;
  for (let left = SIZE - head.length; left > 0; left -= PIECE.length) {
    yield PIECE.subarray(0, Math.min(left, PIECE.length));
  }
}

function* body(): Generator<Uint8Array> {
  const text = new TextEncoder();
  yield text.encode(`--x\r\n${partHead("file")}\r\n\r\n`);
  yield* largeFile();
  yield text.encode("\r\n--x--\r\n");
}

/**
 * Uploads with a declared length, as browsers do, or in chunks, as a client does that produces the file while
 * sending.
 */
async function uploadLarge({ url }: Service, { token }: Person, isChunked: boolean): Promise<number> {
  const raw = isChunked ? ReadableStream.from(body()) : new Blob([...body()] as Uint8Array<ArrayBuffer>[]);
  const response = await fetch(`${url}/api/messages/upload_media?media_type=audio`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "multipart/form-data; boundary=x" },
    body: raw,
  });
  const answer = await response.json();
  equal(response.status, 200, JSON.stringify(answer));
  return answer.id;
}

function memoryMib({ pid }: Service): number {
  const [, kib] = Deno.readTextFileSync(`/proc/${pid}/status`).match(/VmRSS:\s+(\d+)/)!;
  return Number(kib) / 1024;
}

/** The peak memory of the service during the work, and the waits of other requests in ms, ascending. */
async function during(service: Service, { token }: Person, work: Promise<unknown>) {
  let ended = false;
  const ending = work.finally(() => ended = true);
  // If another request fails first, its error is the one to report.
  ending.catch(() => {});
  let peak = memoryMib(service);
  const waits: number[] = [];
  while (!ended) {
    const startedAt = performance.now();
    equal((await ask(`${service.url}/api/contacts`, "GET", token)).status, 200);
    waits.push(performance.now() - startedAt);
    peak = Math.max(peak, memoryMib(service));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ending;
  return { peak, waits: waits.toSorted((one, other) => one - other) };
}

async function sha256Of(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Downloads one chunk, waits until `letGo`, and cancels. */
async function downloadSlowly(
  { url }: Service,
  { token }: Person,
  id: number,
  letGo: Promise<void>,
): Promise<void> {
  const response = await fetch(`${url}/api/messages/media/${id}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const reader = response.body!.getReader();
  await reader.read();
  await letGo;
  await reader.cancel();
}

function p99(waits: number[]): number {
  return waits[Math.floor(waits.length * 0.99)]!;
}

/** Compares the memory for uploads one after the other with that for the same uploads at once. */
async function measureUploads(
  service: Service,
  people: Person[],
): Promise<{ growth: number; ids: number[] }> {
  const idle = await during(service, people[0]!, new Promise((resolve) => setTimeout(resolve, 500)));
  const inTurn = async () => {
    for (const [place, me] of people.entries()) await uploadLarge(service, me, place % 2 === 0);
  };
  // Twice, so that the heap has grown to the size that the work itself needs.
  const one = await during(service, people[0]!, inTurn().then(inTurn));
  const uploads = Promise.all(people.map((me, place) => uploadLarge(service, me, place % 2 === 0)));
  const all = await during(service, people[0]!, uploads);
  const growth = (all.peak - one.peak) / (TRANSFERS - 1);
  console.log(
    `Uploads: ${one.peak.toFixed(0)} MiB in turn, ${all.peak.toFixed(0)} MiB at once, ${
      growth.toFixed(1)
    } MiB ` +
      `for each more; 99% of other requests took ${
        (p99(all.waits) / p99(idle.waits)).toFixed(1)
      } times as long as alone`,
  );
  return { growth, ids: await uploads };
}

async function measureSlowDownloads(service: Service, people: Person[], ids: number[]): Promise<void> {
  const letGo = Promise.withResolvers<void>();
  const before = memoryMib(service);
  const downloads = people.map((me, place) => downloadSlowly(service, me, ids[place]!, letGo.promise));
  const { peak } = await during(service, people[0]!, new Promise((resolve) => setTimeout(resolve, 1_000)));
  const growth = (peak - before) / TRANSFERS;
  console.log(`Slow downloads: ${growth.toFixed(1)} MiB each`);
  ok(growth < DOWNLOAD_MIB_MAX, `${growth} MiB`);
  letGo.resolve();
  await Promise.all(downloads);
}

/** Runs with a fresh service, and as many people as there are transfers. */
async function withPeople<T>(run: (service: Service, people: Person[]) => Promise<T>): Promise<T> {
  const database = await createTestDatabase();
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: "a secret of thirty-two bytes or more",
    LIMITS: "off",
  };
  const service = await startService({ env });
  try {
    const people: Person[] = [];
    for (let place = 0; place < TRANSFERS; place += 1) {
      people.push(await signUp(service.url, `+1415555012${place}`));
    }
    return await run(service, people);
  } finally {
    await service.end("SIGKILL");
    await database.drop();
  }
}

Deno.test(
  "eight large uploads at once, and eight slow downloads, are never held whole in memory, and others are answered meanwhile",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    const measure = () =>
      withPeople(async (service, people) => {
        const { growth, ids } = await measureUploads(service, people);
        await measureSlowDownloads(service, people, ids);
        const response = await fetch(`${service.url}/api/messages/media/${ids.at(-1)}`, {
          headers: { authorization: `Bearer ${people.at(-1)!.token}` },
        });
        equal(await sha256Of(response.body!), await sha256Of(largeFile()));
        return growth;
      });
    const growth = await measure();
    // Files held in memory would be held by the next service as well; the garbage left at the peak is chance.
    const least = growth < GROWTH_MIB_MAX ? growth : Math.min(growth, await measure());
    ok(least < GROWTH_MIB_MAX, `${least} MiB`);
  },
);
