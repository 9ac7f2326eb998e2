// The limits that protect the SMS bill, tried as an attacker would.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { invitations, invite, invitesOf, inviteStatuses, join, withInvites } from "./invite_calls.ts";
import { limited, only } from "./limit_calls.ts";
import { ask, complete, MINUTE_MS, SECOND_MS, withTwilio } from "./passcode_calls.ts";
import { ANN, BOB, CAT, refused, succeeded, type TestApp, withApp } from "./support.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, nth) => `+1415${600 + nth}0100`);

/** The time until each bucket is full again, in units of `stepMs`, by the name of its limit. */
async function used(t: TestApp, stepMs: number): Promise<Record<string, number>> {
  const rows = await t.sql<{ name: string; ms: number }[]>`
    select split_part(key, ' ', 1) as name,
      greatest(0, extract(epoch from full_at - ${t.clock.now()}::timestamptz) * 1000)::float as ms
    from buckets
    order by key`;
  return Object.fromEntries(rows.map(({ name, ms }) => [name, Math.round(ms / stepMs)]));
}

Deno.test("a request refused by its resend interval uses up no limit", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    succeeded(await ask(t, "signup", ANN));
    for (let time = 0; time < 5; time += 1) equal(limited(await ask(t, "signup", ANN)), 60);

    succeeded(await ask(t, "signup", BOB));
    equal(limited(await ask(t, "signup", CAT)), 30 * 60);
    equal(twilio.messages.length, 2);
  }, { LIMITS: only("sms_address", "2/h") }));

Deno.test("a request refused by a limit starts no resend interval, and uses up no other limit", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    const [one, two, three] = numbers(3);
    succeeded(await ask(t, "signup", one!));
    succeeded(await ask(t, "signup", two!));
    for (let time = 0; time < 3; time += 1) equal(limited(await ask(t, "signup", three!)), 30 * 60);

    deepEqual(await used(t, 60 * SECOND_MS), { reveal_address: 0, sms_address: 60, sms_service: 2 });
    t.clock.advance(30 * MINUTE_MS);
    succeeded(await ask(t, "signup", three!));
    equal(twilio.messages.length, 3);
  }, {
    LIMITS: "sms_address=2/h,sms_service=10/10m,sms_prefix=off,sms_dial_code=off,reveal_address=60/h",
  }));

Deno.test("the limits apply together: a refusal by one leaves the others unchanged", () =>
  withTwilio(async (t) => {
    t.clock.freeze();
    const [one, two, three] = numbers(3);
    succeeded(await ask(t, "signup", one!));
    // It has the same prefix as the first: refused for an hour, and not charged to other limits.
    for (let time = 0; time < 5; time += 1) {
      equal(limited(await ask(t, "signup", `${one!.slice(0, -1)}9`)), 3_600);
    }
    succeeded(await ask(t, "signup", two!));
    equal(limited(await ask(t, "signup", three!)), 12 * 60 * 60);
  }, { LIMITS: "sms_prefix=1/h,sms_service=2/d" }));

Deno.test("numbers of TEST_PASSCODES cost nothing, and get in when no SMS is left", () =>
  withTwilio(async (t, twilio) => {
    succeeded(await ask(t, "signup", ANN));
    limited(await ask(t, "signup", BOB));
    succeeded(await ask(t, "signup", CAT));
    succeeded(await complete(t, "signup", { phone: CAT, passcode: "654321" }));
    equal(twilio.messages.length, 1);
  }, { TEST_PASSCODES: `${CAT}=654321`, LIMITS: only("sms_service", "1/d") }));

Deno.test("SMS of the console driver are free", () =>
  withApp(async (t) => {
    for (const phone of numbers(5)) succeeded(await ask(t, "signup", phone));
  }, { env: { LIMITS: "sms_address=1/d,sms_prefix=1/d,sms_dial_code=1/d,sms_service=1/d" } }));

Deno.test("an address is an IPv6 /64, and one that a client forges left of a trusted proxy buys no SMS", () =>
  withTwilio(async (t, twilio) => {
    const from = (address: string, phone: string) =>
      t.call("POST", "/api/auth/signup", {
        json: { phone_number: phone },
        headers: { "x-forwarded-for": address },
      });
    const [one, two, three, four, five] = numbers(5);
    succeeded(await from("2001:db8:0:7::1", one!));
    limited(await from("2001:db8:0:7:ffff::2", two!));
    limited(await from("198.51.100.1, 2001:db8:0:7::3", two!));
    succeeded(await from("2001:db8:0:8::1", three!));
    succeeded(await from("2001:db8:0:7::1, 192.0.2.1", four!));
    for (let nth = 0; nth < 5; nth += 1) limited(await from(`203.0.113.${nth}, 192.0.2.1`, five!));
    equal(twilio.messages.length, 3);
  }, { TRUSTED_PROXY_COUNT: "1", LIMITS: only("sms_address", "1/d") }));

