// Bodies are read in small reads and returned in large pieces, and nothing that arrived is lost.

import { type BodyReader, openBody } from "../routes/bodies/body_reader.ts";
import { readBytes } from "../routes/bodies/json_body.ts";
import { deepEqual, equal, rejects } from "./assert.ts";

const KIB = 1024;

/** A body whose parts are all available at once; after them it ends, fails, or stays open. */
function bodyOf(lengths: number[], then: "end" | "fail" | "wait") {
  const asked: number[] = [];
  const parts = lengths.map((length, part) => new Uint8Array(length).fill(part + 1));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    type: "bytes",
    pull(controller) {
      const { byobRequest } = controller as ReadableByteStreamController;
      const view = byobRequest!.view as Uint8Array;
      asked.push(view.byteLength);
      const part = parts.shift();
      if (part) {
        view.set(part);
        byobRequest!.respond(part.length);
      } else if (then === "end") {
        controller.close();
        byobRequest!.respond(0);
      } else if (then === "fail") controller.error(new Error("gone"));
      return then === "wait" && parts.length === 0 ? new Promise<void>(() => {}) : undefined;
    },
  });
  return { body, asked };
}

async function lengthsOf(reader: BodyReader, pieces: number): Promise<(number | undefined)[]> {
  const lengths = [];
  for (let piece = 0; piece < pieces; piece += 1) lengths.push((await reader.read())?.length);
  return lengths;
}

Deno.test("a body that has arrived is read 4 KiB at a time, and returned in pieces of up to 64 KiB", async () => {
  const { body, asked } = bodyOf(Array(40).fill(4 * KIB), "end");
  deepEqual(await lengthsOf(openBody(body), 4), [64 * KIB, 64 * KIB, 32 * KIB, undefined]);
  equal(Math.max(...asked), 4 * KIB);
});

Deno.test("readBytes() reads a body of 60 KiB in steps of 4 KiB, although its length is declared", async () => {
  const { body, asked } = bodyOf(Array(15).fill(4 * KIB), "end");
  const headers = { "Content-Length": String(60 * KIB) };
  const request = new Request("http://localhost/", { method: "POST", headers, body });
  equal((await readBytes(request)).length, 60 * KIB);
  equal(Math.max(...asked), 4 * KIB);
});

Deno.test("of a body that pauses, everything that has arrived is returned", async () => {
  const { body } = bodyOf([4 * KIB, 4 * KIB, 7], "wait");
  const reader = openBody(body);
  deepEqual(await lengthsOf(reader, 1), [8 * KIB + 7]);
  await reader.cancel();
});

Deno.test("a body that arrives in parts smaller than a read takes no more memory than its bytes", async () => {
  const { body } = bodyOf([5, 6], "end");
  const reader = openBody(body);
  equal((await reader.read())!.buffer.byteLength, 5);
  deepEqual(await lengthsOf(reader, 2), [6, undefined]);
});

Deno.test("the bytes before a body breaks off are returned, and the next read fails", async () => {
  const { body } = bodyOf([4 * KIB, 4 * KIB, 100], "fail");
  const reader = openBody(body);
  const piece = await reader.read();
  deepEqual([piece!.length, piece!.at(0), piece!.at(-1)], [8 * KIB + 100, 1, 3]);
  await rejects(reader.read(), { message: "gone" });
});
