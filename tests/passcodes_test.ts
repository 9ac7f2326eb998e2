// Requesting passcodes: when, how often, and which one. Guesses are tested in passcode_guesses_test.ts.

import { deepEqual, equal, notEqual, ok } from "./assert.ts";

import { createPasscodeKeys } from "../services/passcodes/passcode_keys.ts";
import { invitations, invite, inviteStatuses, join, withInvites } from "./invite_calls.ts";
import { untilWaiting } from "./locks.ts";
import { ask, codesSent, complete, DAY_MS, MINUTE_MS, SECOND_MS, tally, wrong } from "./passcode_calls.ts";
import { ANN, BOB, CAT, refused, succeeded, withApp } from "./support.ts";

const GAPS_S = [60, 120, 300, 600];

Deno.test("parallel requests for a code send one SMS, the first time and whenever the gap is over", () =>
  withApp(async (t) => {
    t.clock.freeze();
    for (const gap of GAPS_S) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(t, "signup", ANN)));
      deepEqual(tally(answers), { ok: 1, rate_limited: 19 });
      t.clock.advance(gap * SECOND_MS);
    }
    equal(codesSent(t, ANN).length, 4);
  }));

Deno.test("parallel requests for a code to two processes send one SMS", () =>
  withApp(async (one) => {
    await withApp(async (two) => {
      const answers = await Promise.all([one, two, one, two].map((t) => ask(t, "signup", ANN)));

      deepEqual(tally(answers), { ok: 1, rate_limited: 3 });
      equal(codesSent(one, ANN).length + codesSent(two, ANN).length, 1);
    }, { database: one.database });
  }));

Deno.test("sends are 60, 120, 300 and 600 seconds apart, and five a day", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const firstAt = t.clock.now().getTime();
    for (const gap of GAPS_S) {
      equal((await ask(t, "signup", ANN)).body.resend_in, gap);
      t.clock.advance(gap * SECOND_MS - 1);
      const early = await ask(t, "signup", ANN);
      refused(early, 429, "rate_limited");
      deepEqual([early.body.retry_after, early.headers.get("retry-after")], [1, "1"]);
      t.clock.advance(1);
    }
    const untilTomorrow = () => Math.ceil((firstAt + DAY_MS - t.clock.now().getTime()) / SECOND_MS);
    equal((await ask(t, "signup", ANN)).body.resend_in, untilTomorrow());
    t.clock.advance(12 * 60 * MINUTE_MS);
    const sixth = await ask(t, "signup", ANN);
    refused(sixth, 429, "rate_limited");
    equal(sixth.body.retry_after, untilTomorrow());

    equal(codesSent(t, ANN).length, 5);
    t.clock.advance(sixth.body.retry_after * SECOND_MS);
    succeeded(await ask(t, "signup", ANN));
  }));

Deno.test("gaps apply to one number and one purpose", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    succeeded(await ask(t, "signin", ANN));
    succeeded(await ask(t, "signup", BOB));
    refused(await ask(t, "signin", ANN), 429, "rate_limited");
  }));

Deno.test("a success clears the gaps and the day's count", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    t.clock.freeze();
    for (let round = 0; round < 4; round++) {
      equal((await ask(t, "signin", ANN)).body.resend_in, 60);
      t.clock.advance(MINUTE_MS);
      equal((await ask(t, "signin", ANN)).body.resend_in, 120);
      succeeded(await complete(t, "signin", { phone: ANN, passcode: t.codeFor(ANN) }));
    }
  }));

Deno.test("a resend repeats the code and states its remaining time while half of the lifetime remains", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    t.clock.advance(MINUTE_MS);
    equal((await ask(t, "signup", ANN)).body.expires_in, 540);
    t.clock.advance(4 * MINUTE_MS);
    equal((await ask(t, "signup", ANN)).body.expires_in, 300);
    const [code, ...more] = codesSent(t, ANN);
    deepEqual(more, [code, code]);

    t.clock.advance(5 * MINUTE_MS - 1);
    succeeded(await complete(t, "signup", { phone: ANN, passcode: code! }));
  }));

