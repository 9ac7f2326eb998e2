// UNIFORM_AUTH=1: neither an answer nor the work for it reveals who has an account; its time is printed.

import { deepEqual, equal, match, ok } from "./assert.ts";

import { createTestDatabase } from "./database.ts";
import { ask, complete, MINUTE_MS, type Way, WAYS, withTwilio, wrong } from "./passcode_calls.ts";
import { startStatementTap } from "./statement_tap.ts";
import { ANN, type Answer, BOB, CAT, refused, succeeded, type TestApp, withApp } from "./support.ts";

const UNIFORM = { UNIFORM_AUTH: "1" };
const DAN = "+14155550104";
/** Ann has an account, Bob is suspended, Cat was invited, and Dan is unknown. */
const NUMBERS = [ANN, BOB, CAT, DAN];

async function withNumbers(run: (t: TestApp) => Promise<void>, env = {}): Promise<void> {
  await withApp(async (t) => {
    await addUsers(t);
    t.clock.freeze();
    await run(t);
  }, { env: { ...UNIFORM, ...env } });
}

async function addUsers(t: TestApp): Promise<void> {
  await t.sql`
    insert into users (phone_number, status, created_at)
    values (${ANN}, 'active', now()), (${BOB}, 'suspended', now()), (${CAT}, 'invited', now())`;
}

/** All of an answer except its request id and its date. */
function shown({ status, headers, body }: Answer): string {
  const kept = [...headers].filter(([name]) => name !== "x-request-id" && name !== "date");
  return JSON.stringify([status, kept, { ...body, request_id: undefined }]);
}

/** Asserts that the call is answered the same for every number; returns one of the answers. */
async function alike(call: (phone: string) => Promise<Answer>): Promise<Answer> {
  const answers = [];
  for (const phone of NUMBERS) answers.push(await call(phone));
  for (const answer of answers) equal(shown(answer), shown(answers[0]!));
  return answers[0]!;
}

function lastText(t: TestApp, phone: string): string {
  return t.services.console!.sent().find(({ to }) => to === phone)!.text;
}

for (const way of WAYS) {
  Deno.test(`/${way} answers the same bytes to every number: at first, within the resend interval, and after it`, () =>
    withNumbers(async (t) => {
      for (const gap of [1, 2, 5, 10]) {
        succeeded(await alike((phone) => ask(t, way, phone)));
        refused(await alike((phone) => ask(t, way, phone)), 429, "rate_limited");
        t.clock.advance(gap * MINUTE_MS);
      }
      succeeded(await alike((phone) => ask(t, way, phone)));
      t.clock.advance(10 * MINUTE_MS);
      refused(await alike((phone) => ask(t, way, phone)), 429, "rate_limited");
    }));

  Deno.test(`/complete-${way} answers the same bytes to every number: without a code, for wrong ones, after too many, and expired`, () =>
    withNumbers(async (t) => {
      const guess = (nth: number) =>
        alike((phone) => {
          const code = lastText(t, phone)?.match(/^\d{6}/)?.[0] ?? "000000";
          return complete(t, way, { phone, passcode: wrong(code, nth) });
        });
      refused(
        await alike((phone) => complete(t, way, { phone, passcode: "123456" })),
        400,
        "invalid_passcode",
      );
      await alike((phone) => ask(t, way, phone));
      for (const nth of [1, 2, 3, 4, 5]) refused(await guess(nth), 400, "invalid_passcode");
      refused(await guess(6), 429, "too_many_attempts");
      t.clock.advance(10 * MINUTE_MS);
      refused(await guess(7), 408, "passcode_expired");
    }));

  Deno.test(`/${way} makes the same statements and sends one SMS for every number, and so does a wrong code`, async () => {
    const database = await createTestDatabase();
    const tap = startStatementTap(database);
    try {
      await withTwilio(
        async (t, twilio) => {
          await addUsers(t);
          // What is done once per connection or process is done before.
          await ask(t, way, "+14155550199");
          const asks: string[][] = [];
          const guesses: string[][] = [];
          for (const phone of NUMBERS) {
            const before = twilio.messages.length;
            asks.push(await tap.during(() => ask(t, way, phone)));
            equal(twilio.messages.length, before + 1, phone);
            const body = twilio.messages.at(-1)!.body;
            const passcode = wrong(body.match(/^\d{6}/)?.[0] ?? "000000");
            guesses.push(await tap.during(() => complete(t, way, { phone, passcode })));
          }
          ok(asks[0]!.length >= 7 && guesses[0]!.length >= 5, `${asks[0]!.length} ${guesses[0]!.length}`);
          for (const statements of asks) deepEqual(statements, asks[0]);
          for (const statements of guesses) deepEqual(statements, guesses[0]);
          console.log(
            `  /${way}: ${asks[0]!.length} statements and 1 SMS; a wrong code: ${
              guesses[0]!.length
            } statements`,
          );
        },
        UNIFORM,
        { database: tap.database },
      );
    } finally {
      tap.close();
      await database.drop();
    }
  });
}

