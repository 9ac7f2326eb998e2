// Streaming bytes to a client: how much is read for one that takes them at once, and for one that does not.

import fc from "fast-check";
import { outflow } from "../services/media/outflow.ts";
import { deepEqual, equal, rejects } from "./assert.ts";

const KIB = 1024;
const FILE = Uint8Array.from({ length: 2_000 * KIB + 1 }, (_, at) => (at * 31 + (at >> 8) * 17) % 251);

/** Reads a file, and records which parts were read. */
function watched() {
  const reads: { offset: number; kib: number }[] = [];
  const read = (offset: number, length: number) => {
    reads.push({ offset: offset / KIB, kib: length / KIB });
    return Promise.resolve(FILE.subarray(offset, offset + length));
  };
  return { reads, read };
}

Deno.test("outflow() returns the bytes of any range, to clients that take them at once and to slow ones", () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat({ max: FILE.length - 1 }),
      fc.nat({ max: FILE.length - 1 }),
      fc.boolean(),
      async (one, other, slow) => {
        const [start, last] = [Math.min(one, other), Math.max(one, other)];
        const parts: Uint8Array<ArrayBuffer>[] = [];
        for await (const part of outflow(watched().read, { start, end: last + 1, keptMs: 0 })) {
          parts.push(new Uint8Array(part));
          if (slow) await turn();
        }
        deepEqual(await new Blob(parts).bytes(), FILE.slice(start, last + 1));
      },
    ),
    { numRuns: 40 },
  ));

Deno.test("outflow() reads larger and larger blocks for a client that takes them at once, up to 256 KiB, and passes on pieces of 64 KiB", async () => {
  const { reads, read } = watched();
  const sizes: number[] = [];
  for await (const piece of outflow(read, { start: 0, end: FILE.length, keptMs: 10_000 })) {
    sizes.push(piece.length / KIB);
  }
  deepEqual(reads.map(({ kib }) => kib), [64, 128, 256, 256, 256, 256, 256, 256, 256, 16 + 1 / KIB]);
  equal(Math.max(...sizes), 64);
});

Deno.test("outflow() drops what a client does not take, and reads small blocks for it from then on", async () => {
  const { reads, read } = watched();
  const reader = outflow(read, { start: 0, end: FILE.length, keptMs: 0 }).getReader();
  await reader.read();
  await reader.read();
  await turn();
  for (let times = 0; times < 3; times += 1) {
    await reader.read();
    await turn();
  }
  deepEqual(reads, [0, 64, 128, 192, 256].map((offset, at) => ({ offset, kib: at === 1 ? 128 : 64 })));
  await reader.cancel();
});

Deno.test("outflow() passes on no piece that is a view of a larger buffer", async () => {
  const reader = outflow(watched().read, { start: 0, end: FILE.length }).getReader();
  for (let times = 0; times < 5; times += 1) equal((await reader.read()).value!.buffer.byteLength, 64 * KIB);
  await reader.cancel();
});

Deno.test("outflow() fails when reading fails, and reads nothing before it is asked to", async () => {
  let count = 0;
  const stream = outflow(() => (count += 1, Promise.reject(new Error("gone"))), { start: 0, end: 10 });
  await turn();
  equal(count, 0);
  await rejects(stream.getReader().read(), { message: "gone" });
});

/** Lets timers that are due run first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
