// Push between processes that share nothing but the database, and after they have been stopped or killed.

import { connect } from "../db/connection/database.ts";
import { makePair } from "../services/push/keys.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type Service, startService } from "./process.ts";
import {
  advance,
  MINUTE_MS,
  put,
  SECOND_MS,
  SETTLED_MS,
  subscribed,
  wake,
  withDouble,
  withTwo,
} from "./push_calls.ts";
import type { Browser, PushDouble } from "./push_double.ts";
import { startRelay } from "./relay.ts";
import { ask, befriend, send, signUp } from "./service_client.ts";
import { ANN, BOB, eventually, friends, type Person, succeeded, withApp } from "./support.ts";

Deno.test("a socket at another process counts: no push while it is open, one after it is closed", () =>
  withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    two.clock.advance(SETTLED_MS);
    const socket = await two.socket(bob.token);
    await two.services.push.turn();
    succeeded(await one.send(ann, bob, "one"));
    await wake(one);
    equal(browser.read().length, 0);

    await socket.end();
    await eventually(() => two.services.hub.sessionIds().length === 0);
    await two.services.push.turn();
    succeeded(await one.send(ann, bob, "two"));
    await wake(one);
    equal(browser.read().length, 1);
  }));

Deno.test("a socket that was open at another process before its session subscribed is noticed before anything is pushed", () =>
  withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    await two.socket(bob.token);
    await two.services.push.turn();
    const browser = double.browser();
    succeeded(await put(one, bob, browser));
    succeeded(await one.send(ann, bob, "one"));
    for (let second = 0; second < 30; second += 1) {
      advance(SECOND_MS, one, two);
      await two.services.push.turn();
      await one.services.push.turn();
    }
    equal(browser.read().length, 0);
  }));

Deno.test("a wake that has to be tried again is dropped if a socket was opened at another process meanwhile", () =>
  withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    two.clock.advance(SETTLED_MS);
    const answered = Promise.withResolvers<Response>();
    double.answer(() => answered.promise);
    succeeded(await one.send(ann, bob, "one"));
    const pushed = wake(one);
    await eventually(() => double.pushes.length === 1);
    await two.socket(bob.token);
    await two.services.push.turn();
    answered.resolve(new Response(null, { status: 503 }));
    await pushed;
    one.clock.advance(30 * SECOND_MS);
    await one.services.push.turn();
    equal(browser.read().length, 1);
    const [row] = await one.sql`select wake_at, failures from push_subscriptions`;
    deepEqual({ ...row }, { wake_at: null, failures: 1 });
  }));

Deno.test("a wake that two processes find due at once is sent by one of them", () =>
  withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    two.clock.advance(SETTLED_MS);
    for (let round = 1; round <= 10; round += 1) {
      succeeded(await one.send(ann, bob, "one"));
      succeeded(await two.send(ann, bob, "two"));
      await Promise.all([one, two].map(({ services }) => services.push.turn()));
      advance(2 * SECOND_MS, one, two);
      await Promise.all([one, two].map(({ services }) => services.push.turn()));
      equal(browser.read().length, round);
      advance(MINUTE_MS, one, two);
    }
  }));

Deno.test("the sockets of a process that died count for less than a minute", () =>
  withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    two.clock.advance(SETTLED_MS);
    await two.socket(bob.token);
    await two.services.push.turn();
    one.clock.advance(MINUTE_MS);
    succeeded(await one.send(ann, bob, "one"));
    await wake(one);
    equal(browser.read().length, 1);
    await one.services.push.sweep();
    equal((await one.sql`select session_id from push_presences`).length, 0);
  }));

Deno.test("a socket at another process counts for as long as it is open, even if clocks were set back", () =>
  withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    two.clock.advance(SETTLED_MS);
    advance(10 * MINUTE_MS, one, two);
    await two.services.push.turn();
    for (const { clock } of [one, two]) clock.set(-5 * MINUTE_MS);
    await two.socket(bob.token);
    for (let turns = 0; turns < 4; turns += 1) {
      await two.services.push.turn();
      advance(15 * SECOND_MS, one, two);
    }
    await two.services.push.turn();
    succeeded(await one.send(ann, bob, "one"));
    await wake(one);
    equal(browser.read().length, 0);
  }));

