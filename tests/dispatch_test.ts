import { deepEqual, equal, match } from "./assert.ts";

import type { Database } from "../db/connection/database.ts";
import { parsePhoneNumber } from "../services/phone_number.ts";
import { createSmsDispatch } from "../services/sms/dispatch.ts";
import { ask, complete, MINUTE_MS, twilioEnv, type Way, WAYS, withTwilio, wrong } from "./passcode_calls.ts";
import { ANN, BOB, refused, succeeded, type TestApp, withApp } from "./support.ts";
import type { TwilioDouble } from "./twilio_double.ts";

const LONDON = "+447911123456";
const LANDLINE = "+442071838750";
/** In no numbering plan, although its syntax is that of E.164. */
const NOWHERE = "+9991234567";

function codeOf(twilio: TwilioDouble): string {
  return twilio.messages.at(-1)!.body.slice(0, 6);
}

/** Signs Ann up first if this way is a signin. */
async function openTo(t: TestApp, twilio: TwilioDouble, way: Way): Promise<void> {
  if (way === "signup") return;
  succeeded(await ask(t, "signup", ANN));
  succeeded(await complete(t, "signup", { phone: ANN, passcode: codeOf(twilio) }));
  twilio.messages.splice(0);
}

for (const way of WAYS) {
  Deno.test(`/${way} answers sms_failed if the provider fails; the waiting time is given back and the code stays`, () =>
    withTwilio(async (t, twilio) => {
      await openTo(t, twilio, way);
      t.clock.freeze();
      for (const status of [500, 429, 503]) {
        twilio.answer({ status, code: status === 429 ? 20429 : 20500 });
        refused(await ask(t, way, ANN), 500, "sms_failed");
      }
      const code = codeOf(twilio);
      t.clock.advance(MINUTE_MS);
      const asked = await ask(t, way, ANN);

      deepEqual(asked.body, { success: true, expires_in: 540, resend_in: 60, code_length: 6 });
      equal(codeOf(twilio), code);
      equal(twilio.messages.length, 4);
      refused(await ask(t, way, ANN), 429, "rate_limited");
      succeeded(await complete(t, way, { phone: ANN, passcode: code }));
    }));
}

Deno.test("a code whose SMS was reported as failed is valid all the same", () =>
  withTwilio(async (t, twilio) => {
    twilio.answer({ status: 500, code: 20500 });
    refused(await ask(t, "signup", ANN), 500, "sms_failed");

    succeeded(await complete(t, "signup", { phone: ANN, passcode: codeOf(twilio) }));
  }));

Deno.test("a failed send gives back its own waiting time and no earlier one", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    succeeded(await ask(t, "signup", ANN));
    t.clock.advance(MINUTE_MS);
    twilio.answer({ status: 500, code: 20500 });
    refused(await ask(t, "signup", ANN), 500, "sms_failed");

    equal((await ask(t, "signup", ANN)).body.resend_in, 120);
  }));

Deno.test("a number that has sent STOP is answered sms_opted_out, from then on without asking the provider, on every process", () =>
  withTwilio(async (t, twilio) => {
    twilio.answer({ status: 400, code: 21610 });
    refused(await ask(t, "signup", ANN), 403, "sms_opted_out");
    refused(await ask(t, "signup", ANN), 403, "sms_opted_out");
    await withApp(async (again) => refused(await ask(again, "signup", ANN), 403, "sms_opted_out"), {
      database: t.database,
      env: twilioEnv(twilio),
    });

    equal(twilio.messages.length, 1);
    succeeded(await ask(t, "signup", BOB));
  }));

Deno.test("a number of another country or of no numbering plan is answered sms_not_allowed before any SMS", () =>
  withTwilio(async (t, twilio) => {
    for (const phone of [LONDON, LANDLINE, NOWHERE, "+12345678901234"]) {
      refused(await ask(t, "signup", phone), 400, "sms_not_allowed");
    }
    deepEqual(twilio.messages, []);
    deepEqual([...await t.sql`select phone_number from passcodes`], []);
  }));

