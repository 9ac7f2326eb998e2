// The limits on paid SMS, guesses and requests with two processes, restarts, outages and concurrent calls;
// and what the database stores of them.

import { deepEqual, equal, ok } from "./assert.ts";
import { change, listOf } from "./contact_calls.ts";
import { createTestDatabase } from "./database.ts";
import { limited, only } from "./limit_calls.ts";
import { untilWaiting } from "./locks.ts";
import { ask, BEHIND_PROXY, complete, MINUTE_MS, tally, twilioEnv, wrong } from "./passcode_calls.ts";
import { startService } from "./process.ts";
import { ask as askService } from "./service_client.ts";
import {
  ANN,
  BOB,
  eventually,
  refused,
  succeeded,
  type TestApp,
  type TestOptions,
  withApp,
} from "./support.ts";
import { startProxy } from "./tcp_proxy.ts";
import { startTwilioDouble, type TwilioDouble } from "./twilio_double.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, nth) => `+1415${600 + nth}0100`);

/** Two services on one database, which send through one double of Twilio. */
async function withTwoSenders(
  limits: string,
  run: (apps: [TestApp, TestApp], twilio: TwilioDouble) => Promise<void>,
): Promise<void> {
  const twilio = startTwilioDouble();
  const database = await createTestDatabase();
  const options: TestOptions = { database, env: { ...twilioEnv(twilio), LIMITS: limits } };
  try {
    await withApp((one) =>
      withApp((two) => {
        one.clock.freeze();
        two.clock.freeze();
        return run([one, two], twilio);
      }, options), options);
  } finally {
    await database.drop();
    await twilio.close();
  }
}

for (const name of ["sms_address", "sms_dial_code", "sms_service"] as const) {
  Deno.test(`${name}: of fifty concurrent requests to two processes exactly the burst is sent`, () =>
    withTwoSenders(only(name, "20/d"), async (apps, twilio) => {
      const answers = await Promise.all(
        numbers(50).map((phone, nth) => ask(apps[nth % 2]!, "signup", phone)),
      );

      deepEqual(tally(answers), { ok: 20, rate_limited: 30 });
      equal(twilio.messages.length, 20);
    }));
}

Deno.test("passcode_address: of fifty concurrent guesses at two processes exactly the burst is compared", () =>
  withTwoSenders(only("passcode_address", "20/d"), async (apps, twilio) => {
    const phones = numbers(50);
    for (const phone of phones) succeeded(await ask(apps[0], "signup", phone));
    const codeOf = (phone: string) => twilio.messages.find(({ to }) => to === phone)!.body.slice(0, 6);
    const guess = (phone: string, passcode: string, nth: number) =>
      complete(apps[nth % 2]!, "signup", { phone, passcode });
    const answers = await Promise.all(phones.map((phone, nth) => guess(phone, wrong(codeOf(phone)), nth)));
    deepEqual(tally(answers), { invalid_passcode: 20, too_many_attempts: 30 });

    const [row] = await apps[0].sql<{ spent: number }[]>`select sum(attempts)::int as spent from passcodes`;
    equal(row!.spent, 20);
    // Even the right code is not compared any more.
    limited(await guess(phones[0]!, codeOf(phones[0]!), 0), "too_many_attempts");
  }));

Deno.test("passcode_address: once it is used up, a guess is refused before its body is validated", () =>
  withApp(async (t) => {
    t.clock.freeze();
    succeeded(await ask(t, "signup", ANN));
    const guess = { phone: ANN, passcode: wrong(t.codeFor(ANN)) };
    refused(await complete(t, "signup", guess), 400, "invalid_passcode");
    for (const way of ["signup", "signin"]) {
      for (const raw of ["[", "{}"]) {
        const headers = { "content-type": "application/json" };
        limited(await t.call("POST", `/api/auth/complete-${way}`, { raw, headers }), "too_many_attempts");
      }
      limited(await t.call("POST", `/api/auth/complete-${way}`, { raw: "x" }), "too_many_attempts");
    }
  }, { env: { LIMITS: only("passcode_address", "1/h") } }));

Deno.test("passcode_address: right codes cost nothing, however many", () =>
  withApp(async (t) => {
    const phones = numbers(10);
    for (const phone of phones) succeeded(await ask(t, "signup", phone));
    for (const phone of phones) succeeded(await complete(t, "signup", { phone, passcode: t.codeFor(phone) }));
    const [row] = await t.sql<{ full: boolean }[]>`select full_at <= now() as full from buckets`;
    equal(row!.full, true);
  }, { env: { LIMITS: only("passcode_address", "1/d") } }));

Deno.test("requests_user: of thirty concurrent requests at two processes exactly the burst is made", () =>
  withTwoSenders(only("requests_user", "7/d"), async (apps, twilio) => {
    succeeded(await ask(apps[0], "signup", ANN));
    const passcode = twilio.messages[0]!.body.slice(0, 6);
    const { body } = await complete(apps[0], "signup", { phone: ANN, passcode });
    const ann = { phone: ANN, token: body.token };
    const answers = await Promise.all(
      numbers(30).map((phone, nth) => change(apps[nth % 2]!, "request", ann, phone)),
    );

    deepEqual(tally(answers), { ok: 7, rate_limited: 23 });
    equal((await listOf(apps[0], ann)).length, 7);
    equal((await apps[0].sql`select 1 from users where status = 'invited'`).length, 7);
  }));

