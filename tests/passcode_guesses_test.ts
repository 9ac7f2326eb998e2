// Guessing passcodes: how many wrong guesses are allowed, and that nothing allows more.

import { deepEqual, equal, notEqual, ok } from "./assert.ts";

import { useChallenge } from "../db/passcodes.ts";
import {
  ask,
  BEHIND_PROXY,
  complete,
  DAY_MS,
  MINUTE_MS,
  SECOND_MS,
  tally,
  type Way,
  WAYS,
  wrong,
} from "./passcode_calls.ts";
import { ANN, BOB, refused, succeeded, type TestApp, withApp } from "./support.ts";

const HERE = "192.0.2.1";
const THERE = "192.0.2.2";

/** Makes this many wrong guesses at the newest code, one after the other. */
async function guess(t: TestApp, times: number, { way = "signup" as Way, address = HERE } = {}) {
  for (let nth = 1; nth <= times; nth++) {
    const passcode = wrong(t.codeFor(ANN), nth);
    refused(await complete(t, way, { phone: ANN, passcode, address }), 400, "invalid_passcode");
  }
}

/** Requests another SMS, after waiting as long as the service demands. */
async function askAgain(t: TestApp, way: Way = "signup") {
  const answer = await ask(t, way, ANN);
  if (answer.status === 200) return;
  t.clock.advance(answer.body.retry_after * SECOND_MS);
  succeeded(await ask(t, way, ANN));
}

for (const way of WAYS) {
  Deno.test(`/complete-${way} accepts one of 50 parallel correct submissions`, () =>
    withApp(async (t) => {
      if (way === "signin") await t.signUp(ANN);
      const sessionsBefore = (await t.sql`select id from sessions`).length;
      await ask(t, way, ANN);
      const passcode = t.codeFor(ANN);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => complete(t, way, { phone: ANN, passcode })),
      );

      const { ok: successes, invalid_passcode = 0, too_many_attempts = 0, ...others } = tally(answers);
      deepEqual([successes, invalid_passcode + too_many_attempts, others], [1, 49, {}]);
      equal((await t.sql`select id from sessions`).length, sessionsBefore + 1);
    }));
}

Deno.test("of parallel correct submissions to two processes one is accepted", () =>
  withApp(async (one) => {
    await ask(one, "signup", ANN);
    const passcode = one.codeFor(ANN);
    await withApp(async (two) => {
      const answers = await Promise.all(
        [one, two, one, two].map((t) => complete(t, "signup", { phone: ANN, passcode })),
      );
      equal(tally(answers)["ok"], 1);
    }, { database: one.database });
  }));

Deno.test("a right code does not count as a wrong guess, even if another submission was faster", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    const passcode = t.codeFor(ANN);
    await Promise.all(Array.from({ length: 20 }, () => complete(t, "signup", { phone: ANN, passcode })));

    deepEqual([...await t.sql`select key from limits where cardinality(hits) > 0`], []);
  }));

Deno.test("useChallenge() uses up the challenge that was guessed at, and not one that replaced it meanwhile", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    const of = { phone_number: ANN, purpose: "signup", now: t.clock.now() } as const;
    const [{ nonce } = {}] = await t.sql`select nonce from passcodes`;
    t.clock.advance(6 * MINUTE_MS);
    succeeded(await ask(t, "signup", ANN));

    equal(await useChallenge(t.sql, { ...of, nonce }), null);
    succeeded(await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) }));
  }));

Deno.test("a challenge allows five guesses in all, even when thirty arrive together", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    const passcode = t.codeFor(ANN);
    const answers = await Promise.all(
      Array.from(
        { length: 30 },
        (_, nth) => complete(t, "signup", { phone: ANN, passcode: wrong(passcode, nth + 1) }),
      ),
    );

    deepEqual(tally(answers), { invalid_passcode: 5, too_many_attempts: 25 });
    refused(await complete(t, "signup", { phone: ANN, passcode }), 429, "too_many_attempts");
  }));

Deno.test("the fifth guess may still be right", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    await guess(t, 4);
    succeeded(await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) }));
  }));

Deno.test("the answer for a burnt challenge says when to request a code again, which starts a new challenge", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    const burnt = t.codeFor(ANN);
    await guess(t, 5);
    t.clock.advance(20 * SECOND_MS);
    const answer = await complete(t, "signup", { phone: ANN, passcode: burnt });
    refused(answer, 429, "too_many_attempts");
    deepEqual([answer.body.retry_after, answer.headers.get("retry-after")], [40, "40"]);

    t.clock.advance(40 * SECOND_MS);
    equal((await ask(t, "signup", ANN)).body.expires_in, 600);
    notEqual(t.codeFor(ANN), burnt);
    refused(await complete(t, "signup", { phone: ANN, passcode: burnt }), 400, "invalid_passcode");
    succeeded(await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) }));
  }));