Deno.test("the SMS says what the number can do: it has a code that works, or names the other way without any code", () =>
  withNumbers(async (t) => {
    for (const way of WAYS) await alike((phone) => ask(t, way, phone));
    const texts = (phone: string) =>
      t.services.console!.sent().filter(({ to }) => to === phone).map(({ text }) => text).reverse();

    for (const registered of [ANN, BOB]) {
      match(texts(registered)[0]!, /^You have a PuffinTalk account already: sign in instead\.\D+$/);
      match(texts(registered)[1]!, /^\d{6} is your PuffinTalk code/);
    }
    for (const unregistered of [CAT, DAN]) {
      match(texts(unregistered)[0]!, /^\d{6} is your PuffinTalk code/);
      match(texts(unregistered)[1]!, /^You have no PuffinTalk account yet: sign up instead\.\D+$/);
    }
    const code = (phone: string, place: number) => texts(phone)[place]!.slice(0, 6);
    succeeded(await complete(t, "signin", { phone: ANN, passcode: code(ANN, 1) }));
    succeeded(await complete(t, "signup", { phone: DAN, passcode: code(DAN, 0) }));
    refused(await complete(t, "signin", { phone: BOB, passcode: code(BOB, 1) }), 403, "suspended");
  }));

Deno.test("a correct guess of a code that was not sent counts as wrong, and opens nothing", () =>
  withNumbers(async (t) => {
    const useless: [Way, string][] = [["signup", ANN], ["signup", BOB], ["signin", CAT], ["signin", DAN]];
    for (const [way, phone] of useless) {
      succeeded(await ask(t, way, phone));
      refused(await complete(t, way, { phone, passcode: "654321" }), 400, "invalid_passcode");
      refused(await complete(t, way, { phone, passcode: "000000" }), 400, "invalid_passcode");
      const [row] = await t.sql`
        select attempts, used_at from passcodes where phone_number = ${phone} and purpose = ${way}`;
      deepEqual({ ...row }, { attempts: 2, used_at: null });
    }
    deepEqual([...await t.sql`select 1 from sessions`], []);
    deepEqual(
      (await t.sql`select status from users order by phone_number`).map(({ status }) => status),
      ["active", "suspended", "invited"],
    );
  }, { TEST_PASSCODES: NUMBERS.map((phone) => `${phone}=654321`).join(",") }));

Deno.test("an SMS is withheld only for reasons of the number, which reveal nothing about an account", () =>
  withTwilio(async (t) => {
    await addUsers(t);
    t.clock.freeze();
    await t.sql`
      insert into suppressions (phone_number, reason, created_at)
      select unnest(${NUMBERS}::text[]), 'carrier_stop', now()`;
    for (const way of WAYS) {
      refused(await alike((phone) => ask(t, way, phone)), 403, "sms_opted_out");
      const abroad = ["+34612345678", "+34612345679"];
      await t.sql`
        insert into users (phone_number, status, created_at)
        values (${abroad[0]!}, 'active', now()) on conflict do nothing`;
      const [known, unknown] = [await ask(t, way, abroad[0]!), await ask(t, way, abroad[1]!)];
      refused(known, 400, "sms_not_allowed");
      equal(shown(known), shown(unknown));
    }
  }, UNIFORM));

/** Numbers to ask for in each way; with LONG=1 enough of them to see a difference of a few per cent. */
const TIMED = Deno.env.get("LONG") === "1" ? 3_000 : 120;

Deno.test("/signup and /signin are 200 with and without an account, and their response times are printed", () =>
  withApp(async (t) => {
    const numbers = Array.from({ length: TIMED }, (_, place) => `+1415${5_000_000 + place}`);
    const registered = new Set(numbers.filter(() => Math.random() < 0.5));
    await t.sql`
      insert into users (phone_number, status, created_at)
      select unnest(${[...registered]}::text[]), 'active', now()`;
    for (const way of WAYS) {
      const times: Record<"known" | "unknown", number[]> = { known: [], unknown: [] };
      for (const phone of numbers) {
        const startedAt = performance.now();
        succeeded(await ask(t, way, phone));
        times[registered.has(phone) ? "known" : "unknown"].push(performance.now() - startedAt);
      }
      const { known, unknown } = times;
      console.log(
        `  /${way}: median ${median(known)} ms with an account, ${
          median(unknown)
        } ms without; with one slower in ` +
          `${
            (100 * slowerShare(known, unknown)).toFixed(1)
          } % of pairs (${known.length} and ${unknown.length} asks)`,
      );
    }
  }, { env: UNIFORM }));

function median(ms: number[]): string {
  return ms.toSorted((one, other) => one - other)[ms.length >> 1]!.toFixed(2);
}

/** The share of pairs in which one of `these` is slower (Mann-Whitney U): 0.5 if nothing can be told. */
function slowerShare(these: number[], those: number[]): number {
  const slower = these.reduce((sum, one) => sum + those.filter((other) => one > other).length, 0);
  return slower / (these.length * those.length);
}
