// Values that are known to break programs, and ways to damage valid bytes.

import fc from "fast-check";
import { ANN, BOB } from "./support.ts";
import { joined } from "./upload_calls.ts";

/** Any text, including text that cannot be encoded. */
export const oddText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        "",
        " ",
        "\0",
        "a\0b",
        "\ud800",
        "\udc00\ud800",
        "\u202e",
        "\ufeff",
        "\u2028",
        "e\u0301",
        "\r\n",
        "\x1b[2J",
      ],
      ...[
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "null",
        "undefined",
        "NaN",
        "true",
        "[object Object]",
      ],
      ...[
        "' or 1=1 --",
        "'; select pg_sleep(9) --",
        "\\",
        "%",
        "%00",
        "%ff",
        "%s%n",
        "$1",
        "${7*7}",
        "{{7*7}}",
        "*",
        "a,b",
      ],
      ...[
        "../..",
        "/etc/passwd",
        "//x",
        "?",
        "#",
        "<script>",
        "&amp;",
        "&#0;",
        "http://127.0.0.1:1/",
        "data:,",
      ],
      ...[
        "0",
        "-1",
        "-0",
        "00",
        "1e400",
        "1e3",
        "1.5",
        "0x10",
        "+1",
        "9007199254740992",
        "9".repeat(25),
        "Infinity",
      ],
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(ANN, BOB, "0014155550102", "+1 415 555 0102", "+".repeat(65), "+0"),
  },
  { weight: 2, arbitrary: fc.constantFrom(16, 65, 257, 4_097, 9_000).map((length) => "9".repeat(length)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\u{1f600}".repeat(5_000), "e\u0301".repeat(51), "\u0345".repeat(4_000)),
  },
);

/** Any JSON value. */
export const oddJson: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, true, 0, -1, -0, 1.5, 42, 2 ** 31, 2 ** 53, 1e308, "text", "audio", [], {}, [
    [],
  ]),
  fc.constant(1).map(() => JSON.parse("[".repeat(500) + "]".repeat(500))),
);

interface Mutation {
  how: "flip" | "set" | "delete" | "insert" | "repeat" | "cut" | "swap";
  /** The position, from 0 to 1 of the length. */
  at: number;
  length: number;
  bytes: Uint8Array;
}

const INSERTS = [
  "\0",
  "\r\n",
  "\r\n\r\n",
  "\n",
  '"',
  "{",
  "}",
  "--",
  "--x--",
  ":",
  "%",
  "\xff",
  "\xed\xa0\x80",
  "\x80\x80",
];

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    how: fc.constantFrom<Mutation["how"]>(
      "flip",
      "set",
      "set",
      "delete",
      "insert",
      "insert",
      "repeat",
      "cut",
      "swap",
    ),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    length: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 600 })),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc.constantFrom(...INSERTS).map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0))),
      fc.constantFrom(0, 0x7f, 0x80, 0xff).map((byte) => new Uint8Array(4).fill(byte)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

/** The bytes after all these changes. */
export function mutated(right: Uint8Array, changes: Mutation[]): Uint8Array<ArrayBuffer> {
  return changes.reduce((bytes, change) => mutate(bytes, change), new Uint8Array(right));
}

function mutate(
  whole: Uint8Array<ArrayBuffer>,
  { how, at, length, bytes }: Mutation,
): Uint8Array<ArrayBuffer> {
  const from = Math.floor(at * whole.length);
  const [before, middle, after] = [
    whole.subarray(0, from),
    whole.subarray(from, from + length),
    whole.subarray(from + length),
  ];
  switch (how) {
    case "flip":
      return joined(
        before,
        middle.map((byte, place) => place === 0 ? byte ^ (1 << (length % 8)) : byte),
        after,
      );
    case "set":
      return joined(before, bytes.subarray(0, middle.length), whole.subarray(from + bytes.length));
    case "delete":
      return joined(before, after);
    case "insert":
      return joined(before, bytes, middle, after);
    case "repeat":
      return joined(before, middle, middle, middle, after);
    case "cut":
      return before;
    case "swap":
      return joined(before, after.subarray(0, length), middle, after.subarray(length));
  }
}
