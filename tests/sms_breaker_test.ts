// The circuit breaker: what stops SMS to a prefix, for how long, and what does not.

import fc from "fast-check";
import { SETTLED_MS, STOP_MS, stoppedMs, TRIALS_MAX, WATCHED } from "../services/sms/breaker.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { invitations, invite, join, numbers, withInvites } from "./invite_calls.ts";
import { limited, only } from "./limit_calls.ts";
import { ask, complete, MINUTE_MS, SECOND_MS, tally, twilioEnv, withTwilio } from "./passcode_calls.ts";
import { ANN, refused, succeeded, type TestApp, withApp } from "./support.ts";
import type { TwilioDouble } from "./twilio_double.ts";

const FREE = { LIMITS: only("sms_prefix", "1000/h") };
const neighbours = numbers(200);
/** Has another prefix. */
const ELSEWHERE = "+14156000100";

async function askFor(t: TestApp, phones: string[]): Promise<void> {
  for (const phone of phones) succeeded(await ask(t, "signup", phone));
}

/** Completes each sign-up with the code that the double received. */
async function verify(t: TestApp, twilio: TwilioDouble, phones: string[]): Promise<void> {
  for (const phone of phones) {
    const { body } = twilio.messages.findLast(({ to }) => to === phone)!;
    succeeded(await complete(t, "signup", { phone, passcode: body.slice(0, 6) }));
  }
}

function alerts(t: TestApp): string[] {
  return t.log.filter((line) => line.includes("SMS to a prefix stopped"));
}

Deno.test("twenty passcodes of which nine came back stop the prefix at once and for an hour, and no other", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    await askFor(t, neighbours.slice(0, 20));
    await verify(t, twilio, neighbours.slice(0, 9));
    for (let time = 0; time < 5; time += 1) equal(limited(await ask(t, "signup", neighbours[20]!)), 3_600);
    limited(await ask(t, "signin", neighbours[0]!));
    await askFor(t, [ELSEWHERE]);

    equal(alerts(t).length, 1);
    match(alerts(t)[0]!, /"ERROR".*"prefix":"\+1415555\*\*\*\*"/);
    t.clock.advance(STOP_MS - SECOND_MS);
    equal(limited(await ask(t, "signup", neighbours[20]!)), 1);
    t.clock.advance(SECOND_MS);
    await askFor(t, [neighbours[20]!]);
  }, FREE));

for (const [what, sent, back] of [["ten of twenty", 20, 10], ["none of nineteen", 19, 0]] as const) {
  Deno.test(`${what} passcodes that came back stop nothing`, () =>
    withTwilio(async (t, twilio) => {
      await askFor(t, neighbours.slice(0, sent));
      await verify(t, twilio, neighbours.slice(0, back));
      t.clock.advance(SETTLED_MS);
      await askFor(t, [neighbours[sent]!]);
      deepEqual(alerts(t), []);
    }, FREE));
}

Deno.test("with the limit on prefixes off, none is stopped", () =>
  withTwilio(async (t, twilio) => {
    await askFor(t, neighbours.slice(0, 40));
    equal(twilio.messages.length, 40);
    deepEqual(alerts(t), []);
  }, { LIMITS: "off" }));

Deno.test("sixty people sign up together: twenty go first, and the others as their codes come back", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    const phones = neighbours.slice(0, 60);
    const answers = await Promise.all(phones.map((phone) => ask(t, "signup", phone)));
    deepEqual(tally(answers), { ok: 20, rate_limited: 40 });
    equal(twilio.messages.length, 20);
    await verify(t, twilio, phones.filter((_, nth) => answers[nth]!.status === 200));

    for (const phone of phones.filter((_, nth) => answers[nth]!.status === 429)) {
      await askFor(t, [phone]);
      await verify(t, twilio, [phone]);
    }
  }, FREE));

Deno.test("all processes share the breaker, and it survives a restart", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    await askFor(t, neighbours.slice(0, 20));
    await withApp(async (other) => {
      other.clock.freeze();
      other.clock.advance(SECOND_MS);
      limited(await ask(other, "signup", neighbours[20]!));
      equal(alerts(other).length, 1);
    }, { database: t.database, env: { ...twilioEnv(twilio), ...FREE } });
  }, FREE));

