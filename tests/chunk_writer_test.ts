// How an upload is cut into chunks, in which order they are written, and what happens if a write fails.

import fc from "fast-check";
import { type Chunk, createChunkWriter } from "../services/media/chunk_writer.ts";
import { deepEqual, equal, rejects } from "./assert.ts";

const CHUNK = 10;

/** A writer whose writes end when the test ends them. */
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

/** A writer whose writes end at once, and the chunks that it wrote. */
function kept(start = 0) {
  const chunks: Chunk[] = [];
  const write = (chunk: Chunk) => {
    chunks.push({ ...chunk, bytes: chunk.bytes.slice() });
    return Promise.resolve();
  };
  return { writer: createChunkWriter({ start, chunkBytes: CHUNK, write }), chunks };
}

Deno.test("a chunk writer writes all bytes in order, each at its offset, in whole chunks", () =>
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

Deno.test("flush() after whole chunks writes an empty one, so that a crash cannot lose what is acknowledged", async () => {
  const { writer, chunks } = kept();
  await writer.take(new Uint8Array(2 * CHUNK));
  await writer.flush();
  await writer.flush();
  const seen = chunks.map(({ offset, bytes, isLazy }) => [offset, bytes.length, isLazy]);
  deepEqual(seen, [[0, CHUNK, true], [CHUNK, CHUNK, true], [2 * CHUNK, 0, false]]);
});

Deno.test("the next chunk is filled while one is written, and waits for it", async () => {
  const { writer, writes } = withGates();
  await writer.take(new Uint8Array(CHUNK).fill(1));
  const taking = writer.take(new Uint8Array(CHUNK).fill(2));
  await Promise.resolve();
  equal(writes.length, 1);
  deepEqual([...writes[0]!.chunk.bytes], Array(CHUNK).fill(1));
  writes[0]!.end.resolve();
  await taking;
  equal(writes.length, 2);
  deepEqual([...writes[1]!.chunk.bytes], Array(CHUNK).fill(2));
  writes[1]!.end.resolve();
});

Deno.test("a failed write is reported with the next chunk and at the end, and nothing is written after it", async () => {
  const { writer, writes } = withGates();
  await writer.take(new Uint8Array(CHUNK + 1));
  writes[0]!.end.reject(new Error("gone"));
  await rejects(writer.take(new Uint8Array(CHUNK)), { message: "gone" });
  await rejects(writer.flush(), { message: "gone" });
  equal(writes.length, 1);
});
