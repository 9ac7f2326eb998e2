import fc from "fast-check";
import { parseRange } from "../routes/byte_range.ts";
import { deepEqual, equal } from "./assert.ts";

const SIZE = 1_000;
const sizes = fc.integer({ min: 1, max: 2 ** 42 });

Deno.test("parseRange() understands first-last, first- and -length, and ends where the bytes end", () => {
  const ranges: Record<string, [number, number]> = {
    "bytes=0-0": [0, 1],
    "bytes=0-499": [0, 500],
    "bytes=500-999": [500, 1_000],
    "bytes=999-999": [999, 1_000],
    "bytes=0-": [0, 1_000],
    "bytes=999-": [999, 1_000],
    "bytes=-1": [999, 1_000],
    "bytes=-1000": [0, 1_000],
    "bytes=-5000": [0, 1_000],
    "bytes=500-5000": [500, 1_000],
    [`bytes=0-${"9".repeat(400)}`]: [0, 1_000],
    [`bytes=-${"9".repeat(400)}`]: [0, 1_000],
    "BYTES=1-2": [1, 3],
    "bytes= 1-2 ": [1, 3],
    "bytes=0001-0002": [1, 3],
  };
  for (const [header, [start, end]] of Object.entries(ranges)) {
    deepEqual(parseRange(header, SIZE), { start, end }, header);
  }
});

Deno.test("parseRange() returns unsatisfiable for a range outside the bytes", () => {
  for (const range of ["1000-", "1000-1000", "5000-6000", "-0", `${"9".repeat(400)}-`]) {
    equal(parseRange(`bytes=${range}`, SIZE), "unsatisfiable", range);
  }
  for (const range of ["0-", "0-0", "-1"]) equal(parseRange(`bytes=${range}`, 0), "unsatisfiable", range);
});

Deno.test("parseRange() returns null, for all bytes, if there is no range, there are several, or it is malformed", () => {
  const headers = [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=0-1,5-6",
    "bytes=0-1,",
    "bytes=5-4",
    "bytes=a-b",
    "bytes=1",
    "bytes=--1",
    "bytes=1-2-3",
    "bytes=1.5-2",
    "bytes=+1-2",
    "bytes=0x1-0x2",
    "bytes=\u0661-\u0662",
    "items=0-1",
    "xbytes=0-1",
    "bytes:0-1",
  ];
  for (const header of headers) equal(parseRange(header, SIZE), null, header);
  equal(parseRange(undefined, SIZE), null);
});

Deno.test("parseRange() does not backtrack through a long header, which would take thousands of millions of steps", () => {
  const blank = " ".repeat(30_000);
  equal(parseRange(`bytes=${blank}-${blank}x`, SIZE), null);
  deepEqual(parseRange(`bytes=${blank}0-0${blank}`, SIZE), { start: 0, end: 1 });
});

Deno.test("parseRange() returns every range within the bytes exactly, whatever the size", () => {
  fc.assert(fc.property(sizes, fc.nat(), fc.nat(), (size, one, other) => {
    const [first, last] = [one % size, other % size].sort((a, b) => a - b) as [number, number];
    deepEqual(parseRange(`bytes=${first}-${last}`, size), { start: first, end: last + 1 });
    deepEqual(parseRange(`bytes=${first}-`, size), { start: first, end: size });
    deepEqual(parseRange(`bytes=-${size - first}`, size), { start: first, end: size });
  }));
});

Deno.test("parseRange() never throws, and a range lies within the size and is never empty", () => {
  const parts = fc.oneof(
    fc.constantFrom("bytes", "=", "-", ",", " ", ""),
    fc.nat().map(String),
    fc.string({ maxLength: 3 }),
  );
  const nearly = fc.tuple(fc.constantFrom("bytes=", "", "Bytes= "), fc.array(parts, { maxLength: 6 }))
    .map(([unit, rest]) => unit + rest.join(""));
  fc.assert(fc.property(sizes, nearly, (size, header) => {
    const range = parseRange(header, size);
    return range === null || range === "unsatisfiable" ||
      (0 <= range.start && range.start < range.end && range.end <= size);
  }));
});
