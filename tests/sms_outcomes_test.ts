// What is charged for an SMS that failed, or whose outcome is unknown.

import { deepEqual, equal } from "./assert.ts";
import { invitations, invite, inviteAgain, join, withInvites } from "./invite_calls.ts";
import { limited, only } from "./limit_calls.ts";
import { ask, complete, tally, withTwilio } from "./passcode_calls.ts";
import { ANN, type Answer, BOB, CAT, refused, succeeded, type TestApp } from "./support.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, nth) => `+1415${600 + nth}0100`);

const badGateway = () => new Response("<h1>Bad gateway</h1>", { status: 502 });

async function paidPasscodes(t: TestApp): Promise<number> {
  return (await t.sql`select 1 from paid_passcodes`).length;
}

Deno.test("an SMS that Twilio confirms too late is charged, and may be requested again at once", () =>
  withTwilio(async (t, twilio) => {
    const released = Promise.withResolvers<void>();
    twilio.answer(() => released.promise.then(() => new Response()));
    t.clock.freeze();
    refused(await ask(t, "signup", ANN), 500, "sms_failed");
    equal(await paidPasscodes(t), 1);

    succeeded(await ask(t, "signup", ANN));
    limited(await ask(t, "signup", BOB));
    // The first SMS arrived as well, with the same code.
    const [first, second] = twilio.messages.map(({ body }) => body.slice(0, 6));
    equal(first, second);
    succeeded(await complete(t, "signup", { phone: ANN, passcode: first! }));
    equal((await t.sql`select 1 from paid_passcodes where verified`).length, 2);
    released.resolve();
  }, { LIMITS: only("sms_service", "2/d") }));

Deno.test("an SMS whose outcome is unknown is charged, and so is each retry", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    twilio.answer(badGateway, 10);
    const answers: Answer[] = [];
    for (let time = 0; time < 5; time += 1) answers.push(await ask(t, "signup", ANN));
    deepEqual(tally(answers), { sms_failed: 3, rate_limited: 2 });
    equal(twilio.messages.length, 3);
    equal(await paidPasscodes(t), 3);
  }, { LIMITS: only("sms_service", "3/d") }));

Deno.test("an invitation whose outcome is unknown is charged", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    twilio.answer(badGateway);
    await invite(t, ann, BOB);
    limited(await ask(t, "signup", CAT));
  }, { LIMITS: only("sms_service", "2/d") }));

Deno.test("a failed SMS is charged to its address and to nobody else", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    twilio.answer({ status: 500, code: 20500 }, 4);
    for (let time = 0; time < 4; time += 1) refused(await ask(t, "signup", ANN), 500, "sms_failed");
    equal(await paidPasscodes(t), 0);
    succeeded(await ask(t, "signup", ANN));
    limited(await ask(t, "signup", BOB));
    equal(twilio.messages.length, 5);
  }, { LIMITS: "sms_address=6/h,sms_prefix=1/h,sms_dial_code=1/d,sms_service=1/d" }));

Deno.test("a provider that fails is called no more often for an address than one that works", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    twilio.answer({ status: 500, code: 20500 }, 50);
    const answers: Answer[] = [];
    for (const phone of numbers(8)) answers.push(await ask(t, "signup", phone));
    deepEqual(tally(answers), { sms_failed: 3, rate_limited: 5 });
    equal(twilio.messages.length, 3);
  }, { LIMITS: only("sms_address", "3/h") }));

Deno.test("a provider that fails uses up nothing of reveal_address", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    twilio.answer({ status: 500, code: 20500 }, 5);
    for (const phone of numbers(5)) refused(await ask(t, "signup", phone), 500, "sms_failed");
    succeeded(await ask(t, "signup", ANN));
  }, { LIMITS: only("reveal_address", "1/d") }));

Deno.test("an invitation whose SMS failed is charged to nobody, not even its address", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    twilio.answer({ status: 500, code: 20500 });
    await invite(t, ann, BOB);
    await inviteAgain(t, ann, BOB);

    equal(invitations(twilio).length, 2);
    limited(await ask(t, "signup", CAT));
  }, { LIMITS: "sms_service=2/d,sms_address=2/d" }));
