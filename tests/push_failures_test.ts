// What becomes of a wake, by the answer of the push service.

import { makePair } from "../services/push/keys.ts";
import { createPushSender } from "../services/push/sender.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import {
  countSubscriptions,
  HOUR_MS,
  MINUTE_MS,
  NOWHERE,
  put,
  SECOND_MS,
  subscribed,
  wake,
  withDouble,
  withPush,
} from "./push_calls.ts";
import { eventually, friends, succeeded, type TestApp } from "./support.ts";

const status = (code: number, headers: HeadersInit = {}) => () =>
  new Response("no", { status: code, headers });

for (const code of [404, 410]) {
  Deno.test(`${code} ends the subscription`, () =>
    withPush(async (t, double) => {
      const [ann, bob] = await friends(t);
      await subscribed(t, double, bob);
      double.answer(status(code));
      succeeded(await t.send(ann, bob, "one"));
      await wake(t);
      deepEqual([double.pushes.length, await countSubscriptions(t)], [1, 0]);
    }));
}

Deno.test("a push that finds its subscription gone does not end the one that has replaced it meanwhile", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    await subscribed(t, double, bob);
    const answered = Promise.withResolvers<Response>();
    double.answer(() => answered.promise);
    succeeded(await t.send(ann, bob, "one"));
    const pushed = wake(t);
    await eventually(() => double.pushes.length === 1);
    succeeded(await put(t, bob, double.browser()));
    answered.resolve(status(410)());
    await pushed;
    equal(await countSubscriptions(t), 1);
  }));

for (const code of [429, 500, 503]) {
  Deno.test(`${code} is tried again after 30 seconds, then after twice as long each time, and its failures are forgotten after a success`, () =>
    withPush(async (t, double) => {
      const [ann, bob] = await friends(t);
      const browser = await subscribed(t, double, bob);
      double.answer(status(code), 3);
      succeeded(await t.send(ann, bob, "one"));
      await wake(t);
      equal(browser.read().length, 1);
      for (const [failures, seconds] of [30, 60, 120].entries()) {
        t.clock.advance((seconds - 1) * SECOND_MS);
        await t.services.push.turn();
        equal(browser.read().length, failures + 1);
        t.clock.advance(SECOND_MS);
        await t.services.push.turn();
        equal(browser.read().length, failures + 2);
      }
      deepEqual(await failures(t), [0]);
      await wake(t, HOUR_MS);
      equal(browser.read().length, 4);
    }));
}

async function failures(t: TestApp): Promise<number[]> {
  const rows = await t.sql<{ failures: number }[]>`select failures from push_subscriptions`;
  return rows.map((row) => row.failures);
}

Deno.test("Retry-After is heeded, in seconds and as a date, up to an hour", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    double.answer(status(429, { "retry-after": "300" }));
    double.answer(status(429, { "retry-after": new Date(Date.now() + 10 * MINUTE_MS).toUTCString() }));
    double.answer(status(429, { "retry-after": "99999999" }));
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    for (const [tries, ms] of [5 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS].entries()) {
      t.clock.advance(ms - 10 * SECOND_MS);
      await t.services.push.turn();
      equal(browser.read().length, tries + 1);
      t.clock.advance(10 * SECOND_MS);
      await t.services.push.turn();
      equal(browser.read().length, tries + 2);
    }
  }));

Deno.test("a push service that keeps failing is given up for this wake, and tried again for the next", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    double.answer(status(503), 9);
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    for (let round = 0; round < 20; round += 1) await wake(t, HOUR_MS);
    equal(browser.read().length, 9);
    succeeded(await t.send(ann, bob, "two"));
    await wake(t);
    equal(browser.read().length, 10);
    deepEqual(await failures(t), [0]);
  }));

Deno.test("any other refusal is not retried and keeps the subscription; a redirect counts as one and is not followed", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    for (
      const answer of [
        status(400),
        status(403),
        status(413),
        status(307, { location: `${double.origin}/away` }),
      ]
    ) {
      double.answer(answer);
      succeeded(await t.send(ann, bob, "one"));
      await wake(t, HOUR_MS);
      await wake(t, HOUR_MS);
    }
    equal(browser.read().length, 4);
    equal(double.pushes.length, 4);
    equal(await countSubscriptions(t), 1);
  }));

Deno.test("a push service that cannot be reached is tried again, and only its host is logged", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    await t.sql`update push_subscriptions set endpoint = ${NOWHERE + browser.path}`;
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    deepEqual(await failures(t), [1]);
    await t.sql`update push_subscriptions set endpoint = ${browser.subscription.endpoint}`;
    t.clock.advance(30 * SECOND_MS);
    await t.services.push.turn();
    equal(browser.read().length, 1);
    const lines = t.log.join("\n");
    ok(lines.includes('"service":"127.0.0.1"'), lines);
    ok(!lines.includes(browser.path.slice(0, 12)), lines);
  }));

Deno.test("a push service that is no longer in PUSH_HOSTS gets no push, and the subscription ends", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    await subscribed(t, double, bob);
    await t.sql`update push_subscriptions set endpoint = replace(endpoint, '127.0.0.1', 'localhost')`;
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    deepEqual([double.pushes.length, await countSubscriptions(t)], [0, 0]);
  }));

Deno.test("send() gives up after its timeout, with the outcome silent", () =>
  withDouble(async (double) => {
    const send = createPushSender({ subject: "mailto:push@example.org", timeoutMs: 50 });
    const { endpoint, keys } = double.browser().subscription;
    const answered = Promise.withResolvers<Response>();
    double.answer(() => answered.promise);
    const pushed = await send({ endpoint, ...keys, wake_for: "messages_updated" }, makePair());
    deepEqual(pushed, { outcome: "silent" });
    answered.resolve(new Response());
  }));

Deno.test("send() does not read the body that a push service answers with, and cancels one without end", () =>
  withDouble(async (double) => {
    const send = createPushSender({ subject: "mailto:push@example.org" });
    const { endpoint, keys } = double.browser().subscription;
    let isCut = false;
    const endless = {
      pull: (body: ReadableStreamDefaultController) => body.enqueue(new Uint8Array(65_536)),
      cancel: () => void (isCut = true),
    };
    double.answer(() => new Response(new ReadableStream(endless), { status: 201 }));
    const pushed = await send({ endpoint, ...keys, wake_for: "messages_updated" }, makePair());
    deepEqual(pushed, { outcome: "taken" });
    await eventually(() => isCut);
  }));
