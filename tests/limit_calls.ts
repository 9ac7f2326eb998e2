// Limits in the words of the tests: one of them alone, and what uses it.

import { equal, ok } from "./assert.ts";
import { LIMIT_TABLE } from "../services/limits/table.ts";
import { SECOND_MS } from "./passcode_calls.ts";
import type { Answer, TestApp } from "./support.ts";

export type LimitName = keyof typeof LIMIT_TABLE;

export const LIMIT_NAMES = Object.keys(LIMIT_TABLE) as LimitName[];

/** `LIMITS` with this one alone; `off` for the others. */
export function only(name: LimitName, value: string): string {
  return LIMIT_NAMES.map((known) => `${known}=${known === name ? value : "off"}`).join(",");
}

/** Comes from this address, through a proxy that is trusted. */
export function from(address: string): { headers: Record<string, string> } {
  return { headers: { "x-forwarded-for": address } };
}

/** Asserts a 429 that says when, in its body, its header and in words. */
export function limited(answer: Answer, code: "rate_limited" | "too_many_attempts" = "rate_limited"): number {
  const { status, headers, body } = answer;
  equal(`${status} ${body?.code}`, `429 ${code}`, JSON.stringify(body));
  ok(Number.isInteger(body.retry_after) && body.retry_after > 0);
  equal(headers.get("retry-after"), String(body.retry_after));
  ok(/ in \d+ (second|minute|hour)s?$/.test(body.message), body.message);
  return body.retry_after;
}

/**
 * Asserts that a refused call waits no longer for having been repeated, is refused until a moment before it was told to
 * come back, and then is not. The clock has to be frozen.
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
