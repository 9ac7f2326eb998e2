// The limits between people: what counts, what is free, and that a refusal tells nothing and leaves nothing.

import { deepEqual, equal } from "node:assert/strict";
import { change, listOf, statuses, wasTold, watch } from "./contact_calls.ts";
import { limited, only, worksWhenTold } from "./limit_calls.ts";
import { ask, BEHIND_PROXY, complete, SECOND_MS, tally } from "./passcode_calls.ts";
import { ANN, type Answer, BOB, CAT, friends, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { upload, wav } from "./upload_calls.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, nth) => `+1415${600 + nth}0100`);

Deno.test("messages: sixty at once, then one a second, for each receiver and each of the two apart", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    const crowd = await Promise.all(
      Array.from({ length: 80 }, (_, nth) => t.send(ann, bob, `message ${nth}`)),
    );
    deepEqual(tally(crowd), { ok: 60, rate_limited: 20 });
    equal(limited(await t.send(ann, bob, "one more")), 1);

    succeeded(await t.send(ann, cat, "to somebody else"));
    succeeded(await t.send(bob, ann, "the other way"));
    t.clock.advance(3 * SECOND_MS);
    for (let time = 0; time < 3; time += 1) succeeded(await t.send(ann, bob, "again"));
    limited(await t.send(ann, bob, "too soon"));
    equal((await t.sql`select 1 from messages where body = 'too soon'`).length, 0);
  }, { env: { LIMITS: "messages=60/m" } }));

Deno.test("messages: what repeats a client_id is free, when all is used up and before", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const first = await t.send(ann, bob, "first", { client_id: "first" });
    for (let time = 0; time < 10; time += 1) {
      deepEqual((await t.send(ann, bob, "first", { client_id: "first" })).body, first.body);
    }
    succeeded(await t.send(ann, bob, "second", { client_id: "second" }));
    limited(await t.send(ann, bob, "third", { client_id: "third" }));

    for (let time = 0; time < 10; time += 1) {
      deepEqual((await t.send(ann, bob, "first", { client_id: "first" })).body, first.body);
    }
    refused(await t.send(ann, bob, "other words", { client_id: "first" }), 409, "client_id_reused");
    // Also when they are friends no more.
    succeeded(await change(t, "delete", bob, ANN));
    deepEqual(
      (await t.send(ann, bob, "first", { client_id: "first" })).body.messages[0].id,
      first.body.messages[0].id,
    );
    succeeded(await change(t, "request", bob, ANN));
    await worksWhenTold(t, () => t.send(ann, bob, "third", { client_id: "third" }));
  }, { env: { LIMITS: only("messages", "2/2m") } }));

Deno.test("messages: a crowd of one client_id costs one", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const crowd = await Promise.all(
      Array.from({ length: 20 }, () => t.send(ann, bob, "once", { client_id: "once" })),
    );
    crowd.forEach(succeeded);
    equal(new Set(crowd.map(({ body }) => body.messages[0].id)).size, 1);
    for (let nth = 0; nth < 19; nth += 1) succeeded(await t.send(ann, bob, `message ${nth}`));
    limited(await t.send(ann, bob, "one more"));
  }, { env: { LIMITS: only("messages", "20/20m") } }));

Deno.test("messages: what is refused for another reason costs nothing", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const unknown = { message_type: "audio", media_content_id: 42 };
    for (let time = 0; time < 5; time += 1) {
      refused(await t.send(ann, bob, "", unknown), 400, "invalid_media");
      refused(await t.send(ann, { ...bob, phone: CAT }, "hello"), 404, "recipient_not_found");
    }
    succeeded(await t.send(ann, bob, "hello"));
    limited(await t.send(ann, bob, "again"));
  }, { env: { LIMITS: only("messages", "1/h") } }));

Deno.test("requests_pair: asking and taking back rings nobody's bell more than three times a day", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const bob = await watch(t, BOB);
    for (let time = 0; time < 3; time += 1) {
      succeeded(await change(t, "request", ann, BOB));
      succeeded(await change(t, "delete", ann, BOB));
    }
    bob.idle.forget();
    for (let time = 0; time < 3; time += 1) limited(await change(t, "request", ann, BOB));
    deepEqual([await statuses(t, ann), await statuses(t, bob), wasTold(bob.idle)], [{}, {}, false]);
    // She has used up hers, and none of his.
    succeeded(await change(t, "request", bob, ANN));
    succeeded(await change(t, "accept", ann, BOB));
  }, { env: { LIMITS: "" } }));

Deno.test("requests_pair: a friend who deletes and asks again all day is stopped as well", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const answers: Answer[] = [];
    for (let time = 0; time < 5; time += 1) {
      await change(t, "delete", ann, BOB);
      answers.push(await change(t, "request", ann, BOB));
    }
    deepEqual(tally(answers), { ok: 2, rate_limited: 3 });
    deepEqual(await statuses(t, bob), { [ANN]: "blocked" });
  }, { env: { LIMITS: "" } }));