Deno.test("somebody who would be refused for their account gets that answer, even if no SMS may be sent to them", () =>
  withTwilio(async (t, twilio) => {
    await t.sql`insert into users (phone_number, status, created_at) values (${LONDON}, 'active', now())`;
    for (const phone of [LANDLINE, NOWHERE]) refused(await ask(t, "signin", phone), 404, "not_registered");
    refused(await ask(t, "signup", LONDON), 409, "already_registered");
    refused(await ask(t, "signin", LONDON), 400, "sms_not_allowed");
    deepEqual(twilio.messages, []);
  }));

Deno.test("SMS_COUNTRIES=* allows all countries, but no number outside every plan and no landline", () =>
  withTwilio(async (t, twilio) => {
    succeeded(await ask(t, "signup", LONDON));
    for (const phone of [NOWHERE, LANDLINE]) refused(await ask(t, "signup", phone), 400, "sms_not_allowed");

    deepEqual(twilio.messages.map(({ to }) => to), [LONDON]);
  }, { SMS_COUNTRIES: "*" }));

Deno.test("the console driver takes every number, because it costs nothing", () =>
  withApp(async (t) => {
    for (const phone of [LONDON, NOWHERE]) await t.signUp(phone);
  }));

Deno.test("a number that the provider cannot reach is answered sms_not_allowed, and may be tried again", () =>
  withTwilio(async (t, twilio) => {
    twilio.answer({ status: 400, code: 21614 });
    refused(await ask(t, "signup", ANN), 400, "sms_not_allowed");

    succeeded(await ask(t, "signup", ANN));
  }));

Deno.test("the log of a failed send has neither the number nor the code", () =>
  withTwilio(async (t, twilio) => {
    for (const code of [20500, 21614, 21610]) {
      twilio.answer({ status: 400, code });
      await ask(t, "signup", ANN);
    }
    const log = t.log.join("\n");

    match(log, /"provider_code":21610/);
    for (const secret of [ANN.slice(1), codeOf(twilio)]) equal(log.includes(secret), false);
  }));

/** Delays the provider's next answer until `release` is called; `code` resolves with the code being sent. */
function holdNext(twilio: TwilioDouble): { code: Promise<string>; release: () => void } {
  const released = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<string>();
  twilio.answer(async ({ body }) => {
    arrived.resolve(body.slice(0, 6));
    await released.promise;
    return Response.json({ sid: "SM1", status: "queued", error_code: null }, { status: 201 });
  });
  return { code: arrived.promise, release: released.resolve };
}

Deno.test("a guess against a challenge whose SMS is still on its way counts like any other", () =>
  withTwilio(async (t, twilio) => {
    const held = holdNext(twilio);
    const asking = ask(t, "signup", ANN);
    const passcode = await held.code;

    refused(await complete(t, "signup", { phone: ANN, passcode: wrong(passcode) }), 400, "invalid_passcode");
    succeeded(await complete(t, "signup", { phone: ANN, passcode }));
    held.release();
    succeeded(await asking);
  }));

Deno.test("a code whose SMS is still on its way already blocks the next one, and holds no connection of the database", () =>
  withTwilio(async (t, twilio) => {
    const phones = Array.from({ length: 20 }, (_, n) => `+1650253${1000 + n}`);
    const held = phones.map(() => holdNext(twilio));
    const asking = phones.map((phone) => ask(t, "signup", phone));
    await Promise.all(held.map(({ code }) => code));

    refused(await ask(t, "signup", phones[0]!), 429, "rate_limited");
    succeeded(await ask(t, "signup", BOB));
    held.forEach(({ release }) => release());
    (await Promise.all(asking)).forEach(succeeded);
    equal(twilio.messages.length, 21);
  }));

Deno.test("send() sends no SMS that costs money while SMS are disabled, whoever calls it", async () => {
  const sent: string[] = [];
  const dispatch = createSmsDispatch({
    database: {} as Database,
    sender: {
      paid: true,
      send: (to) => Promise.resolve({ sent: true, provider_id: `${sent.push(to)}` }),
    },
    enabled: false,
    countries: "*",
    testPasscodes: new Map(),
    now: () => new Date(),
  });
  const outcome = await dispatch.send(parsePhoneNumber(ANN)!, "text");
  deepEqual(outcome, { sent: false, refusal: "sms_disabled", provider_code: null, perhaps: "no" });
  deepEqual(sent, []);
});
