// A service with a double of a push service, and browsers that subscribe.

import { deepEqual } from "./assert.ts";
import { type Browser, type PushDouble, startPushDouble } from "./push_double.ts";
import { type Answer, succeeded, type TestApp, type TestOptions, withApp } from "./support.ts";

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** A wake is due after `DUE_MS`, and whether a session has a socket is known after `SETTLED_MS`. */
export const DUE_MS = 2 * SECOND_MS;
export const SETTLED_MS = 30 * SECOND_MS;
/** A push service that is configured but not running. */
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

/** A service whose clock and dispatch turns are controlled by the test. */
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

/** Two such services, whose clocks the test moves together. */
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

/** A browser that has been subscribed for a while, so that earlier events do not wake it. */
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

/** Lets pending wakes become due, and sends them. */
export async function wake(t: TestApp, ms = DUE_MS): Promise<void> {
  await t.services.push.turn();
  t.clock.advance(ms);
  await t.services.push.turn();
}

export async function countSubscriptions(t: TestApp): Promise<number> {
  const [row] = await t.sql<{ count: number }[]>`select count(*)::int as count from push_subscriptions`;
  return row!.count;
}
