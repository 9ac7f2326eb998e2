// Many large uploads at once: what they cost in memory, and what they cost everybody else.

import { equal, ok } from "node:assert/strict";
import { createHash } from "node:crypto";

import { createTestDatabase } from "./database.ts";
import { type Service, startService } from "./process.ts";
import { ask, signUp } from "./service_client.ts";
import type { Person } from "./support.ts";
import { partHead, wavHead } from "./upload_calls.ts";

const MIB = 1024 * 1024;
const SIZE = 64 * MIB;
const UPLOADS = 8;
/** Most of it is garbage that nobody has been in a hurry to collect; a file that is held costs its 64 MB and more. */
const GROWTH_MIB_MAX = 40;
const PIECE = Uint8Array.from({ length: 256 * 1024 }, (_, at) => (at * 31 + (at >> 8) * 17) % 256);

/** The bytes of a large WAV, of which only a piece is ever held. */
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

async function uploadLarge({ url }: Service, { token }: Person): Promise<number> {
  const response = await fetch(`${url}/api/messages/upload_media?media_type=audio`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "multipart/form-data; boundary=x" },
    body: ReadableStream.from(body()),
  });
  const answer = await response.json();
  equal(response.status, 200, JSON.stringify(answer));
  return answer.id;
}

function memoryMib({ pid }: Service): number {
  const [, kib] = Deno.readTextFileSync(`/proc/${pid}/status`).match(/VmRSS:\s+(\d+)/)!;
  return Number(kib) / 1024;
}

/** The most memory that the service had during the work, and how long other requests waited, in ms, in ascending order. */
async function during(service: Service, { token }: Person, work: Promise<unknown>) {
  let ended = false;
  const ending = work.finally(() => ended = true);
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

Deno.test(
  "eight uploads of 64 MB at once are never held whole, and other requests are answered meanwhile",
  {
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    const database = await createTestDatabase();
    const service = await startService({
      env: { DATABASE_URL: database.url, JWT_SECRET: "a secret of thirty-two bytes or more", LIMITS: "off" },
    });
    try {
      const people: Person[] = [];
      for (let place = 0; place < UPLOADS; place += 1) {
        people.push(
          await signUp(service.url, `+1415555012${place}`),
        );
      }
      const one = await during(service, people[0]!, uploadLarge(service, people[0]!));
      const all = Promise.all(people.map((me) => uploadLarge(service, me)));
      const eight = await during(service, people[0]!, all);
      const growth = (eight.peak - one.peak) / (UPLOADS - 1);
      const p99 = eight.waits[Math.floor(eight.waits.length * 0.99)]!;
      console.log(
        `One upload: ${one.peak.toFixed(0)} MiB; eight: ${eight.peak.toFixed(0)} MiB, ` +
          `${growth.toFixed(1)} MiB for each more; 99% of ${eight.waits.length} requests within ${
            p99.toFixed(0)
          } ms`,
      );
      ok(growth < GROWTH_MIB_MAX, `${growth} MiB`);

      const response = await fetch(`${service.url}/api/messages/media/${(await all).at(-1)}`, {
        headers: { authorization: `Bearer ${people.at(-1)!.token}` },
      });
      equal(await sha256Of(response.body!), await sha256Of(largeFile()));
    } finally {
      await service.end("SIGKILL");
      await database.drop();
    }
  },
);
