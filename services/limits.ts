const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNITS_MS: Record<string, number> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** A bucket of `burst` uses that refills evenly: an empty one is full again after `periodMs`. */
export interface Rate {
  readonly burst: number;
  readonly periodMs: number;
}

const DEFAULT_RATES = {
  // Paid SMS: an address, a number less its last four digits, a dial code, the whole service.
  sms_address: [{ burst: 60, periodMs: HOUR_MS }, { burst: 300, periodMs: DAY_MS }],
  sms_prefix: [{ burst: 30, periodMs: HOUR_MS }],
  sms_dial_code: [{ burst: 200, periodMs: DAY_MS }],
  sms_service: [{ burst: 1_000, periodMs: DAY_MS }],
  // Wrong passcodes, and answers that tell whether a number is registered.
  passcode_address: [{ burst: 100, periodMs: HOUR_MS }],
  reveal_address: [{ burst: 60, periodMs: HOUR_MS }],
  // One sender and one receiver: sixty at once, then one a second.
  messages: [{ burst: 60, periodMs: MINUTE_MS }],
  requests_user: [{ burst: 20, periodMs: DAY_MS }],
  requests_pair: [{ burst: 3, periodMs: DAY_MS }],
  // Fifty at once, then one in 1.2 s.
  uploads: [{ burst: 50, periodMs: MINUTE_MS }],
} as const satisfies Record<string, readonly Rate[]>;

const DEFAULT_COUNTS = {
  sockets_user: { count: 20 },
  sockets_address: { count: 20_000 },
} as const satisfies Record<string, { readonly count: number }>;

export type RateName = keyof typeof DEFAULT_RATES;
export type CountName = keyof typeof DEFAULT_COUNTS;

/** What holds beside the rules of passcodes and invitations. Every rate of a list must allow; null is off. */
export type Limits =
  & Readonly<Record<RateName, readonly Rate[] | null>>
  & Readonly<Record<CountName, { readonly count: number } | null>>;

export const DEFAULT_LIMITS: Limits = { ...DEFAULT_RATES, ...DEFAULT_COUNTS };

const COUNT = /^[1-9][0-9]{0,8}$/;
const RATE = /^([1-9][0-9]{0,8})\/([1-9][0-9]{0,4})?([smhd])$/;

/**
 * Reads `off`, or `name=burst/period` pairs such as `sms_address=200/d,messages=off,sockets_user=20`. What is
 * not named keeps its default; a name given twice gets both rates. Answers with the problems where there are any.
 */
export function parseLimits(text: string): Limits | string[] {
  if (text.trim() === "off") return everythingOff();
  const given = new Map<string, string[]>();
  const problems: string[] = [];
  for (const entry of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [name = "", value = "", ...rest] = entry.split("=").map((part) => part.trim());
    if (!Object.hasOwn(DEFAULT_LIMITS, name) || rest.length > 0) problems.push(unknownName(entry));
    else given.set(name, [...given.get(name) ?? [], value]);
  }
  const read: Record<string, readonly Rate[] | { count: number } | null> = {};
  for (const [name, values] of given) {
    const limit = Object.hasOwn(DEFAULT_COUNTS, name) ? readCount(values) : readRates(values);
    if (typeof limit === "string") problems.push(`"${name}" ${limit}`);
    else read[name] = limit;
  }
  return problems.length > 0 ? problems : { ...DEFAULT_LIMITS, ...read };
}

function everythingOff(): Limits {
  const off = Object.keys(DEFAULT_LIMITS).map((name) => [name, null]);
  return Object.fromEntries(off);
}

function unknownName(entry: string): string {
  return `${JSON.stringify(entry)} must be name=limit, where the name is one of ${
    Object.keys(DEFAULT_LIMITS).join(", ")
  }`;
}

function readCount(values: readonly string[]): { count: number } | null | string {
  const [value = "", ...more] = values;
  if (more.length > 0) return "must be given once";
  if (value === "off") return null;
  return COUNT.test(value) ? { count: Number(value) } : 'must be a count such as 20, or "off"';
}

function readRates(values: readonly string[]): readonly Rate[] | null | string {
  if (values.length === 1 && values[0] === "off") return null;
  const rates: Rate[] = [];
  for (const value of values) {
    const [, burst, periods = "1", unit = ""] = RATE.exec(value) ?? [];
    const unitMs = UNITS_MS[unit];
    if (unitMs === undefined) return 'must be burst/period such as 200/d or 5/10m, or "off"';
    rates.push({ burst: Number(burst), periodMs: Number(periods) * unitMs });
  }
  return rates;
}