Deno.test("a subscription with another key gets no push, which would be refused", () =>
  withTwo(async (one, _, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    const { public_key, private_key } = makePair();
    const env = { PUSH_HOSTS: double.origin, VAPID_PUBLIC_KEY: public_key, VAPID_PRIVATE_KEY: private_key };
    await withApp(async (other) => {
      other.clock.advance(MINUTE_MS);
      succeeded(await other.send(ann, bob, "one"));
      await wake(other);
      equal(browser.read().length, 0);
      succeeded(await put(other, bob, browser));
      await wake(other, MINUTE_MS);
      equal(double.pushes.at(-1)!.key, public_key);
    }, { env, database: one.database });
  }));

const JWT_SECRET = "a secret of thirty-two bytes or more";
type Start = (task?: "serve") => Promise<Service>;

/** Runs with services in their own processes, one after the other, on one database. */
function withProcesses(
  run: (start: Start, double: PushDouble, database: TestDatabase) => Promise<void>,
): Promise<void> {
  return withDouble(async (double) => {
    const database = await createTestDatabase();
    const relay = startRelay(database);
    const started: Service[] = [];
    const env = { DATABASE_URL: relay.url, JWT_SECRET, LIMITS: "off", PUSH_HOSTS: double.origin };
    try {
      await run(
        async (task) => {
          const service = await startService({ env, ...(task ? { task } : {}) });
          started.push(service);
          return service;
        },
        double,
        database,
      );
    } finally {
      for (const service of started) await service.end("SIGTERM").catch(() => {});
      relay.close();
      await database.drop();
    }
  });
}

/** Like `subscribed`, at a process whose clock is the real one. */
async function subscribeAt(
  url: string,
  person: Person,
  browser: Browser,
  database: TestDatabase,
): Promise<void> {
  const answer = await ask(`${url}/api/push/subscription`, "PUT", person.token, browser.subscription);
  equal(answer.status, 200, JSON.stringify(answer.body));
  const sql = connect(database.address, { max: 1 });
  await sql`
    update push_subscriptions
    set created_at = created_at - interval '1 hour', wake_at = null, wake_for = null`;
  await sql.end();
}

Deno.test("serve: pushes with its permissions, and what is owed at a stop is sent by the next process", () =>
  withProcesses(async (start, double, database) => {
    const first = await start("serve");
    const [ann, bob] = [await signUp(first.url, ANN), await signUp(first.url, BOB)];
    await befriend(first.url, ann, bob);
    const [anns, bobs] = [double.browser(), double.browser()];
    await subscribeAt(first.url, ann, anns, database);
    await subscribeAt(first.url, bob, bobs, database);
    await send(first.url, ann, bob, "one");
    await eventually(() => bobs.read().length === 1, 10_000);
    ok(!first.output().includes("NotCapable"), first.output());

    await send(first.url, bob, ann, "two");
    equal(await first.end("SIGTERM"), 0, first.output());
    await start("serve");
    await eventually(() => anns.read().length === 1, 10_000);
    deepEqual(bobs.read().length, 1);
  }));

Deno.test("after kill -9 a wake that was owed is sent by the next process, once", () =>
  withProcesses(async (start, double, database) => {
    const first = await start();
    const [ann, bob] = [await signUp(first.url, ANN), await signUp(first.url, BOB)];
    await befriend(first.url, ann, bob);
    const browser = double.browser();
    await subscribeAt(first.url, bob, browser, database);
    const sql = connect(database.address, { max: 1 });
    await send(first.url, ann, bob, "one");
    await eventually(async () =>
      (await sql`select from push_subscriptions where wake_at is not null`).length === 1
    );
    await first.end("SIGKILL");
    await start();
    await eventually(() => browser.read().length === 1, 10_000);
    deepEqual((await sql`select from push_subscriptions where wake_at is not null`).length, 0);
    await sql.end();
  }));
