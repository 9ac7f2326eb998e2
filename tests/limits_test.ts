import fc from "fast-check";
import { deepEqual, equal, ok } from "./assert.ts";

import { DEFAULT_LIMITS, parseLimits } from "../services/limits/parse.ts";
import type { Limits } from "../services/limits/table.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function parsed(text: string): Limits {
  const limits = parseLimits(text);
  ok(!Array.isArray(limits), `Cannot read ${text}`);
  return limits;
}

function problems(text: string): string[] {
  const found = parseLimits(text);
  ok(Array.isArray(found), `${text} was accepted`);
  return found;
}

Deno.test("parseLimits() returns the defaults for an empty list", () => {
  for (const text of ["", "  ", ","]) deepEqual(parsed(text), DEFAULT_LIMITS);
});

Deno.test("parseLimits() has these defaults", () => {
  deepEqual(parsed(""), {
    sms_address: [{ burst: 60, periodMs: HOUR_MS }, { burst: 300, periodMs: DAY_MS }],
    sms_prefix: [{ burst: 30, periodMs: HOUR_MS }],
    sms_dial_code: [{ burst: 200, periodMs: DAY_MS }],
    sms_service: [{ burst: 1_000, periodMs: DAY_MS }],
    passcode_address: [{ burst: 100, periodMs: HOUR_MS }],
    reveal_address: [{ burst: 60, periodMs: HOUR_MS }],
    messages: [{ burst: 60, periodMs: 60_000 }],
    requests_user: [{ burst: 20, periodMs: DAY_MS }],
    requests_pair: [{ burst: 3, periodMs: DAY_MS }],
    uploads: [{ burst: 50, periodMs: 60_000 }],
    sockets_user: { count: 20 },
    sockets_address: { count: 20_000 },
  });
});

Deno.test("parseLimits() turns everything off with off", () => {
  const limits = parsed(" off ");
  deepEqual(Object.keys(limits), Object.keys(DEFAULT_LIMITS));
  ok(Object.values(limits).every((limit) => limit === null));
});

Deno.test("parseLimits() changes the limits that are named and no others", () => {
  deepEqual(parsed("sms_address=200/d, messages = off ,sockets_user=5"), {
    ...DEFAULT_LIMITS,
    sms_address: [{ burst: 200, periodMs: DAY_MS }],
    messages: null,
    sockets_user: { count: 5 },
  });
});

Deno.test("parseLimits() keeps both rates of a name that is given twice", () => {
  deepEqual(parsed("messages=5/s,messages=100/h").messages, [
    { burst: 5, periodMs: 1_000 },
    { burst: 100, periodMs: HOUR_MS },
  ]);
});

Deno.test("parseLimits() reads every period, and a unit without a number as one", () => {
  const units = { s: 1_000, m: 60_000, h: HOUR_MS, d: DAY_MS };
  const period = fc.tuple(
    fc.integer({ min: 1, max: 999_999_999 }),
    fc.option(fc.integer({ min: 1, max: 99_999 })),
    fc.constantFrom("s", "m", "h", "d"),
  );
  fc.assert(fc.property(period, ([burst, periods, unit]) => {
    const { uploads } = parsed(`uploads=${burst}/${periods ?? ""}${unit}`);
    deepEqual(uploads, [{ burst, periodMs: (periods ?? 1) * units[unit] }]);
  }));
});

Deno.test("parseLimits() turns off a single limit on sockets", () => {
  equal(parsed("sockets_address=off").sockets_address, null);
});

Deno.test("parseLimits() never throws", () => {
  const unit = fc.constantFrom("messages", "sockets_user", "off", "=", ",", "/", "1", "0", "-", "d", "\0");
  fc.assert(fc.property(fc.oneof(fc.string({ unit }), fc.string()), (text) => void parseLimits(text)));
});

const REFUSED = [
  "messages",
  "messages=",
  "messages=5",
  "messages=5/",
  "messages=/d",
  "messages=0/d",
  "messages=05/d",
  "messages=5/0d",
  "messages=5/1.5h",
  "messages=5/w",
  "messages=5/D",
  "messages=-5/d",
  "messages=1e3/d",
  "messages=5/d/d",
  "messages=5/d=6",
  "messages=off,messages=5/d",
  "messages=1000000000/d",
  "sockets_user=5/d",
  "sockets_user=0",
  "sockets_user=",
  "sockets_user=5,sockets_user=6",
  "message=5/d",
  "constructor=5/d",
  "on",
  "off,messages=5/d",
];

for (const text of REFUSED) {
  Deno.test(`parseLimits() refuses ${text}`, () => equal(problems(text).length, 1));
}

Deno.test("parseLimits() reports every problem at once", () => {
  const found = problems("nobody=1/d,messages=often,sockets_user=many,uploads=5/d");
  deepEqual(found.map((problem) => problem.split(" ")[0]), ['"nobody=1/d"', '"messages"', '"sockets_user"']);
});
