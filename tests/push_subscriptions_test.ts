// Subscribing: what is accepted and refused, whose a subscription is, and that it ends with its session.

import { deepEqual, equal, ok } from "./assert.ts";
import { countSubscriptions, DAY_MS, put, subscribed, wake, withPush } from "./push_calls.ts";
import { currentId, end } from "./session_calls.ts";
import { ANN, BOB, friends, refused, succeeded, type TestApp } from "./support.ts";

const unsubscribe = (t: TestApp, token: string) => t.call("DELETE", "/api/push/subscription", { token });

Deno.test("PUT /api/push/subscription keeps the newest subscription of each session", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const old = await subscribed(t, double, bob);
    const browser = await subscribed(t, double, bob);
    succeeded(await put(t, bob, browser));
    equal(await countSubscriptions(t), 1);
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    deepEqual([old.read().length, browser.read().length], [0, 1]);
  }));

Deno.test("DELETE /api/push/subscription ends it, and may be repeated", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    succeeded(await t.send(ann, bob, "one"));
    await t.services.push.turn();
    succeeded(await unsubscribe(t, bob.token));
    succeeded(await unsubscribe(t, bob.token));
    await wake(t);
    deepEqual([browser.read().length, await countSubscriptions(t)], [0, 0]);
  }));

Deno.test("PUT /api/push/subscription names the field that is wrong, and changes nothing", () =>
  withPush(async (t, double) => {
    const bob = await t.signUp(BOB);
    const { subscription } = double.browser();
    const { keys, endpoint } = subscription;
    const offCurve = `B${"A".repeat(86)}`;
    const bad: [string, unknown][] = [
      ["endpoint", { ...subscription, endpoint: "https://169.254.169.254/latest" }],
      ["endpoint", { ...subscription, endpoint: "https://fcm.googleapis.com/x" }],
      ["endpoint", { ...subscription, endpoint: endpoint.replace("//", "//user@") }],
      ["endpoint", { ...subscription, endpoint: endpoint.padEnd(1_025, "x") }],
      ["endpoint", { ...subscription, endpoint: `${endpoint}${"\u00e9".repeat(500)}` }],
      ["endpoint", { ...subscription, endpoint: "" }],
      ["keys.p256dh", { ...subscription, keys: { ...keys, p256dh: offCurve } }],
      ["keys.p256dh", { ...subscription, keys: { ...keys, p256dh: keys.p256dh.slice(1) } }],
      ["keys.p256dh", { ...subscription, keys: { auth: keys.auth } }],
      ["keys.auth", { ...subscription, keys: { ...keys, auth: `${keys.auth}A` } }],
      ["keys.more", { ...subscription, keys: { ...keys, more: "" } }],
      ["expirationTime", { ...subscription, expirationTime: t.clock.now().getTime() }],
      ["expirationTime", { ...subscription, expirationTime: 1e300 }],
      ["expirationTime", { ...subscription, expirationTime: 253_402_300_800_000 }],
      ["expirationTime", { ...subscription, expirationTime: "never" }],
      ["session_id", { ...subscription, session_id: "x" }],
    ];
    for (const [path, json] of bad) {
      const answer = await t.call("PUT", "/api/push/subscription", { token: bob.token, json });
      refused(answer, 400, "invalid_input");
      deepEqual(answer.body.issues.map((issue: { path: string }) => issue.path), [path]);
    }
    equal(await countSubscriptions(t), 0);
    for (const expirationTime of [undefined, 253_402_300_799_999]) {
      const json = { endpoint, keys, expirationTime };
      succeeded(await t.call("PUT", "/api/push/subscription", { token: bob.token, json }));
    }
  }));

Deno.test("nobody can change another's subscription: not by DELETE, not by knowing its endpoint", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    succeeded(await unsubscribe(t, ann.token));
    const thief = double.browser();
    thief.subscription.endpoint = browser.subscription.endpoint;
    succeeded(await put(t, ann, thief));
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    equal(browser.read().length, 1);
  }));

Deno.test("a browser that signs in as somebody else takes its subscription with it", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    succeeded(await put(t, await t.signIn(ANN), browser));
    equal(await countSubscriptions(t), 1);
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    equal(browser.read().length, 0);
  }));

