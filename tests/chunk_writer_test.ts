// How an upload's bytes are cut, in which order they are written, and what becomes of them when that fails.

import { deepEqual, equal, rejects } from "node:assert/strict";
import fc from "fast-check";
import { type Chunk, createChunkWriter } from "../services/media/chunk_writer.ts";

const CHUNK = 10;

/** A writer whose writes end when they are told to. */
function withGates(start = 0) {
  const writes: { chunk: Chunk; end: PromiseWithResolvers<void> }[] = [];
  const writer = createChunkWriter({
    start,
    chunkBytes: CHUNK,
    write: (chunk) => {
      const end = Promise.withResolvers<void>();
      writes.push({ chunk, end });
      return end.promise;
    },
  });
  return { writer, writes };
}

/** Lets everything happen that waits for nothing but time. */
const passOn = () => new Promise((resolve) => setTimeout(resolve, 5));

/** One whose writes end at once, and what it wrote. */
function kept(start = 0) {
  const chunks: Chunk[] = [];
  const write = (chunk: Chunk) => {
    chunks.push({ ...chunk, bytes: chunk.bytes.slice() });
    return Promise.resolve();
  };
  return { writer: createChunkWriter({ start, chunkBytes: CHUNK, write }), chunks };
}

Deno.test("a chunk writer writes the bytes in their order, each where it belongs, in whole chunks", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 35 })), fc.nat(), async (pieces, start) => {
      const { writer, chunks } = kept(start);
      for (const piece of pieces) await writer.take(piece);
      await writer.flush();
      const all = pieces.flatMap((piece) => [...piece]);
      deepEqual(chunks.flatMap(({ bytes }) => [...bytes]), all);
      equal(writer.end(), start + all.length);
      for (const [place, { offset, bytes, isLazy }] of chunks.entries()) {
        equal(offset, start + place * CHUNK);
        equal(isLazy, place < chunks.length - 1);
        if (isLazy) equal(bytes.length, CHUNK);
      }
    }),
  ));

Deno.test("flush() writes once more after whole chunks, without bytes, so that no crash can lose what is acknowledged", async () => {
  const { writer, chunks } = kept();
  await writer.take(new Uint8Array(2 * CHUNK));
  await writer.flush();
  await writer.flush();
  const seen = chunks.map(({ offset, bytes, isLazy }) => [offset, bytes.length, isLazy]);
  deepEqual(seen, [[0, CHUNK, true], [CHUNK, CHUNK, true], [2 * CHUNK, 0, false]]);
});

Deno.test("while a chunk is written another waits for it and a third is filled, which waits for the first", async () => {
  const { writer, writes } = withGates();
  for (const letter of [1, 2]) await writer.take(new Uint8Array(CHUNK).fill(letter));
  let isTaken = false;
  const taking = writer.take(new Uint8Array(CHUNK).fill(3)).then(() => isTaken = true);
  for (let place = 0; place < 3; place += 1) {
    await passOn();
    equal(writes.length, place + 1);
    equal(isTaken, place > 0);
    deepEqual([...writes[place]!.chunk.bytes], Array(CHUNK).fill(place + 1));
    writes[place]!.end.resolve();
  }
  await taking;
  const flushing = writer.flush();
  await passOn();
  equal(writes[3]!.chunk.isLazy, false);
  writes[3]!.end.resolve();
  await flushing;
});

for (const failing of [0, 1]) {
  Deno.test(`when chunk ${failing} of two fails, the next and the end are told, and nothing is written after it`, async () => {
    const { writer, writes } = withGates();
    await writer.take(new Uint8Array(2 * CHUNK + 1));
    for (let place = 0; place <= failing; place += 1) {
      await passOn();
      if (place < failing) writes[place]!.end.resolve();
      else writes[place]!.end.reject(new Error("gone"));
    }
    await passOn();
    await rejects(writer.take(new Uint8Array(CHUNK)), { message: "gone" });
    await rejects(writer.flush(), { message: "gone" });
    await passOn();
    equal(writes.length, failing + 1);
  });
}

Deno.test("a chunk that failed alone is heard of before the next is on its way", async () => {
  const { writer, writes } = withGates();
  await writer.take(new Uint8Array(CHUNK));
  await passOn();
  writes[0]!.end.reject(new Error("gone"));
  await passOn();
  await rejects(writer.take(new Uint8Array(CHUNK)), { message: "gone" });
  equal(writes.length, 1);
});
