import { deepEqual, equal, match, notEqual, ok } from "./assert.ts";

import { ask, codesSent, complete, MINUTE_MS, type Way, WAYS, wrong } from "./passcode_calls.ts";
import { ANN, type Ask, BOB, CAT, eventually, refused, succeeded, type TestApp, withApp } from "./support.ts";

const LIFETIME_DAYS_MS = 30 * 24 * 60 * MINUTE_MS;

/** Prepares a number for this way in: registered for a signin, unknown for a signup. */
async function openTo(t: TestApp, way: Way, phone: string): Promise<void> {
  if (way === "signin") await t.signUp(phone);
}

for (const way of WAYS) {
  Deno.test(`/${way} answers with times in seconds and the code length, and without a token`, () =>
    withApp(async (t) => {
      await openTo(t, way, ANN);
      const answer = await ask(t, way, ANN);

      equal(answer.status, 200);
      deepEqual(answer.body, { success: true, expires_in: 600, resend_in: 60, code_length: 6 });
    }));

  Deno.test(`/complete-${way} answers with a token that works for 30 days`, () =>
    withApp(async (t) => {
      await openTo(t, way, ANN);
      await ask(t, way, ANN);
      t.clock.freeze();
      const answer = await complete(t, way, { phone: ANN, passcode: t.codeFor(ANN), device: "Phone" });

      succeeded(answer);
      const { token, expires_at, ...rest } = answer.body;
      deepEqual(rest, { success: true });
      const endsAt = t.clock.now().getTime() + LIFETIME_DAYS_MS;
      equal(new Date(expires_at).getTime(), endsAt - endsAt % 1000, "in whole seconds, as the token's exp");
      succeeded(await t.call("GET", "/api/contacts", { token }));
    }));

  Deno.test(`/complete-${way} accepts a code that is typed with spaces and dashes`, () =>
    withApp(async (t) => {
      await openTo(t, way, ANN);
      await ask(t, way, ANN);
      const code = t.codeFor(ANN);

      succeeded(
        await complete(t, way, { phone: ANN, passcode: ` ${code.slice(0, 3)}-${code.slice(3)} ` }),
      );
    }));

  Deno.test(`/complete-${way} answers invalid_passcode without a challenge, to a wrong code and to a used one`, () =>
    withApp(async (t) => {
      await openTo(t, way, ANN);
      refused(await complete(t, way, { phone: ANN, passcode: "123456" }), 400, "invalid_passcode");
      refused(await complete(t, way, { phone: BOB, passcode: "123456" }), 400, "invalid_passcode");

      await ask(t, way, ANN);
      const passcode = t.codeFor(ANN);
      refused(await complete(t, way, { phone: ANN, passcode: wrong(passcode) }), 400, "invalid_passcode");
      succeeded(await complete(t, way, { phone: ANN, passcode }));
      refused(await complete(t, way, { phone: ANN, passcode }), 400, "invalid_passcode");
    }));
}

Deno.test("/signup answers already_registered and sends nothing, to a registered number and to a suspended one", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    refused(await ask(t, "signup", ANN), 409, "already_registered");
    await t.sql`update users set status = 'suspended'`;
    refused(await ask(t, "signup", ANN), 409, "already_registered");

    equal(codesSent(t, ANN).length, 1);
  }));

Deno.test("/signin answers not_registered and sends nothing, to an unknown number and to an invited one", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await t.call("PUT", "/api/contacts/request", { token: ann.token, json: { phone_number: BOB } });

    refused(await ask(t, "signin", BOB), 404, "not_registered");
    refused(await ask(t, "signin", CAT), 404, "not_registered");
    deepEqual([...codesSent(t, BOB), ...codesSent(t, CAT)], []);
  }));

Deno.test("/complete-signup of an invited number finds its pending requests, and notifies their senders", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await t.call("PUT", "/api/contacts/request", { token: ann.token, json: { phone_number: BOB } });
    const told = await t.socket(ann.token);
    const bob = await t.signUp(BOB);

    const { body } = await t.call("GET", "/api/contacts", { token: bob.token });
    deepEqual(
      body.contacts.map((contact: { phone_number: string; status: string }) => [
        contact.phone_number,
        contact.status,
      ]),
      [[ANN, "requested"]],
    );
    await eventually(() => deepEqual(told.told(), ["contacts_updated"]));
  }));