Deno.test("a resend in the second half of the lifetime sends a new code, and the old one is no longer valid", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    t.clock.advance(5 * MINUTE_MS + 1);
    equal((await ask(t, "signup", ANN)).body.expires_in, 600);
    const [old, fresh] = codesSent(t, ANN);
    notEqual(fresh, old);

    refused(await complete(t, "signup", { phone: ANN, passcode: old! }), 400, "invalid_passcode");
    succeeded(await complete(t, "signup", { phone: ANN, passcode: fresh! }));
  }));

Deno.test("a resend does not renew the guesses of its challenge", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    const passcode = t.codeFor(ANN);
    for (let nth = 1; nth <= 4; nth++) {
      await complete(t, "signup", { phone: ANN, passcode: wrong(passcode, nth) });
    }
    t.clock.advance(MINUTE_MS);
    await ask(t, "signup", ANN);
    equal(t.codeFor(ANN), passcode);
    await complete(t, "signup", { phone: ANN, passcode: wrong(passcode, 5) });

    refused(await complete(t, "signup", { phone: ANN, passcode }), 429, "too_many_attempts");
  }));

Deno.test("any code for an expired challenge is answered with 408 and Retry-After 1 for a day, and changes nothing", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    const passcode = t.codeFor(ANN);
    await complete(t, "signup", { phone: ANN, passcode: wrong(passcode) });
    const rows = () => Promise.all([t.sql`select * from passcodes`, t.sql`select * from limits`]);
    const before = await rows();
    t.clock.advance(10 * MINUTE_MS);
    for (const given of [passcode, wrong(passcode), "x", ...Array(20).fill(passcode)]) {
      const answer = await complete(t, "signup", { phone: ANN, passcode: given });
      refused(answer, 408, "passcode_expired");
      deepEqual([answer.body.retry_after, answer.headers.get("retry-after")], [1, "1"]);
    }
    deepEqual(await rows(), before);

    t.clock.advance(DAY_MS - 1);
    refused(await complete(t, "signup", { phone: ANN, passcode }), 408, "passcode_expired");
    t.clock.advance(1);
    refused(await complete(t, "signup", { phone: ANN, passcode }), 400, "invalid_passcode");
  }));

Deno.test("a code is bound to its number and to its purpose", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    await ask(t, "signup", BOB);
    await ask(t, "signin", ANN);
    const [ofBob, ofAnn] = [t.codeFor(BOB), t.codeFor(ANN)];

    refused(await complete(t, "signin", { phone: ANN, passcode: ofBob }), 400, "invalid_passcode");
    refused(await complete(t, "signup", { phone: ANN, passcode: ofAnn }), 400, "invalid_passcode");
    refused(await complete(t, "signin", { phone: BOB, passcode: ofBob }), 400, "invalid_passcode");
    succeeded(await complete(t, "signup", { phone: BOB, passcode: ofBob }));
    succeeded(await complete(t, "signin", { phone: ANN, passcode: ofAnn }));
  }));

const OLD = "the secret from before of 32 bytes at least";
const NEW = "the secret from now on of 32 bytes at least";

Deno.test("a rotation of secrets keeps a live code valid, and a resend repeats it", () =>
  withApp(async (before) => {
    before.clock.freeze();
    await ask(before, "signup", ANN);
    const code = before.codeFor(ANN);
    await withApp(async (after) => {
      after.clock.advance(MINUTE_MS);
      succeeded(await ask(after, "signup", ANN));
      equal(after.codeFor(ANN), code);
      succeeded(await complete(after, "signup", { phone: ANN, passcode: code }));
    }, { database: before.database, env: { JWT_SECRET: `${NEW},${OLD}` } });
  }, { env: { JWT_SECRET: OLD } }));

