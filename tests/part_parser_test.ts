// The parser of multipart bodies, with misleading bodies. Tests over HTTP are in multipart_test.ts.

import fc from "fast-check";
import { createPartParser } from "../routes/bodies/part_parser.ts";
import { deepEqual, equal, ok, throws } from "./assert.ts";
import { joined } from "./upload_calls.ts";

const BOUNDARY = "--x-";
const HEAD = 'Content-Disposition: form-data; name="file"';
const encoder = new TextEncoder();

/** Parses a body that is cut into pieces of these sizes. */
function parse(body: Uint8Array, sizes: number[], type = `multipart/form-data; boundary=${BOUNDARY}`) {
  const parser = createPartParser(type, "file");
  const found: Uint8Array[] = [];
  for (let at = 0, place = 0; at < body.length; place += 1) {
    const size = sizes[place % sizes.length]!;
    found.push(...parser.push(body.slice(at, at + size)).map((bytes) => bytes.slice()));
    at += size;
  }
  parser.end();
  return joined(...found);
}

/** A body of one part with this head. */
function bodyOf(head: string, bytes: Uint8Array | string = "sound", boundary = BOUNDARY): Uint8Array {
  return joined(`--${boundary}\r\n${head}\r\n\r\n`, bytes, `\r\n--${boundary}--\r\n`);
}

const refusedWith = (path: string, message: RegExp) => (error: { details: { issues: unknown[] } }) => {
  const [issue] = error.details.issues as { path: string; message: string }[];
  equal(issue!.path, path);
  return message.test(issue!.message);
};

// Made of parts of the delimiter, so that its beginnings are everywhere, but whole delimiters are removed.
const misleading = fc.array(fc.constantFrom("\r", "\n", "-", "x", "\r\n", "\r\n--", "\r\n----x", "\0"), {
  maxLength: 60,
}).map((parts) => encoder.encode(parts.join("").replaceAll(`\r\n--${BOUNDARY}`, "")))
  .filter((bytes) => !`\r\n${new TextDecoder().decode(bytes)}\r`.includes(`\r\n--${BOUNDARY}`));
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

Deno.test("a part's bytes are returned unchanged, whatever they are and however the body is cut", () =>
  fc.assert(
    fc.property(misleading, sizes, (bytes, sizes) => {
      deepEqual(parse(bodyOf(HEAD, bytes), sizes), bytes);
    }),
    { numRuns: 2_000 },
  ));

Deno.test("a part is found by its name, in every spelling of its head that clients use", () => {
  const heads = [
    'content-disposition:form-data;name="file"',
    "CONTENT-DISPOSITION: form-data; filename=x; NAME=file",
    'Content-Disposition: form-data;\r\n\tname="file"; filename=""',
    'X: y\r\nContent-Disposition: form-data ; name="fi\\le"\r\nZ: z',
    `Content-Type: audio/wav; name="voice"\r\nX: y\r\n${HEAD}; filename="a;\\"name=z\\".wav"`,
    `${HEAD}; filename="\u{1f3a4}.wav"; filename*=UTF-8''%F0%9F%8E%A4.wav`,
  ];
  for (const head of heads) equal(parse(bodyOf(head), [7]).length, 5, head);
  const quoted = bodyOf(HEAD, "sound", "a b:c");
  equal(parse(quoted, [7], 'multipart/form-data; charset=utf-8; boundary="a b:c"').length, 5);
});

Deno.test("the error of a refused body says why", () => {
  const cases: [body: Uint8Array, path: string, message: RegExp][] = [
    [bodyOf('Content-Disposition: form-data; name="voice"'), "voice", /only part is file/],
    [bodyOf('Content-Disposition: attachment; name="file"'), "file", /without a name/],
    [bodyOf('Content-Disposition: form-dataX; name="file"'), "file", /without a name/],
    [bodyOf('X-Content-Disposition: form-data; name="file"'), "file", /without a name/],
    [bodyOf('Content-Type: x/form-data; name="file"'), "file", /without a name/],
    [bodyOf("nonsense"), "file", /without a name/],
    [joined(`--${BOUNDARY}--\r\n`), "file", /Is missing/],
    [joined(bodyOf(HEAD).slice(0, -4), "\r\n", HEAD, "\r\n\r\n"), "file", /only part/],
    [joined(`--${BOUNDARY}\r\n${HEAD}\r\n`, bodyOf(HEAD)), "file", /not whole/],
    [bodyOf(`X: ${"y".repeat(8_192)}\r\n${HEAD}`), "file", /not whole/],
    [new Uint8Array(10_000), "file", /not whole/],
    ...[2, 3, 4].map((missing) =>
      [bodyOf(HEAD).slice(0, -missing - 1), "file", /not whole/] as [Uint8Array, string, RegExp]
    ),
    [new Uint8Array(0), "file", /not whole/],
  ];
  for (const [body, path, message] of cases) {
    for (const sizes of [[1], [64], [100_000]]) {
      throws(() => parse(body, sizes), refusedWith(path, message));
    }
  }
});

Deno.test("a head may arrive byte by byte", () => {
  const head = `X: ${"y".repeat(8_000)}\r\n${HEAD}`;
  equal(parse(bodyOf(head), [1]).length, 5);
});

Deno.test("input that is long on purpose is parsed in linear time", () => {
  const many = 400_000;
  const long = [
    " ".repeat(many),
    ";".repeat(many),
    "; a".repeat(many),
    ';a="\\'.repeat(many),
    ";a=".repeat(many),
  ];
  const startedAt = performance.now();
  for (const before of long) {
    const type = `multipart/form-data${before}"; boundary=${BOUNDARY}`;
    equal(parse(bodyOf(HEAD), [1_000], type).length, 5, before.slice(0, 9));
  }
  // All of it takes a fraction of a second. A parser that starts over for every character takes a minute
  // for each.
  ok(performance.now() - startedAt < 20_000);
});

Deno.test("a boundary has at most seventy characters", () => {
  const of = (letters: number) => "b".repeat(letters);
  const type = (letters: number) => `multipart/form-data; boundary=${of(letters)}`;
  equal(parse(bodyOf(HEAD, "sound", of(70)), [9], type(70)).length, 5);
  throws(() => parse(bodyOf(HEAD, "sound", of(71)), [9], type(71)), refusedWith("file", /more than 70/));
});