Deno.test("the log warns once when sixty percent of the day's SMS are used, not at every send", () =>
  withTwilio(async (t) => {
    t.clock.freeze();
    const warnings = () => t.log.filter((line) => line.includes("are running out"));
    const phones = numbers(20);
    for (const phone of phones.slice(0, 5)) succeeded(await ask(t, "signup", phone));
    deepEqual(warnings(), []);
    for (const phone of phones.slice(5, 9)) succeeded(await ask(t, "signup", phone));
    equal(warnings().length, 1);
    match(warnings()[0]!, /"WARN.*"used_percent":60/);
    ok(!/1415/.test(warnings()[0]!));

    t.clock.advance(24 * 60 * MINUTE_MS);
    for (const phone of phones.slice(9, 16)) succeeded(await ask(t, "signup", phone));
    equal(warnings().length, 2);
  }, { LIMITS: only("sms_service", "10/d") }));

Deno.test("the log warns when sixty percent of the SMS to a country code are used, and names the code", () =>
  withTwilio(async (t) => {
    t.clock.freeze();
    const warnings = () => t.log.filter((line) => line.includes("are running out"));
    const american = numbers(14);
    const british = Array.from({ length: 9 }, (_, nth) => `+447400${100 + nth}100`);
    for (const phone of american.slice(0, 5)) succeeded(await ask(t, "signup", phone));
    deepEqual(warnings(), []);
    for (const phone of [...american.slice(5, 9), ...british]) succeeded(await ask(t, "signup", phone));
    equal(warnings().length, 2);
    match(warnings()[0]!, /"WARN.*"SMS to one country code.*"dial_code":"1","used_percent":60/);
    match(warnings()[1]!, /"dial_code":"44","used_percent":60/);

    t.clock.advance(24 * 60 * MINUTE_MS);
    for (const phone of american.slice(0, 7)) succeeded(await ask(t, "signin", phone));
    equal(warnings().length, 3);
  }, { SMS_COUNTRIES: "US,GB", LIMITS: only("sms_dial_code", "10/d"), UNIFORM_AUTH: "1" }));

for (const way of ["signup", "signin"] as const) {
  Deno.test(`SMS_ENABLED=false: no SMS that costs money goes out, and /${way} says so`, () =>
    withTwilio(async (t, twilio) => {
      if (way === "signin") {
        await t.sql`insert into users (phone_number, status, created_at) values (${ANN}, 'active', now())`;
      }
      const answer = await ask(t, way, ANN);
      refused(answer, 503, "sms_disabled");
      equal(answer.headers.get("retry-after"), null);
      deepEqual(twilio.messages, []);
      deepEqual([...await t.sql`select 1 from passcodes`], []);
    }, { SMS_ENABLED: "false" }));
}

Deno.test("SMS_ENABLED=false: numbers of TEST_PASSCODES get in, and their invitations send no SMS", () =>
  withInvites(async (t, twilio) => {
    succeeded(await ask(t, "signup", ANN));
    const { body } = await complete(t, "signup", { phone: ANN, passcode: "654321" });
    const ann = { phone: ANN, token: body.token };
    await invite(t, ann, BOB);

    deepEqual(twilio.messages, []);
    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent" });
  }, { SMS_ENABLED: "false", TEST_PASSCODES: `${ANN}=654321` }));

Deno.test("SMS_ENABLED=false leaves the console driver as it is", () =>
  withApp(async (t) => void await t.signUp(ANN), { env: { SMS_ENABLED: "false" } }));

for (const name of ["sms_address", "sms_prefix", "sms_dial_code", "sms_service"] as const) {
  Deno.test(`an invitation that ${name} stops looks like one that was sent`, () =>
    withInvites(async (t, twilio) => {
      const ann = await join(t, twilio, ANN);
      const before = (await invitesOf(t, ann)).remaining_today;
      const first = await invite(t, ann, BOB);
      const second = await invite(t, ann, CAT);

      deepEqual(invitations(twilio).map(({ to }) => to), [BOB]);
      deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent", [CAT]: "sent" });
      deepEqual((await invitesOf(t, ann)).remaining_today, before - 2);
      deepEqual(Object.keys(second.body), Object.keys(first.body));
    }, { LIMITS: only(name, "2/d") }));
}

Deno.test("an invitation is charged to the address of the inviter's request", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const request = (address: string, phone: string) =>
      t.call("PUT", "/api/contacts/request", {
        token: ann.token,
        json: { phone_number: phone },
        headers: { "x-forwarded-for": address },
      });
    const [one, two, three] = numbers(3);
    for (const phone of [one!, two!]) succeeded(await request("192.0.2.1", phone));
    succeeded(await request("192.0.2.2", three!));

    deepEqual(invitations(twilio).map(({ to }) => to), [one, three]);
  }, { TRUSTED_PROXY_COUNT: "1", LIMITS: only("sms_address", "1/d") }));