Deno.test("a limit that is used up stays so after a restart, and a changed rate starts afresh", () =>
  withTwoSenders(only("sms_service", "1/d"), async ([one], twilio) => {
    succeeded(await ask(one, "signup", ANN));
    const restarted = {
      database: one.database,
      env: { ...twilioEnv(twilio), LIMITS: only("sms_service", "1/d") },
    };
    await withApp(async (again) => void limited(await ask(again, "signup", BOB)), restarted);
    restarted.env.LIMITS = only("sms_service", "2/d");
    await withApp(async (again) => succeeded(await ask(again, "signup", BOB)), restarted);
  }));

Deno.test("while the database is unavailable no SMS is sent but 503 is answered, and then the limit goes on as before", async () => {
  const twilio = startTwilioDouble();
  const database = await createTestDatabase();
  const proxy = startProxy(`${database.address.host}/.s.PGSQL.5432`);
  const url = new URL(database.url);
  const service = await startService({
    env: {
      ...twilioEnv(twilio),
      HOST: "127.0.0.1",
      JWT_SECRET: "a secret of thirty-two bytes or more",
      DATABASE_URL: `postgres://puffintalk@127.0.0.1:${proxy.port}${url.pathname}`,
      LIMITS: "sms_service=2/d",
    },
  });
  const signUp = (phone: string) =>
    askService(`${service.url}/api/auth/signup`, "POST", undefined, { phone_number: phone });
  try {
    const [one, two, three] = numbers(3);
    equal((await signUp(one!)).status, 200);
    proxy.refuse();
    for (let time = 0; time < 3; time += 1) equal((await signUp(two!)).status, 503);
    equal(twilio.messages.length, 1);

    proxy.resume();
    await eventually(async () => (await signUp(two!)).status === 200, 10_000);
    equal((await signUp(three!)).status, 429);
    equal(twilio.messages.length, 2);
  } finally {
    await service.end("SIGTERM");
    proxy.close();
    await database.drop();
    await twilio.close();
  }
});

Deno.test("the tables of limits contain no counted key in clear", () =>
  withApp(async (t) => {
    const address = "198.51.100.77";
    await ask(t, "signup", ANN);
    for (let nth = 1; nth < 4; nth += 1) {
      await complete(t, "signup", { phone: ANN, passcode: wrong(t.codeFor(ANN), nth), address });
    }
    const headers = { "x-forwarded-for": address };
    refused(
      await t.call("POST", "/api/auth/signin", { json: { phone_number: BOB }, headers }),
      404,
      "not_registered",
    );
    const rows = [...await t.sql`select key from buckets`, ...await t.sql`select key from limits`];

    deepEqual(rows.map(({ key }) => key.replace(/ [\w-]{22}$/, " ...")).sort(), [
      "passcode_address 100/h ...",
      "reveal_address 60/h ...",
      "reveal_address 60/h ...",
      "wrong_passcode ...",
      "wrong_passcode_address ...",
    ]);
    ok(!/1415|198\.51|01$/.test(JSON.stringify(rows)));
  }, { env: { ...BEHIND_PROXY.env, LIMITS: "" } }));

Deno.test("housekeeping deletes buckets that are full, and paid passcodes after thirty days, and no others", () =>
  withTwoSenders("", async ([t]) => {
    succeeded(await ask(t, "signup", ANN));
    const left = async () => {
      await t.services.upkeep.deleteOldRows();
      const buckets = await t.sql<
        { name: string }[]
      >`select split_part(key, ' ', 1) as name from buckets order by 1`;
      const [paid] = await t.sql<{ count: number }[]>`select count(*)::int as count from paid_passcodes`;
      return [...buckets.map(({ name }) => name), paid!.count];
    };
    t.clock.advance(MINUTE_MS + 1);
    const shortest = ["sms_address", "sms_address", "sms_dial_code", "sms_prefix", "sms_service"];
    deepEqual(await left(), [...shortest, 1]);
    t.clock.advance(5 * MINUTE_MS);
    deepEqual(await left(), ["sms_dial_code", 1]);
    t.clock.advance(29 * 24 * 60 * MINUTE_MS);
    deepEqual(await left(), [1]);
    t.clock.advance(24 * 60 * MINUTE_MS);
    deepEqual(await left(), [0]);
  }));

Deno.test("concurrent requests that need the same buckets in any order all succeed, without a deadlock", () =>
  withTwoSenders("sms_address=1000/d,sms_prefix=1000/h,sms_dial_code=1000/d", async (apps) => {
    const phones = Array.from({ length: 60 }, (_, nth) => `+1415${600 + nth % 3}${1_000 + nth}`);
    const answers = await Promise.all(phones.map((phone, nth) => ask(apps[nth % 2]!, "signup", phone)));
    deepEqual(tally(answers), { ok: 60 });
  }));

Deno.test("a request for a code locks buckets in the order of their keys, as giving back does", () =>
  withTwoSenders("sms_prefix=1000/h,sms_dial_code=1000/d", async ([t]) => {
    succeeded(await ask(t, "signup", ANN));
    const asked = await t.sql.begin(async (sql) => {
      await sql`select from buckets where key like 'sms_dial_code %' for update`;
      const asked = ask(t, "signup", BOB);
      await untilWaiting(t);
      const free = await t.sql`select key from buckets where key like 'sms_prefix %' for update skip locked`;
      equal(free.length, 1);
      return { asked };
    });
    succeeded(await asked.asked);
  }));
