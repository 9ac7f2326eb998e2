// Answers that reveal whether a number has an account are limited for each address; nothing else reveals it.

import { deepEqual, equal } from "./assert.ts";
import { change, listOf } from "./contact_calls.ts";
import { limited, only } from "./limit_calls.ts";
import { ask, BEHIND_PROXY, complete, tally, twilioEnv } from "./passcode_calls.ts";
import { ANN, type Answer, BOB, eventually, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { startTwilioDouble, type TwilioDouble } from "./twilio_double.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, nth) => `+1415${600 + nth}0100`);

/** Signs up every other number; the result asks for codes as a stranger from one address. */
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
  Deno.test(`reveal_address: once it is used up, /${way} answers the same for numbers with and without an account`, () =>
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
      // Other addresses are not affected.
      succeeded(await ask(t, way, phones[way === "signup" ? 1 : 0]!));
    }, { env: { ...BEHIND_PROXY.env, LIMITS: only("reveal_address", "3/h") } }));
}

Deno.test("reveal_address: once used up, requests for a code are refused before their body is read; invalid ones cost nothing", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const bad = (way: string) => [
      t.call("POST", `/api/auth/${way}`, { raw: "x", headers: { "content-type": "text/plain" } }),
      t.call("POST", `/api/auth/${way}`, { raw: "[", headers: { "content-type": "application/json" } }),
      t.call("POST", `/api/auth/${way}`, { json: { phone_number: "x" } }),
    ];
    for (const way of ["signup", "signin"]) {
      const codes = (await Promise.all(bad(way))).map(({ body }) => body.code);
      deepEqual(codes, ["unsupported_media_type", "invalid_json", "invalid_phone_number"]);
    }
    refused(await ask(t, "signin", ANN), 404, "not_registered");
    for (const way of ["signup", "signin"]) for (const answer of await Promise.all(bad(way))) limited(answer);
  }, { env: { LIMITS: only("reveal_address", "1/h") } }));

Deno.test("reveal_address: for numbers that may get no SMS, both answers reveal who has an account, and both count", async () => {
  const twilio = startTwilioDouble();
  const env = { ...twilioEnv(twilio), LIMITS: only("reveal_address", "3/h") };
  try {
    for (
      const [way, known] of [["signup", false], ["signup", true], ["signin", false], [
        "signin",
        true,
      ]] as const
    ) {
      await withApp(async (t) => {
        t.clock.freeze();
        const phones = ["+447911123456", "+447911123457", "+447911123458", "+447911123459"];
        if (known) {
          await t.sql`
            insert into users (phone_number, status, created_at)
            select unnest(${phones}::text[]), 'active', now()`;
        }
        const answers = [];
        for (const phone of phones) answers.push(await ask(t, way, phone));
        const tells = way === "signup" ? known : !known;
        const told = tells ? way === "signup" ? "already_registered" : "not_registered" : "sms_not_allowed";
        deepEqual(answers.map(({ body }) => body.code), [told, told, told, "rate_limited"]);
      }, { env });
    }
  } finally {
    await twilio.close();
  }
});

Deno.test("reveal_address: of many requests at once, no more answers reveal an account than there are uses", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const phones = numbers(30);
    const knock = await mixed(t, phones);
    const counts = tally(await Promise.all(phones.map((phone) => knock("signin", phone))));

    equal((counts["not_registered"] ?? 0) <= 5, true, JSON.stringify(counts));
    equal(counts["ok"]! + counts["not_registered"]! + (counts["rate_limited"] ?? 0), 30);
  }, { env: { ...BEHIND_PROXY.env, LIMITS: only("reveal_address", "5/h") } }));

Deno.test("reveal_address: a friend request that invites counts, another is free; once used up, both are refused alike", () =>
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

Deno.test("reveal_address: once used up, people on my list can still be asked and accepted", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    succeeded(await change(t, "request", bob, ANN));
    refused(await ask(t, "signin", numbers(1)[0]!), 404, "not_registered");
    limited(await change(t, "request", ann, numbers(2)[1]!));
    refused(await change(t, "request", bob, ANN), 409, "already_requested");
    succeeded(await change(t, "request", ann, BOB));
  }, { env: { LIMITS: only("reveal_address", "1/d") } }));