Deno.test("a value that cannot be a code counts as a guess like any other", () =>
  withApp(async (t) => {
    await ask(t, "signup", ANN);
    for (const passcode of ["12345", "1234567", "abcdef", "-", "\uff11\uff12\uff13\uff14\uff15\uff16"]) {
      refused(await complete(t, "signup", { phone: ANN, passcode }), 400, "invalid_passcode");
    }
    refused(await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN) }), 429, "too_many_attempts");
  }));

Deno.test("ten wrong guesses in a day block a number for an address, whatever was resent, and not for others", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const firstAt = t.clock.now().getTime();
    await ask(t, "signup", ANN);
    await guess(t, 5);
    await askAgain(t);
    await guess(t, 5);
    const isClosed = async () => {
      const closed = await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN), address: HERE });
      refused(closed, 429, "too_many_attempts");
      equal(closed.body.retry_after, Math.ceil((firstAt + DAY_MS - t.clock.now().getTime()) / SECOND_MS));
    };
    // Its code is burnt as well. Another may be requested sooner, but would not help.
    await isClosed();
    await askAgain(t);
    await isClosed();
    const passcode = t.codeFor(ANN);
    await guess(t, 1, { address: THERE });
    refused(await complete(t, "signup", { phone: ANN, passcode, address: HERE }), 429, "too_many_attempts");
    await ask(t, "signup", BOB);
    succeeded(await complete(t, "signup", { phone: BOB, passcode: t.codeFor(BOB), address: HERE }));
    succeeded(await complete(t, "signup", { phone: ANN, passcode, address: THERE }));
  }, BEHIND_PROXY));

Deno.test("ten wrong guesses are remembered through successes, a change of purpose and a restart, for a day", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    await guess(t, 4);
    succeeded(await complete(t, "signup", { phone: ANN, passcode: t.codeFor(ANN), address: HERE }));
    await ask(t, "signin", ANN);
    await guess(t, 4, { way: "signin" });
    succeeded(await complete(t, "signin", { phone: ANN, passcode: t.codeFor(ANN), address: HERE }));
    await ask(t, "signin", ANN);
    await guess(t, 2, { way: "signin" });
    const passcode = t.codeFor(ANN);

    await withApp(async (again) => {
      const json = { phone: ANN, passcode, address: HERE };
      refused(await complete(again, "signin", json), 429, "too_many_attempts");
      again.clock.advance(DAY_MS + MINUTE_MS);
      await ask(again, "signin", ANN);
      succeeded(await complete(again, "signin", { ...json, passcode: again.codeFor(ANN) }));
    }, { ...BEHIND_PROXY, database: t.database });
  }, BEHIND_PROXY));

Deno.test("thirty wrong guesses in a day block a number for every address", () =>
  withApp(async (t) => {
    t.clock.freeze();
    for (let round = 0; round < 4; round++) {
      await askAgain(t);
      await guess(t, 5, { address: `192.0.2.${round}` });
    }
    await askAgain(t);
    await guess(t, 4, { address: "192.0.2.10" });
    const last = { phone: ANN, passcode: t.codeFor(ANN), address: "192.0.2.10" };
    succeeded(await complete(t, "signup", last));
    await ask(t, "signin", ANN);
    await guess(t, 5, { way: "signin", address: "192.0.2.11" });
    await askAgain(t, "signin");
    await guess(t, 1, { way: "signin", address: "192.0.2.12" });

    const answer = await complete(t, "signin", {
      phone: ANN,
      passcode: t.codeFor(ANN),
      address: "192.0.2.99",
    });
    refused(answer, 429, "too_many_attempts");
    ok(answer.body.retry_after > 23 * 60 * 60);
    deepEqual((await t.sql`select attempts from passcodes where purpose = 'signin'`)[0], { attempts: 1 });
  }, BEHIND_PROXY));

Deno.test("the limit of an address holds for concurrent guesses as well", () =>
  withApp(async (t) => {
    t.clock.freeze();
    await ask(t, "signup", ANN);
    await guess(t, 5);
    await askAgain(t);
    await guess(t, 3);
    const passcode = t.codeFor(ANN);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, nth) =>
      complete(t, "signup", { phone: ANN, passcode: wrong(passcode, nth + 10), address: HERE })));

    deepEqual(tally(answers), { invalid_passcode: 2, too_many_attempts: 8 });
  }, BEHIND_PROXY));