Deno.test("a code whose secret is gone counts as wrong, and a resend sends another", () =>
  withApp(async (before) => {
    await ask(before, "signup", ANN);
    const passcode = before.codeFor(ANN);
    await withApp(async (after) => {
      refused(await complete(after, "signup", { phone: ANN, passcode }), 400, "invalid_passcode");
      after.clock.advance(MINUTE_MS);
      succeeded(await ask(after, "signup", ANN));
      succeeded(await complete(after, "signup", { phone: ANN, passcode: after.codeFor(ANN) }));
    }, { database: before.database, env: { JWT_SECRET: NEW } });
  }, { env: { JWT_SECRET: OLD } }));

Deno.test("the database reveals no code: it contains none, and none can be derived from it without the secret", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    const code = t.codeFor(ANN);
    const [row] = await t.sql`select * from passcodes`;
    ok(!JSON.stringify(row).includes(code));

    const seed = { phone_number: row!.phone_number, purpose: row!.purpose, nonce: row!.nonce };
    const derived = (secret: string) => {
      const keys = createPasscodeKeys([secret]);
      return keys.derive({ ...seed, key_id: keys.currentId });
    };
    equal(derived(OLD), code);
    notEqual(derived(NEW), code);
  }, { env: { JWT_SECRET: OLD } }));

Deno.test("TEST_PASSCODES: these numbers are invited without an SMS, which the inviter cannot see", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, BOB);
    await invite(t, ann, CAT);
    deepEqual(invitations(twilio).map(({ to }) => to), [CAT]);
    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent", [CAT]: "sent" });
  }, { TEST_PASSCODES: `${BOB}=654321` }));

Deno.test("TEST_PASSCODES: these numbers get their code and no SMS, and their limits hold", () =>
  withApp(async (t) => {
    t.clock.freeze();
    deepEqual((await ask(t, "signup", ANN)).body, {
      success: true,
      expires_in: 600,
      resend_in: 60,
      code_length: 6,
    });
    refused(await ask(t, "signup", ANN), 429, "rate_limited");
    for (let nth = 1; nth <= 5; nth++) {
      const passcode = wrong("654321", nth);
      refused(await complete(t, "signup", { phone: ANN, passcode }), 400, "invalid_passcode");
    }
    refused(await complete(t, "signup", { phone: ANN, passcode: "654321" }), 429, "too_many_attempts");
    t.clock.advance(MINUTE_MS);
    await ask(t, "signup", ANN);
    succeeded(await complete(t, "signup", { phone: ANN, passcode: "654321" }));
    refused(await complete(t, "signup", { phone: ANN, passcode: "654321" }), 400, "invalid_passcode");
    refused(await complete(t, "signup", { phone: BOB, passcode: "654321" }), 400, "invalid_passcode");

    deepEqual(t.services.console!.sent(), []);
  }, { env: { TEST_PASSCODES: "0014155550101=654321" } }));

Deno.test("a request for a code does not fail if its old challenge is swept in the middle of it", () =>
  withApp(async (t) => {
    succeeded(await ask(t, "signup", ANN));
    t.clock.advance(2 * DAY_MS);
    // Holds a request up between ensuring that its row exists and reading it.
    await t.sql`
      create function stop_here() returns trigger language plpgsql as $$
      begin
        perform pg_advisory_xact_lock(7);
        return null;
      end $$`;
    await t.sql`
      create trigger stop_here after insert on passcodes for each statement execute function stop_here()`;

    const asked = await t.sql.begin(async (sql) => {
      await sql`select pg_advisory_xact_lock(7)`;
      const asked = ask(t, "signup", ANN);
      await untilWaiting(t);
      await t.services.upkeep.deleteOldRows();
      return { asked };
    });
    succeeded(await asked.asked);
    equal(codesSent(t, ANN).length, 2);
  }));

Deno.test("a request for a code whose SMS was sent does not fail if that cannot be noted", () =>
  withApp(async (t) => {
    await t.sql`
      create function fail() returns trigger language plpgsql as $$
      begin
        raise exception 'cannot note';
      end $$`;
    await t.sql`
      create trigger fail before update of provider_id on passcodes for each row execute function fail()`;
    succeeded(await ask(t, "signup", ANN));
    equal(codesSent(t, ANN).length, 1);

    await t.sql`drop trigger fail on passcodes`;
    succeeded(await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) }));
  }));