Deno.test("/complete-signup answers already_registered if the number was registered meanwhile", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    await t.sql`insert into users (phone_number, status, created_at) values (${ANN}, 'active', now())`;

    const answer = await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) });
    refused(answer, 409, "already_registered");
    deepEqual([...await t.sql`select id from sessions`], []);
  }));

Deno.test("/complete-signin answers suspended to a suspended user", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    await t.sql`update users set status = 'suspended'`;
    succeeded(await ask(t, "signin", ANN));

    refused(await complete(t, "signin", { phone: ANN, passcode: t.codeFor(ANN) }), 403, "suspended");
    deepEqual([...await t.sql`select id from sessions where ended_at is null`], []);
  }));

const JSON_TYPE = { "content-type": "application/json" };

/** Bodies that each of the four calls refuses. */
const BAD_BODIES: [ask: Ask, status: number, code: string][] = [
  [{}, 415, "unsupported_media_type"],
  [{ raw: "phone_number=1" }, 415, "unsupported_media_type"],
  [{ raw: "{", headers: JSON_TYPE }, 400, "invalid_json"],
  [{ raw: new Uint8Array([0x22, 0xff, 0x22]), headers: JSON_TYPE }, 400, "invalid_json"],
  [{ raw: " ".repeat(65_537), headers: JSON_TYPE }, 413, "too_large"],
  [{ json: [] }, 400, "invalid_input"],
  [{ json: null }, 400, "invalid_input"],
  [{ json: {} }, 400, "invalid_input"],
  [{ json: { phone_number: 14155550101 } }, 400, "invalid_input"],
  [{ json: { phone_number: ANN, passcode: "123456", more: 1 } }, 400, "invalid_input"],
];

/** Fields that a completion refuses as well. */
const BAD_COMPLETIONS = [
  { passcode: 123456 },
  { passcode: "" },
  { passcode: "123456\0" },
  { passcode: "\ud800" },
  { passcode: "123456", device: "a\0b" },
  { passcode: "123456", device: "\udc00" },
  { passcode: "123456", device: "d".repeat(65) },
];

Deno.test("all four calls refuse a bad body and change nothing", () =>
  withApp(async (t) => {
    for (const way of WAYS) {
      for (const [body, status, code] of BAD_BODIES) {
        refused(await t.call("POST", `/api/auth/${way}`, body), status, code);
        refused(await t.call("POST", `/api/auth/complete-${way}`, body), status, code);
      }
      refused(
        await t.call("POST", `/api/auth/${way}`, { json: { phone_number: ANN, passcode: "123456" } }),
        400,
        "invalid_input",
      );
      for (const bad of BAD_COMPLETIONS) {
        const json = { phone_number: ANN, ...bad };
        refused(await t.call("POST", `/api/auth/complete-${way}`, { json }), 400, "invalid_input");
      }
    }
    deepEqual([...await t.sql`select 1 from passcodes union all select 1 from limits`], []);
    deepEqual(t.services.console!.sent(), []);
  }));

Deno.test("the SMS names the service, has a warning, and ends with the line that browsers read", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);

    const [sms] = t.services.console!.sent();
    const lines = sms!.text.split("\n");
    match(lines[0]!, /^\d{6} is your PuffinTalk code\. Do not share it\.$/);
    equal(lines.at(-1), `@chat.example #${t.codeFor(ANN)}`);
  }, { env: { PUBLIC_URL: "https://chat.example" } }));

Deno.test("PASSCODE_TTL_SECONDS sets how long a code is valid", () =>
  withApp(async (t) => {
    t.clock.freeze();
    equal((await ask(t, "signup", ANN)).body.expires_in, 7);
    t.clock.advance(7_000);

    refused(
      await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) }),
      408,
      "passcode_expired",
    );
  }, { env: { PASSCODE_TTL_SECONDS: "7" } }));

Deno.test("the log of a sign-up and a sign-in has neither numbers nor codes nor tokens", () =>
  withApp(async (t) => {
    const people = [await t.signUp(ANN), await t.signIn(ANN)];
    await ask(t, "signin", ANN);
    const passcode = wrong(t.codeFor(ANN));
    refused(await complete(t, "signin", { phone: ANN, passcode }), 400, "invalid_passcode");

    const log = t.log.join("\n");
    ok(log.includes("/api/auth/complete-signin"));
    for (
      const secret of [
        ANN.slice(1),
        ...codesSent(t, ANN),
        passcode,
        ...people.map(({ token }) => token),
      ]
    ) {
      ok(!log.includes(secret), `Logged: ${secret}`);
    }
    notEqual(people[0]!.token, people[1]!.token);
  }));
