// A service whose push service is a double, and how people subscribe.

import { deepEqual } from "./assert.ts";
import { type Browser, type PushDouble, startPushDouble } from "./push_double.ts";
import { type Answer, succeeded, type TestApp, type TestOptions, withApp } from "./support.ts";

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** A wake is due after this, and a subscription's socket is known after this. */
export const DUE_MS = 2 * SECOND_MS;
export const SETTLED_MS = 30 * SECOND_MS;
/** A push service that the operator knows and that is not there. */
export const NOWHERE = "http://127.0.0.1:1";

export async function withDouble(run: (double: PushDouble) => Promise<void>): Promise<void> {
  const double = startPushDouble();
  try {
    await run(double);
    deepEqual(double.refusals, []);
  } finally {
    await double.close();
  }
}

/** A service at a standstill: its clock and its turns are the test's. */
export function withPush(
  run: (t: TestApp, double: PushDouble) => Promise<void>,
  options: TestOptions = {},
): Promise<void> {
  return withDouble((double) =>
    withApp(async (t) => {
      t.clock.freeze();
      await run(t, double);
    }, { ...options, env: { PUSH_HOSTS: `${double.origin},${NOWHERE}`, ...options.env } })
  );
}

/** Two services at a standstill, whose clocks go together. */
export function withTwo(
  run: (one: TestApp, two: TestApp, double: PushDouble) => Promise<void>,
): Promise<void> {
  return withDouble((double) => {
    const env = { PUSH_HOSTS: double.origin };
    return withApp((one) =>
      withApp(async (two) => {
        one.clock.freeze();
        two.clock.freeze();
        await run(one, two, double);
      }, { env, database: one.database }), { env });
  });
}

export function advance(ms: number, ...apps: TestApp[]): void {
  apps.forEach(({ clock }) => clock.advance(ms));
}

export async function put(t: TestApp, { token }: { token: string }, browser: Browser): Promise<Answer> {
  return await t.call("PUT", "/api/push/subscription", { token, json: browser.subscription });
}

/** A browser that is subscribed, and has been for a while; what went before is none of its business. */
export async function subscribed(
  t: TestApp,
  double: PushDouble,
  person: { token: string },
): Promise<Browser> {
  await t.services.push.turn();
  const browser = double.browser();
  succeeded(await put(t, person, browser));
  t.clock.advance(SETTLED_MS);
  return browser;
}

/** Lets what was heard fall due, and sends it. */
export async function wake(t: TestApp, ms = DUE_MS): Promise<void> {
  await t.services.push.turn();
  t.clock.advance(ms);
  await t.services.push.turn();
}

export async function countSubscriptions(t: TestApp): Promise<number> {
  const [row] = await t.sql<{ count: number }[]>`select count(*)::int as count from push_subscriptions`;
  return row!.count;
}
