// Limits with many honest requests at once: those that finally cost nothing are not refused because of their
// number, and flooding one number does not delay the others.

import { deepEqual, equal } from "./assert.ts";
import { change, listOf } from "./contact_calls.ts";
import { createTestDatabase } from "./database.ts";
import { limited, only } from "./limit_calls.ts";
import { ask, complete, tally, wrong } from "./passcode_calls.ts";
import { startService } from "./process.ts";
import { befriend, send, signUp } from "./service_client.ts";
import { ANN, BOB, CAT, eventually, friends, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { startProxy } from "./tcp_proxy.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, nth) => `+1415${600 + nth}0100`);

/** Names of the limits that count something at the moment. */
async function taken(t: TestApp): Promise<string[]> {
  const rows = await t.sql<{ name: string }[]>`
    select split_part(key, ' ', 1) as name
    from buckets
    where full_at > ${t.clock.now()}`;
  return rows.map(({ name }) => name);
}

Deno.test("120 people behind one address sign up at once, and none is refused", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const phones = numbers(120);
    deepEqual(tally(await Promise.all(phones.map((phone) => ask(t, "signup", phone)))), { ok: 120 });

    const completed = await Promise.all(
      phones.map((phone) => complete(t, "signup", { phone, passcode: t.codeFor(phone) })),
    );
    deepEqual(tally(completed), { ok: 120 });
    deepEqual(await taken(t), []);
  }, { env: { LIMITS: "" } }));

Deno.test("100 concurrent sends of one client_id make one message, with which all are answered", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    const send = () => t.send(ann, bob, "once", { client_id: "once" });
    // The lock lets none be stored before all are sent.
    const crowd = await Promise.all(
      await t.sql.begin(async (sql) => {
        await sql`lock table messages in share mode`;
        const sends = Array.from({ length: 100 }, send);
        await listOf(t, ann);
        return [sends];
      }).then(([sends]) => sends!),
    );
    deepEqual(tally(crowd), { ok: 100 });
    equal(new Set(crowd.map(({ body }) => body.messages[0].id)).size, 1);
    // Another text with the same client_id is still refused.
    const [one, other] = await Promise.all([
      t.send(ann, bob, "one", { client_id: "twice" }),
      t.send(ann, bob, "other", { client_id: "twice" }),
    ]);
    deepEqual([one.status, other.status].sort(), [200, 409]);
  }, { env: { LIMITS: "messages=60/m" } }));

Deno.test("a send that ends in 503 does not count against the limit of the next try", async () => {
  const database = await createTestDatabase();
  const { host, port, user, database: name } = database.address;
  const proxy = startProxy(`${host}/.s.PGSQL.${port}`);
  const service = await startService({
    env: {
      DATABASE_URL: `postgres://${user}@127.0.0.1:${proxy.port}/${name}`,
      JWT_SECRET: "a secret of thirty-two bytes or more",
      SMS_DRIVER: "console",
      LIMITS: only("messages", "2/d"),
    },
  });
  try {
    const { url } = service;
    const [ann, bob] = [await signUp(url, ANN), await signUp(url, BOB)];
    await befriend(url, ann, bob);
    equal((await send(url, ann, bob, "first")).status, 200);
    proxy.refuse();
    for (let time = 0; time < 3; time += 1) equal((await send(url, ann, bob, "second")).status, 503);
    proxy.resume();
    await eventually(async () => (await send(url, ann, bob, "second")).status === 200, 10_000);
    equal((await send(url, ann, bob, "third")).status, 429);
  } finally {
    await service.end("SIGTERM");
    proxy.close();
    await database.drop();
  }
});

Deno.test("requests within a gap and guesses at a burnt code are answered while the row of the number is locked", () =>
  withApp(async (t) => {
    t.clock.freeze();
    succeeded(await ask(t, "signup", ANN));
    const passcode = wrong(t.codeFor(ANN));
    for (let nth = 0; nth < 5; nth += 1) await complete(t, "signup", { phone: ANN, passcode });
    await t.sql.begin(async (sql) => {
      await sql`select 1 from passcodes where phone_number = ${ANN} for update`;
      const flood = Array.from({ length: 40 }, () => ask(t, "signup", ANN));
      const guesses = Array.from({ length: 40 }, () => complete(t, "signup", { phone: ANN, passcode }));
      succeeded(await ask(t, "signup", BOB));
      deepEqual(tally(await Promise.all(flood)), { rate_limited: 40 });
      deepEqual(tally(await Promise.all(guesses)), { too_many_attempts: 40 });
    });
  }));

Deno.test("reveal_address: once used up, it refuses friend requests, except to people already on the list", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const [one, two] = numbers(2);
    succeeded(await change(t, "request", bob, ANN));
    succeeded(await change(t, "request", ann, one!));

    for (const phone of [CAT, two!]) limited(await change(t, "request", ann, phone));
    refused(await change(t, "request", ann, one!), 409, "already_requested");
    succeeded(await change(t, "request", ann, BOB));
    refused(await change(t, "request", ann, BOB), 409, "already_friends");
  }, { env: { LIMITS: only("reveal_address", "1/d") } }));