Deno.test("requests: what changes nothing is free, and an acceptance counts for no user", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob, cat] = [await t.signUp(ANN), await t.signUp(BOB), await t.signUp(CAT)];
    succeeded(await change(t, "request", ann, BOB));
    for (let time = 0; time < 5; time += 1) {
      refused(await change(t, "request", ann, BOB), 409, "already_requested");
    }
    succeeded(await change(t, "request", bob, ANN));
    for (let time = 0; time < 5; time += 1) {
      refused(await change(t, "request", bob, ANN), 409, "already_friends");
    }

    limited(await change(t, "request", ann, CAT));
    succeeded(await change(t, "request", cat, ANN));
    succeeded(await change(t, "request", ann, CAT));
    equal((await listOf(t, ann, "?status=accepted")).length, 2);
  }, { env: { LIMITS: "requests_user=1/d,requests_pair=1/d" } }));

/** Signs up those whose number is even, and asks as a stranger from this address. */
async function mixed(
  t: TestApp,
  phones: string[],
): Promise<(way: "signup" | "signin", phone: string) => Promise<Answer>> {
  for (const phone of phones.filter((_, nth) => nth % 2 === 0)) {
    succeeded(await ask(t, "signup", phone));
    succeeded(await complete(t, "signup", { phone, passcode: t.codeFor(phone) }));
  }
  return (way, phone) =>
    t.call("POST", `/api/auth/${way}`, {
      json: { phone_number: phone },
      headers: { "x-forwarded-for": "198.51.100.7" },
    });
}

for (const way of ["signup", "signin"] as const) {
  Deno.test(`reveal_address: when it is used up /${way} answers the same for numbers with and without an account`, () =>
    withApp(async (t) => {
      t.clock.freeze();
      const phones = numbers(12);
      const knock = await mixed(t, phones);
      const telling = phones.filter((_, nth) => (nth % 2 === 0) === (way === "signup"));
      const code = way === "signup" ? "already_registered" : "not_registered";
      for (const phone of telling.slice(0, 3)) equal((await knock(way, phone)).body.code, code);

      const bodies = await Promise.all(phones.map(async (phone) => {
        const answer = await knock(way, phone);
        equal(limited(answer), 20 * 60);
        const { request_id: _, ...body } = answer.body;
        return JSON.stringify(body);
      }));
      equal(new Set(bodies).size, 1);
      equal((await t.sql`select 1 from passcodes where sent_at <> '{}'`).length, 0);
      // Nobody else is held to it.
      succeeded(await ask(t, way, phones[way === "signup" ? 1 : 0]!));
    }, { env: { ...BEHIND_PROXY.env, LIMITS: only("reveal_address", "3/h") } }));
}

Deno.test("reveal_address: of a crowd of asks no more answers tell than there are uses, whatever the rest are", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const phones = numbers(30);
    const knock = await mixed(t, phones);
    const counts = tally(await Promise.all(phones.map((phone) => knock("signin", phone))));

    equal((counts["not_registered"] ?? 0) <= 5, true, JSON.stringify(counts));
    equal(counts["ok"]! + counts["not_registered"]! + (counts["rate_limited"] ?? 0), 30);
  }, { env: { ...BEHIND_PROXY.env, LIMITS: only("reveal_address", "5/h") } }));

Deno.test("reveal_address: a request that invites counts, one that does not is free; used up, both are refused alike", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const phones = numbers(8);
    await mixed(t, phones);
    const ann = await t.signUp(ANN);
    const registered = phones.filter((_, nth) => nth % 2 === 0);
    const unknown = phones.filter((_, nth) => nth % 2 === 1);
    for (const phone of registered.slice(0, 3)) succeeded(await change(t, "request", ann, phone));
    for (const phone of unknown.slice(0, 2)) succeeded(await change(t, "request", ann, phone));

    for (const phone of [registered[3]!, unknown[2]!]) {
      equal(limited(await change(t, "request", ann, phone)), 1800);
    }
    equal((await listOf(t, ann)).length, 5);
    equal((await t.sql`select 1 from users where phone_number = ${unknown[2]!}`).length, 0);
  }, { env: { LIMITS: only("reveal_address", "2/h") } }));

Deno.test("reveal_address: user_not_found counts where nobody is invited", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const [one, two] = numbers(2);
    refused(await change(t, "request", ann, one!), 404, "user_not_found");
    limited(await change(t, "request", ann, two!));
  }, { env: { INVITE_MODE: "off", LIMITS: only("reveal_address", "1/h") } }));

Deno.test("reveal_address: with UNIFORM_AUTH nothing is told, so nothing counts", () =>
  withApp(async (t) => {
    for (const phone of numbers(5)) succeeded(await ask(t, "signin", phone));
  }, { env: { UNIFORM_AUTH: "1", LIMITS: only("reveal_address", "1/d") } }));

Deno.test("uploads: fifty at once, and a refused one is not read", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    for (let nth = 0; nth < 50; nth += 1) succeeded(await upload(t, ann, wav(100)));
    const answer = await upload(t, ann, "no media at all");
    equal(limited(answer), 2);
    equal((await t.sql`select 1 from media`).length, 50);
    t.clock.advance(2 * SECOND_MS);
    succeeded(await upload(t, ann, wav(100)));
  }, { env: { LIMITS: "uploads=50/m" } }));
