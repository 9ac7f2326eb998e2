// Who is woken while one process assumes that another has the user's socket, and what that costs.

import { deepEqual, equal } from "./assert.ts";
import { advance, put, SECOND_MS, SETTLED_MS, subscribed, withTwo } from "./push_calls.ts";
import type { Browser, PushDouble } from "./push_double.ts";
import type { TestSocket } from "./socket.ts";
import { ANN, BOB, CAT, eventually, friends, type Person, succeeded, type TestApp } from "./support.ts";

const MESSAGE = '{"event":"messages_updated"}';
const REQUEST = '{"event":"contacts_updated"}';

interface Scene {
  one: TestApp;
  two: TestApp;
  double: PushDouble;
  ann: Person;
  bob: Person;
  browser: Browser;
  /** Bob's, at the second process, which has noted it in the database. */
  socket: TestSocket;
  /** Ann writes at the first process; resolves when the second has been notified of it. */
  write(): Promise<void>;
}

/** Bob has a subscription, and a socket at the second process; events happen at the first. */
function withBobElsewhere(run: (scene: Scene) => Promise<void>): Promise<void> {
  return withTwo(async (one, two, double) => {
    const [ann, bob] = await friends(one);
    const browser = await subscribed(one, double, bob);
    two.clock.advance(SETTLED_MS);
    const witness = await two.socket((await one.signIn(ANN)).token);
    const socket = await two.socket(bob.token);
    await two.services.push.turn();
    const heard = () => witness.frames.filter(({ event }) => event === "messages_updated").length;
    const write = async () => {
      const before = heard();
      succeeded(await one.send(ann, bob, "hello"));
      await eventually(() => heard() > before);
    };
    await run({ one, two, double, ann, bob, browser, socket, write });
  });
}

async function end(socket: TestSocket, { services }: TestApp, left = 1): Promise<void> {
  await socket.end();
  await eventually(() => services.hub.sessionIds().length === left);
}

/** Lets time pass at both; only the processes in `alive` take turns. */
async function pass(seconds: number, both: TestApp[], alive = both): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    advance(SECOND_MS, ...both);
    for (const { services } of alive) await services.push.turn();
  }
}

for (const [order, first] of [["before", 0], ["after", 1]] as const) {
  Deno.test(`a message that is sent after a socket closed, but before its process noted that, is pushed; owed ${order} the note`, () =>
    withBobElsewhere(async ({ one, two, browser, socket, write }) => {
      await end(socket, two);
      await write();
      const both = first === 0 ? [one, two] : [two, one];
      for (const { services } of both) await services.push.turn();
      await pass(3, both);
      deepEqual(browser.read(), [MESSAGE]);
      await pass(120, both);
      equal(browser.read().length, 1);
    }));
}

Deno.test("a request that is sent after a socket closed, but before its process noted that, is pushed as a request", () =>
  withBobElsewhere(async ({ one, two, browser, socket }) => {
    const cat = await one.signUp(CAT);
    const witness = await two.socket((await one.signIn(CAT)).token);
    await end(socket, two, 2);
    succeeded(
      await one.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: BOB } }),
    );
    await eventually(() => witness.told().includes("contacts_updated"));
    await pass(5, [one, two]);
    deepEqual(browser.read(), [REQUEST]);
  }));

Deno.test("only the session whose socket is gone is woken, not another of the same person that has one", () =>
  withBobElsewhere(async ({ one, two, double, browser, socket, write }) => {
    const other = await one.signIn(BOB);
    const laptop = double.browser();
    succeeded(await put(one, other, laptop));
    advance(SETTLED_MS, one, two);
    await two.socket(other.token);
    await two.services.push.turn();
    await end(socket, two, 2);
    await write();
    await pass(120, [one, two]);
    deepEqual([browser.read().length, laptop.read().length], [1, 0]);
  }));

Deno.test("somebody who opens a socket again before their process has noted that it was gone is not woken", () =>
  withBobElsewhere(async ({ one, two, bob, browser, socket, write }) => {
    await end(socket, two);
    await write();
    await one.services.push.turn();
    await two.socket(bob.token);
    await pass(120, [one, two]);
    equal(browser.read().length, 0);
  }));

Deno.test("events for a user whose socket was at a killed process are pushed within a minute, once", () =>
  withBobElsewhere(async ({ one, two, browser, write }) => {
    await pass(10, [one, two]);
    await write();
    await pass(25, [one, two], [one]);
    await write();
    equal(browser.read().length, 0);
    await pass(25, [one, two], [one]);
    deepEqual(browser.read(), [MESSAGE]);
    await pass(120, [one, two], [one]);
    equal(browser.read().length, 1);
  }));

Deno.test("somebody who opens a socket elsewhere after a process was killed is not woken, even if they close it again", () =>
  withBobElsewhere(async ({ one, two, bob, browser, write }) => {
    await write();
    await pass(5, [one, two], [one]);
    const again = await one.socket(bob.token);
    await pass(5, [one, two], [one]);
    await write();
    await eventually(() => again.told().some((told) => told.startsWith("messages_updated")));
    await one.services.push.turn();
    await end(again, one, 0);
    await pass(120, [one, two], [one]);
    equal(browser.read().length, 0);
  }));

Deno.test("somebody notified at another process is not woken, neither while their socket is open nor after it was closed", () =>
  withBobElsewhere(async ({ one, two, browser, socket, write }) => {
    for (let minute = 0; minute < 20; minute += 1) {
      await write();
      await pass(7, [one, two]);
    }
    await write();
    await one.services.push.turn();
    await end(socket, two);
    await pass(120, [one, two]);
    equal(browser.read().length, 0);
  }));

Deno.test("messages to somebody with a socket at another process cause one write until it is noted again, at the same process none", () =>
  withBobElsewhere(async ({ one, two, ann, bob, write }) => {
    const version = async () => {
      const [row] = await one.sql<{ version: string }[]>`
        select concat(xmin, ' ', xmax, ' ', ctid) as version from push_subscriptions`;
      return row!.version;
    };
    const versions = new Set([await version()]);
    const send = async (run: () => Promise<unknown>, at: TestApp) => {
      for (let number = 0; number < 5; number += 1) {
        await run();
        await at.services.push.turn();
        versions.add(await version());
      }
    };
    await send(() => two.send(ann, bob, "here"), two);
    equal(versions.size, 1);
    await send(write, one);
    equal(versions.size, 2);
  }));
