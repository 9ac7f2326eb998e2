// The most that an attacker can get, found by simulating one against the rules themselves: at every second of
// two days they take whatever is available, and return no code. The figures are in the names of the tests.

import type { PaidPasscode } from "../db/paid_passcodes.ts";
import { createMemoryLimiter } from "../services/limits/memory_limiter.ts";
import { RATE_LIMITS } from "../services/limits/table.ts";
import { stoppedMs, WATCHED } from "../services/sms/breaker.ts";
import { deepEqual } from "./assert.ts";

const SECOND_MS = 1_000;
const HOUR = 60 * 60;
const DAY = 24 * HOUR;

/**
 * The seconds at which the attacker took one, starting with a full bucket. `mayTake` is a further condition.
 */
function greedy(
  name: keyof typeof RATE_LIMITS,
  seconds: number,
  mayTake: (at: Date, taken: number[]) => boolean = () => true,
): number[] {
  let second = 0;
  const now = () => new Date(second * SECOND_MS);
  const limiter = createMemoryLimiter({
    rates: RATE_LIMITS[name].rates,
    elapsedMs: () => second * SECOND_MS,
  });
  const taken: number[] = [];
  for (; second <= seconds; second += 1) {
    while (mayTake(now(), taken) && limiter.take("key") === null) taken.push(second);
  }
  return taken;
}

function within(taken: number[], from: number, to: number): number {
  return taken.filter((second) => from <= second && second <= to).length;
}

for (
  const [name, hour, day, later] of [
    ["sms_address", 120, 600, 300],
    ["sms_prefix", 60, 750, 720],
    ["sms_dial_code", 208, 400, 200],
    ["sms_service", 1_041, 2_000, 1_000],
    ["passcode_address", 200, 2_500, 2_400],
    ["reveal_address", 120, 1_500, 1_440],
  ] as const
) {
  Deno.test(`${name} gives at most ${hour} in any hour, ${day} in any day, and ${later} on each day after the first`, () => {
    const taken = greedy(name, 2 * DAY);
    deepEqual(
      [within(taken, 0, HOUR), within(taken, 0, DAY), within(taken, DAY + 1, 2 * DAY)],
      [hour, day, later],
    );
  });
}

Deno.test("a prefix whose codes never come back gets 20 SMS before it is stopped, at most 25 in any hour, 140 on the first day, 120 on the next", () => {
  const taken = greedy("sms_prefix", 2 * DAY, (at, taken) => {
    const latest = taken.slice(-WATCHED).reverse().map((second): PaidPasscode => ({
      sent_at: new Date(second * SECOND_MS),
      verified: false,
    }));
    return stoppedMs(latest, at) === 0;
  });
  const inAnyHour = Math.max(...taken.map((second) => within(taken, second, second + HOUR)));
  deepEqual(
    [within(taken, 0, HOUR - 1), inAnyHour, within(taken, 0, DAY), within(taken, DAY + 1, 2 * DAY)],
    [20, 25, 140, 120],
  );
});
