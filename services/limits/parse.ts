import type { Rate } from "./bucket.ts";
import { COUNT_LIMITS, type Limits, RATE_LIMITS, UNITS_MS } from "./table.ts";

export const DEFAULT_LIMITS = Object.fromEntries([
  ...Object.entries(RATE_LIMITS).map(([name, { rates }]) => [name, rates]),
  ...Object.entries(COUNT_LIMITS).map(([name, { count }]) => [name, { count }]),
]) as Limits;

const COUNT = /^[1-9][0-9]{0,8}$/;
const RATE = /^([1-9][0-9]{0,8})\/([1-9][0-9]{0,4})?([smhd])$/;

/**
 * Reads `off`, or `name=burst/period` pairs such as `sms_address=200/d,messages=off,sockets_user=20`. A limit
 * that is not named keeps its default; one that is named twice gets both rates. Returns the problems instead
 * if there are any.
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
    const limit = Object.hasOwn(COUNT_LIMITS, name) ? readCount(values) : readRates(values);
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
