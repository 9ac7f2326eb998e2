// Wakes by push: who is woken, by which events, how often, and what a push says.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import {
  countSubscriptions,
  DAY_MS,
  MINUTE_MS,
  put,
  SECOND_MS,
  subscribed,
  wake,
  withPush,
} from "./push_calls.ts";
import { shakeHands } from "./raw_socket.ts";
import { startStatementTap } from "./statement_tap.ts";
import { ANN, BOB, CAT, eventually, friends, succeeded } from "./support.ts";

const MESSAGE = '{"event":"messages_updated"}';
const REQUEST = '{"event":"contacts_updated"}';

Deno.test("a message wakes the receiver's browser, by a push that is signed with the key it subscribed with and names only the event", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const { body } = await t.call("GET", "/api/push/key", { token: bob.token });
    const browser = await subscribed(t, double, bob);
    succeeded(await t.send(ann, bob, "a secret"));
    await wake(t);

    deepEqual(browser.read(), [MESSAGE]);
    const [push] = double.pushes;
    equal(push!.key, body.public_key);
    deepEqual(push!.claims.aud, double.origin);
    equal(push!.claims.sub, "mailto:push@localhost");
    ok(push!.claims.exp! < Date.now() / 1_000 + 24 * 60 * 60);
    const { ttl, topic, urgency } = Object.fromEntries(push!.headers);
    deepEqual({ ttl, topic, urgency }, {
      ttl: String(3 * 24 * 60 * 60),
      topic: "puffintalk",
      urgency: "high",
    });
    match(push!.path, /^\/push\//);
  }));

Deno.test("a friend request wakes its receiver; an acceptance, a deletion and a read wake nobody", () =>
  withPush(async (t, double) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const anns = await subscribed(t, double, ann);
    const bobs = await subscribed(t, double, bob);
    await t.befriend(ann, bob);
    await wake(t);
    deepEqual(bobs.read(), [REQUEST]);
    equal(double.pushes[0]!.headers.get("urgency"), "normal");

    t.clock.advance(MINUTE_MS);
    succeeded(await t.send(ann, bob, "hello"));
    const json = { phone_number: ANN };
    succeeded(await t.call("PUT", "/api/messages/read_all_text", { token: bob.token, json }));
    await wake(t);
    deepEqual(bobs.read(), [REQUEST, MESSAGE]);
    succeeded(await t.call("PUT", "/api/contacts/delete", { token: bob.token, json }));
    await wake(t);
    deepEqual(anns.read(), []);
    deepEqual(bobs.read().length, 2);
  }));

Deno.test("a burst is one push, and the next comes a minute later", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    for (let number = 0; number < 5; number += 1) succeeded(await t.send(ann, bob, `${number}`));
    await wake(t);
    equal(browser.read().length, 1);

    succeeded(await t.send(ann, bob, "more"));
    succeeded(await t.send(ann, bob, "and more"));
    await wake(t, MINUTE_MS - 5 * SECOND_MS);
    equal(browser.read().length, 1);
    t.clock.advance(5 * SECOND_MS);
    await t.services.push.turn();
    equal(browser.read().length, 2);
    await wake(t, DAY_MS);
    equal(browser.read().length, 2);
  }));

Deno.test("a message outweighs a request in the one push for both", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    const browser = await subscribed(t, double, bob);
    const ask = () =>
      t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: BOB } });
    succeeded(await ask());
    await t.services.push.turn();
    succeeded(await t.send(ann, bob, "hello"));
    await wake(t);
    succeeded(await t.send(ann, bob, "again"));
    await t.services.push.turn();
    succeeded(await t.call("PUT", "/api/contacts/delete", { token: cat.token, json: { phone_number: BOB } }));
    succeeded(await ask());
    await wake(t, MINUTE_MS);
    deepEqual(browser.read(), [MESSAGE, MESSAGE]);
  }));

Deno.test("a session with a socket is not woken, its owner's others are; once the socket is closed it is woken too", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const other = await t.signIn(BOB);
    const phone = await subscribed(t, double, bob);
    const laptop = await subscribed(t, double, other);
    const socket = await t.socket(bob.token);
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    equal(phone.read().length, 0);
    equal(laptop.read().length, 1);

    await socket.end();
    await eventually(() => t.services.hub.sessionIds().length === 0);
    t.clock.advance(MINUTE_MS);
    succeeded(await t.send(ann, bob, "two"));
    await wake(t);
    equal(phone.read().length, 1);
    equal(laptop.read().length, 2);
  }));

