// How concurrent pushes are shared out among push services, so that one that hangs does not delay the others.

import { openDatabase } from "../db/connection/database.ts";
import { createDispatch, type Dispatch } from "../services/push/dispatch.ts";
import { createPushKeys } from "../services/push/keys.ts";
import { createPushSender } from "../services/push/sender.ts";
import { createShares } from "../services/push/shares.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { DUE_MS, MINUTE_MS, withDouble, withPush } from "./push_calls.ts";
import type { PushDouble } from "./push_double.ts";
import { BOB, eventually, friends, JWT_SECRET, succeeded, type TestApp } from "./support.ts";

/** Runs with several push services, the first of which is that of `withPush`. */
async function withDoubles(
  count: number,
  run: (t: TestApp, doubles: PushDouble[]) => Promise<void>,
  others: PushDouble[] = [],
): Promise<void> {
  if (others.length + 1 < count) {
    return await withDouble((double) => withDoubles(count, run, [...others, double]));
  }
  const PUSH_HOSTS = others.map(({ origin }) => origin).join(",");
  await withDouble((double) =>
    withPush((t) => run(t, [double, ...others]), { env: { PUSH_HOSTS: `${double.origin},${PUSH_HOSTS}` } })
  );
}

/** Makes Bob's owed wakes due, but sends none. */
async function owe(t: TestApp): Promise<void> {
  await t.services.push.turn();
  t.clock.advance(DUE_MS);
}

const taken = () => new Response(null, { status: 201 });
const pushesOf = (doubles: PushDouble[]) => doubles.reduce((sum, { pushes }) => sum + pushes.length, 0);

Deno.test("at most eighty pushes are in progress at once, twenty of them to one service, and one that hangs does not delay the others", () =>
  withDoubles(5, async (t, doubles) => {
    const [ann, bob] = await friends(t);
    for (const double of doubles) await subscribeMany(t, double, 30);
    const [one, others] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    doubles[0]!.answer(() => one.promise.then(taken));
    for (const double of doubles) double.answer(() => others.promise.then(taken), 20);
    succeeded(await t.send(ann, bob, "one"));
    await owe(t);
    const hanging = t.services.push.turn();
    await eventually(() => pushesOf(doubles) === 80);
    await t.services.push.turn();
    deepEqual(doubles.map(({ pushes }) => pushes.length).sort(), [0, 20, 20, 20, 20]);

    others.resolve();
    await eventually(async () => {
      await t.services.push.turn();
      return pushesOf(doubles) === 150;
    });
    one.resolve();
    await hanging;
    ok(doubles.every(({ atOnceMax }) => atOnceMax <= 20));
  }));

Deno.test("a wake at another service is sent at once while a hundred older ones wait for one that hangs", () =>
  withDoubles(2, async (t, [slow, fast]) => {
    const [ann, bob] = await friends(t);
    await subscribeMany(t, slow!, 104);
    const answered = Promise.withResolvers<void>();
    slow!.answer(() => answered.promise.then(taken), 104);
    succeeded(await t.send(ann, bob, "one"));
    await owe(t);
    const hanging = t.services.push.turn();
    await eventually(() => slow!.pushes.length === 20);

    await subscribeMany(t, fast!, 1);
    succeeded(await t.send(ann, bob, "two"));
    await owe(t);
    await t.services.push.turn();
    deepEqual([slow!.pushes.length, fast!.pushes.length], [20, 1]);

    answered.resolve();
    await hanging;
    equal(slow!.pushes.length, 104);
  }));

/** Like the service's own dispatch, but it gives up on a push after a second. */
async function withHasty(t: TestApp, double: PushDouble, run: (hasty: Dispatch) => Promise<void>) {
  const database = openDatabase(t.database.address, { max: 2 });
  try {
    await run(createDispatch({
      database,
      keys: createPushKeys({ database, secrets: [JWT_SECRET], configured: null }),
      send: createPushSender({ subject: "mailto:push@example.org", timeoutMs: 1_000 }),
      hosts: [double.origin],
      now: t.clock.now,
    }));
  } finally {
    await database.close();
  }
}

async function countDue(t: TestApp): Promise<number> {
  const rows = await t.sql`select from push_subscriptions where wake_at <= ${t.clock.now()}`;
  return rows.length;
}

Deno.test("a service that hangs is paused for a minute, then tried with one push at a time until it answers; its due wakes stay due", () =>
  withPush((t, double) =>
    withHasty(t, double, async (hasty) => {
      const [ann, bob] = await friends(t);
      await subscribeMany(t, double, 60);
      const letGo = Promise.withResolvers<void>();
      double.answer(() => letGo.promise.then(taken), 21);
      succeeded(await t.send(ann, bob, "one"));
      await owe(t);

      await hasty.sendDue();
      deepEqual([double.pushes.length, await countDue(t)], [20, 40]);
      const told = t.log.filter((line) => line.includes("paused for a while"));
      equal(told.length, 1);
      ok(told[0]!.includes('"service":"127.0.0.1"'), told[0]);

      t.clock.advance(MINUTE_MS - 1);
      await hasty.sendDue();
      equal(double.pushes.length, 20);
      t.clock.advance(1);
      await hasty.sendDue();
      deepEqual([double.pushes.length, await countDue(t)], [21, 39]);

      t.clock.advance(MINUTE_MS);
      await hasty.sendDue();
      deepEqual([double.pushes.length, await countDue(t)], [60, 0]);
      equal(t.log.filter((line) => line.includes("paused for a while")).length, 1);
      letGo.resolve();
    })
  ));

Deno.test("a service that hangs is paused for no longer if the clock is set back", () => {
  let now = new Date();
  const shares = createShares(() => now);
  const left = [1, 2, 3].map(() => {
    shares.enter("a.example");
    return shares.leave("a.example", { outcome: "silent" });
  });
  deepEqual(left, [false, false, true]);
  deepEqual(shares.rooms(), [{ host: "a.example", room: 0 }]);

  now = new Date(now.getTime() - 2 * MINUTE_MS);
  deepEqual(shares.rooms(), [{ host: "a.example", room: 1 }]);
});

/** Adds sessions of Bob's, each with a browser, without signing in to each. */
async function subscribeMany(t: TestApp, double: PushDouble, count: number): Promise<void> {
  const browsers = Array.from({ length: count }, () => double.browser().subscription);
  await t.sql`
    insert into sessions (id, user_id, device, created_at, last_seen_at, expires_at)
    select endpoint, u.id, '', now(), now(), now() + interval '1 day'
    from users u, unnest(${browsers.map(({ endpoint }) => endpoint)}::text[]) as endpoint
    where u.phone_number = ${BOB}`;
  await t.sql`
    insert into push_subscriptions (session_id, user_id, endpoint, p256dh, auth, public_key, created_at)
    select endpoint, u.id, endpoint, p256dh, auth, ${await t.services.push
    .publicKey()}, now() - interval '1 day'
    from users u, unnest(
      ${browsers.map(({ endpoint }) => endpoint)}::text[],
      ${browsers.map(({ keys }) => keys.p256dh)}::text[],
      ${browsers.map(({ keys }) => keys.auth)}::text[]
    ) as browser (endpoint, p256dh, auth)
    where u.phone_number = ${BOB}`;
}