Deno.test("two sessions that subscribe the same browser at once end with one subscription", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = double.browser();
    for (let round = 0; round < 10; round += 1) {
      const both = [put(t, ann, browser), put(t, bob, browser), put(t, ann, browser), put(t, bob, browser)];
      (await Promise.all(both)).forEach(succeeded);
      equal(await countSubscriptions(t), 1);
    }
  }));

Deno.test("two sessions that take over each other's browser at once both succeed", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browsers = [double.browser(), double.browser()] as const;
    succeeded(await put(t, ann, browsers[0]));
    succeeded(await put(t, bob, browsers[1]));
    for (let round = 1; round <= 20; round += 1) {
      const [one, other] = round % 2 === 1 ? [1, 0] as const : [0, 1] as const;
      (await Promise.all([put(t, ann, browsers[one]), put(t, bob, browsers[other])])).forEach(succeeded);
      const owners = await t.sql`select endpoint from push_subscriptions order by endpoint`;
      deepEqual(owners.map(({ endpoint }) => endpoint), browsers.map((b) => b.subscription.endpoint).sort());
    }
  }));

/** The ways in which a session ends. */
const ENDS: Record<
  string,
  (t: TestApp, tokens: { his: string; other: string; id: string }) => Promise<void>
> = {
  "signing out": async (t, { his }) => succeeded(await t.call("POST", "/api/auth/signout", { token: his })),
  "revoking it": async (t, { other, id }) => succeeded(await end(t, other, id)),
  "suspending its user": async (t) => {
    await t.sql`update users set status = 'suspended' where phone_number = ${BOB}`;
  },
};

for (const [name, endSession] of Object.entries(ENDS)) {
  Deno.test(`${name} ends the session's subscription, and with it a wake that is owed`, () =>
    withPush(async (t, double) => {
      const [ann, bob] = await friends(t);
      const other = await t.signIn(BOB);
      const browser = await subscribed(t, double, bob);
      succeeded(await t.send(ann, bob, "one"));
      await t.services.push.turn();
      await endSession(t, { his: bob.token, other: other.token, id: await currentId(t, bob.token) });
      equal(await countSubscriptions(t), 0);
      await wake(t);
      equal(browser.read().length, 0);
    }));
}

Deno.test("the subscription of an expired session is deleted, with or without a wake", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    await subscribed(t, double, await t.signIn(ANN));
    succeeded(await t.send(ann, bob, "one"));
    await wake(t, 30 * DAY_MS);
    equal(browser.read().length, 0);
    equal(await countSubscriptions(t), 1);
    await t.services.push.sweep();
    equal(await countSubscriptions(t), 0);
  }));

Deno.test("a subscription whose expirationTime is over is swept, and no other", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    await subscribed(t, double, ann);
    const { subscription, ...browser } = double.browser();
    const expirationTime = t.clock.now().getTime() + DAY_MS;
    succeeded(await put(t, bob, { ...browser, subscription: { ...subscription, expirationTime } }));
    await t.services.push.sweep();
    equal(await countSubscriptions(t), 2);
    t.clock.advance(DAY_MS);
    await t.services.push.sweep();
    equal(await countSubscriptions(t), 1);
  }));

Deno.test("PUT in parallel with a sign-out leaves no subscription behind, whichever comes first", () =>
  withPush(async (t, double) => {
    const bob = await t.signUp(BOB);
    for (let round = 0; round < 20; round += 1) {
      const other = await t.signIn(BOB);
      const [subscribing] = await Promise.all([
        put(t, other, double.browser()),
        t.call("POST", "/api/auth/signout", { token: other.token }),
      ]);
      ok([200, 401].includes(subscribing.status), JSON.stringify(subscribing.body));
      equal(await countSubscriptions(t), 0);
      t.clock.advance(DAY_MS);
      succeeded(await t.call("POST", "/api/auth/renew", { token: bob.token }));
    }
  }));

Deno.test("the push calls need a session", () =>
  withPush(async (t, double) => {
    const json = double.browser().subscription;
    refused(await t.call("GET", "/api/push/key"), 401, "unauthenticated");
    refused(await t.call("PUT", "/api/push/subscription", { json }), 401, "unauthenticated");
    refused(await t.call("DELETE", "/api/push/subscription"), 401, "unauthenticated");
  }));