Deno.test("after the hour, five at a time go on trial, and a lost one stops the prefix for the rest of another hour", () =>
  withTwilio(async (t) => {
    t.clock.freeze();
    await askFor(t, neighbours.slice(0, 20));
    t.clock.advance(STOP_MS);
    const trials = await Promise.all(neighbours.slice(20, 30).map((phone) => ask(t, "signup", phone)));
    equal(trials.filter(({ status }) => status === 200).length, TRIALS_MAX);
    for (const answer of trials.filter(({ status }) => status !== 200)) equal(limited(answer), 3_600);

    t.clock.advance(STOP_MS - SECOND_MS);
    equal(limited(await ask(t, "signup", neighbours[30]!)), 1);
    t.clock.advance(SECOND_MS);
    await askFor(t, [neighbours[31]!]);
    // A single trial would leave room for four more, but this one is lost.
    t.clock.advance(SETTLED_MS);
    equal(limited(await ask(t, "signup", neighbours[32]!)), 3_000);
  }, FREE));

Deno.test("trials that come back make room for the next, and in the end for all", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    await askFor(t, neighbours.slice(0, 20));
    t.clock.advance(STOP_MS);
    await askFor(t, neighbours.slice(20, 25));
    limited(await ask(t, "signup", neighbours[25]!));
    await verify(t, twilio, neighbours.slice(20, 21));
    await askFor(t, neighbours.slice(25, 26));
    limited(await ask(t, "signup", neighbours[26]!));
    await verify(t, twilio, neighbours.slice(21, 26));
    await askFor(t, neighbours.slice(26, 31));
    await verify(t, twilio, neighbours.slice(26, 31));
    await askFor(t, neighbours.slice(40, 51));
    limited(await ask(t, "signup", neighbours[51]!));
    await verify(t, twilio, neighbours.slice(40, 51));
    await askFor(t, neighbours.slice(51, 60));
  }, FREE));

Deno.test("a resend and the SMS before it both count as verified by the one code that they carried", () =>
  withTwilio(async (t, twilio) => {
    t.clock.freeze();
    const phones = neighbours.slice(0, 10);
    await askFor(t, phones);
    t.clock.advance(MINUTE_MS);
    await askFor(t, phones);
    await verify(t, twilio, phones);
    t.clock.advance(SETTLED_MS);
    await askFor(t, [neighbours[20]!]);
    deepEqual((await t.sql`select count(*)::int as count from paid_passcodes where verified`)[0], {
      count: 20,
    });
  }, FREE));

Deno.test("failed sends, invitations and numbers of TEST_PASSCODES do not count as codes that could come back", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const ann = await join(t, twilio, "+14156000101");
    for (const phone of neighbours.slice(0, 10)) await invite(t, ann, phone);
    twilio.answer({ status: 500, code: 20500 }, 20);
    for (const phone of neighbours.slice(20, 40)) refused(await ask(t, "signup", phone), 500, "sms_failed");
    succeeded(await ask(t, "signup", ANN));

    equal(invitations(twilio).length, 10);
    deepEqual((await t.sql`select count(*)::int as count from paid_passcodes`)[0], { count: 1 });
  }, { ...FREE, TEST_PASSCODES: `${ANN}=654321` }));

Deno.test("a stopped prefix gets no invitation, and the inviter sees nothing of it", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    await askFor(t, neighbours.slice(0, 20));
    const ann = await join(t, twilio, ELSEWHERE);
    await invite(t, ann, neighbours[30]!);
    deepEqual(invitations(twilio), []);
    t.clock.advance(STOP_MS);
    await invite(t, ann, neighbours[31]!);
    equal(invitations(twilio).length, 1);
  }, FREE));

Deno.test("an invitation withheld from a stopped prefix uses up no limit", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    await askFor(t, neighbours.slice(0, 20));
    const ann = await join(t, twilio, ELSEWHERE);
    await invite(t, ann, neighbours[30]!);
    deepEqual(invitations(twilio), []);
    await askFor(t, ["+14156000102"]);
    limited(await ask(t, "signup", "+14156000103"));
  }, { LIMITS: only("sms_service", "22/d").replace("sms_prefix=off", "sms_prefix=1000/h") }));

Deno.test("stoppedMs() returns a time after which it returns 0, whatever was sent before", () => {
  const sends = fc.array(
    fc.record({ age: fc.integer({ min: 0, max: 3 * STOP_MS }), verified: fc.boolean() }),
    {
      maxLength: WATCHED,
    },
  );
  const at = new Date("2026-01-01T00:00:00Z");
  fc.assert(
    fc.property(sends, (sends) => {
      const latest = sends.map(({ age, verified }) => ({ sent_at: new Date(at.getTime() - age), verified }));
      const ms = stoppedMs(latest, at);
      ok(ms >= 0 && ms <= STOP_MS);
      equal(stoppedMs(latest, new Date(at.getTime() + ms)), 0);
      const unverified = sends.filter(({ verified }) => !verified);
      if (ms > 0) ok(sends.length === WATCHED && unverified.length > WATCHED / 2);
    }),
    { numRuns: 2_000 },
  );
});