Deno.test("somebody who opens a socket before a wake is due gets none, even if it closes again", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    succeeded(await t.send(ann, bob, "one"));
    await t.services.push.turn();
    const socket = await t.socket(bob.token);
    await t.services.push.turn();
    await socket.end();
    await eventually(() => t.services.hub.sessionIds().length === 0);
    await wake(t, DAY_MS);
    equal(browser.read().length, 0);
  }));

Deno.test("a session with two sockets is not woken while one of them is open", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    const [one] = [await t.socket(bob.token), await t.socket(bob.token)];
    await t.services.push.turn();
    await one.end();
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    equal(browser.read().length, 0);
  }));

Deno.test("a sender is not woken in other sessions, nor is anybody by a message that was refused or repeated", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const anns = await subscribed(t, double, await t.signIn(ANN));
    const bobs = await subscribed(t, double, bob);
    succeeded(await t.send(ann, bob, "one", { client_id: "1" }));
    await wake(t);
    succeeded(await t.send(ann, bob, "one", { client_id: "1" }));
    succeeded(await t.call("PUT", "/api/contacts/delete", { token: bob.token, json: { phone_number: ANN } }));
    equal((await t.send(ann, bob, "two")).status, 403);
    await wake(t, DAY_MS);
    deepEqual([anns.read().length, bobs.read().length], [0, 1]);
  }));

Deno.test("a receiver without a subscription costs a send no statement, and a turn costs two for everybody", async () => {
  const database = await createTestDatabase();
  const tap = startStatementTap(database);
  try {
    await withPush(async (t) => {
      const [ann, bob] = await friends(t);
      await t.services.push.turn();
      const sends = await tap.during(async () => {
        for (let number = 0; number < 20; number += 1) succeeded(await t.send(ann, bob, `${number}`));
      });
      ok(sends.length >= 20);
      deepEqual(sends.filter((statement) => statement.includes("push_")), []);
      const turn = await tap.during(() => t.services.push.turn());
      // One notes owed wakes, one takes those due.
      equal(turn.length, 2, turn.join("\n"));
    }, { database: tap.database });
  } finally {
    tap.close();
    await database.drop();
  }
});

Deno.test("an expired subscription wakes nobody", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = double.browser();
    browser.subscription.expirationTime = t.clock.now().getTime() + MINUTE_MS;
    succeeded(await put(t, bob, browser));
    t.clock.advance(MINUTE_MS);
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    deepEqual([browser.read().length, await countSubscriptions(t)], [0, 0]);
  }));

Deno.test("a session whose socket breaks off soon after a notice of a message is woken; one that closes its socket properly is not", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    const laptop = await subscribed(t, double, await t.signIn(BOB));
    const breakOff = async (told: boolean, ms: number) => {
      const { conn } = await shakeHands(t.url, `/api/notifications?token=${bob.token}`);
      await eventually(() => t.services.hub.sessionIds().length === 1);
      await t.services.push.turn();
      if (told) succeeded(await t.send(ann, bob, "one"));
      await t.services.push.turn();
      t.clock.advance(ms);
      conn.close();
      await eventually(() => t.services.hub.sessionIds().length === 0);
      await wake(t);
      t.clock.advance(MINUTE_MS);
    };
    await breakOff(false, SECOND_MS);
    equal(browser.read().length, 0);
    await breakOff(true, SECOND_MS);
    deepEqual(browser.read(), [MESSAGE]);
    deepEqual(laptop.read(), [MESSAGE]);
    await breakOff(true, MINUTE_MS);
    equal(browser.read().length, 1);

    const socket = await t.socket(bob.token);
    await t.services.push.turn();
    succeeded(await t.send(ann, bob, "two"));
    await eventually(() => socket.told().length > 0);
    await t.services.push.turn();
    await socket.end();
    await eventually(() => t.services.hub.sessionIds().length === 0);
    t.clock.advance(MINUTE_MS);
    await wake(t);
    equal(browser.read().length, 1);
  }));

Deno.test("a session whose socket breaks off is not woken if it then opens another and closes it properly", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    const left = () => eventually(() => t.services.hub.sessionIds().length === 0);
    const { conn } = await shakeHands(t.url, `/api/notifications?token=${bob.token}`);
    await eventually(() => t.services.hub.sessionIds().length === 1);
    await t.services.push.turn();
    succeeded(await t.send(ann, bob, "one"));
    await t.services.push.turn();
    conn.close();
    await left();
    const socket = await t.socket(bob.token);
    await t.services.push.turn();
    await socket.end();
    await left();
    await wake(t);
    equal(browser.read().length, 0);
  }));