Deno.test("reveal_address: a request to a suspended account is as free as to any other", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await t.signUp(BOB);
    await t.sql`update users set status = 'suspended' where phone_number = ${BOB}`;
    succeeded(await change(t, "request", ann, BOB));
    refused(await ask(t, "signin", numbers(1)[0]!), 404, "not_registered");
    limited(await ask(t, "signin", numbers(1)[0]!));
  }, { env: { LIMITS: only("reveal_address", "1/d") } }));

Deno.test("reveal_address: a request for a code that fails in an outage reveals nothing, and gives its use back", () =>
  withApp(async (t) => {
    await t.sql.begin(async (sql) => {
      await sql`lock table passcodes`;
      refused(await ask(t, "signup", ANN), 503, "unavailable");
    });
    await eventually(async () => refused(await ask(t, "signin", ANN), 404, "not_registered"));
  }, { env: { LIMITS: only("reveal_address", "1/d") } }));

Deno.test("reveal_address: user_not_found counts if invitations are off", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const [one, two] = numbers(2);
    refused(await change(t, "request", ann, one!), 404, "user_not_found");
    limited(await change(t, "request", ann, two!));
  }, { env: { INVITE_MODE: "off", LIMITS: only("reveal_address", "1/h") } }));

Deno.test("reveal_address: with UNIFORM_AUTH nothing is revealed, so nothing counts", () =>
  withApp(async (t) => {
    for (const phone of numbers(5)) succeeded(await ask(t, "signin", phone));
  }, { env: { UNIFORM_AUTH: "1", LIMITS: only("reveal_address", "1/d") } }));

/** Cases in which no SMS is left, to one address or to all. */
const WITHOUT_SMS: Record<
  string,
  { limits: string; exhaust: (t: TestApp, twilio: TwilioDouble) => Promise<unknown> }
> = {
  "no SMS is left to the address": {
    limits: "sms_address=1/d",
    exhaust: (t) => ask(t, "signup", ANN),
  },
  "no SMS is left at all": { limits: "sms_service=1/d", exhaust: (t) => ask(t, "signup", ANN) },
};

for (const [what, { limits, exhaust }] of Object.entries(WITHOUT_SMS)) {
  Deno.test(`where ${what}, signup and signin answer the same for numbers with and without an account`, async () => {
    const twilio = startTwilioDouble();
    try {
      await withApp(async (t) => {
        t.clock.freeze();
        const phones = numbers(6);
        for (const phone of phones.filter((_, nth) => nth % 2 === 0)) {
          await t
            .sql`insert into users (phone_number, status, created_at) values (${phone}, 'active', now())`;
        }
        await exhaust(t, twilio);
        for (const way of ["signup", "signin"] as const) {
          const answers = await Promise.all(phones.map((phone) => ask(t, way, phone)));
          const bodies = answers.map(({ status, body: { request_id: _, ...body } }) => ({ status, ...body }));
          for (const body of bodies) deepEqual(body, bodies[0]);
          limited(answers[0]!);
        }
        equal((await t.sql`select 1 from passcodes`).length, 1);
      }, { env: { ...twilioEnv(twilio), LIMITS: limits } });
    } finally {
      await twilio.close();
    }
  });
}

Deno.test("a code that was sent is charged as an SMS, and a request within the resend interval reveals nothing", () =>
  withApp(async (t) => {
    t.clock.freeze();
    for (const phone of numbers(5)) succeeded(await ask(t, "signup", phone));
    for (let time = 0; time < 5; time += 1) equal(limited(await ask(t, "signup", numbers(1)[0]!)), 60);
    refused(await ask(t, "signin", ANN), 404, "not_registered");
    equal(limited(await ask(t, "signin", ANN)), 3_600);
  }, { env: { LIMITS: only("reveal_address", "1/h") } }));
