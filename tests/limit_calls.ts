// Helpers for tests of limits: one limit alone, and the call that uses it up.

import { LIMIT_TABLE } from "../services/limits/table.ts";
import { equal, ok } from "./assert.ts";
import { SECOND_MS } from "./passcode_calls.ts";
import type { Answer, TestApp } from "./support.ts";

export type LimitName = keyof typeof LIMIT_TABLE;

export const LIMIT_NAMES = Object.keys(LIMIT_TABLE) as LimitName[];

/** `LIMITS` with this limit alone; all others are `off`. */
export function only(name: LimitName, value: string): string {
  return LIMIT_NAMES.map((known) => `${known}=${known === name ? value : "off"}`).join(",");
}

/** Makes a call come from this address, through a trusted proxy. */
export function from(address: string): { headers: Record<string, string> } {
  return { headers: { "x-forwarded-for": address } };
}

/** Asserts a 429 that says when to retry: in the body, in the header, and in words. Returns the seconds. */
export function limited(answer: Answer, code: "rate_limited" | "too_many_attempts" = "rate_limited"): number {
  const { status, headers, body } = answer;
  equal(`${status} ${body?.code}`, `429 ${code}`, JSON.stringify(body));
  ok(Number.isInteger(body.retry_after) && body.retry_after > 0);
  equal(headers.get("retry-after"), String(body.retry_after));
  ok(/ in \d+ (second|minute|hour)s?$/.test(body.message), body.message);
  return body.retry_after;
}

/**
 * Asserts that repeating a refused call does not prolong the wait, that it is refused until just before the
 * moment it was told, and accepted at that moment. The clock has to be frozen.
 */
export async function worksWhenTold(
  t: TestApp,
  use: () => Promise<Answer>,
  code?: "too_many_attempts",
): Promise<Answer> {
  const seconds = limited(await use(), code);
  for (let time = 0; time < 3; time += 1) equal(limited(await use(), code), seconds);
  t.clock.advance((seconds - 1) * SECOND_MS);
  equal(limited(await use(), code), 1);
  t.clock.advance(SECOND_MS);
  const answer = await use();
  ok(answer.status !== 429, JSON.stringify(answer.body));
  return answer;
}
