// Invitations whose service is killed, or whose invitee signs up, at the worst moment.

import { deepEqual, equal, ok } from "./assert.ts";

import { connect, type Pool } from "../db/connection/database.ts";
import { change, listOf, statuses } from "./contact_calls.ts";
import { createTestDatabase } from "./database.ts";
import { invitations, join, numbers, PUBLIC_URL, withInvites } from "./invite_calls.ts";
import { twilioEnv } from "./passcode_calls.ts";
import { type Service, startService } from "./process.ts";
import { ask } from "./service_client.ts";
import { ANN, BOB, CAT, eventually, type Person, succeeded } from "./support.ts";
import { startTwilioDouble, type TwilioDouble } from "./twilio_double.ts";

interface Scene {
  twilio: TwilioDouble;
  sql: Pool;
  start: () => Promise<Service>;
}

/** Runs with services in their own processes, on one database and one double of Twilio; stops all of them. */
async function withProcesses(run: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const twilio = startTwilioDouble();
  const sql = connect(database.address, { max: 2 });
  const services: Service[] = [];
  const env = {
    ...twilioEnv(twilio),
    DATABASE_URL: database.url,
    JWT_SECRET: "a secret of thirty-two bytes or more",
    LIMITS: "off",
    PUBLIC_URL,
    TEST_PASSCODES: `${ANN}=111111,${BOB}=222222`,
  };
  const start = async () => {
    const service = await startService({ env });
    services.push(service);
    return service;
  };
  try {
    await run({ twilio, sql, start });
  } finally {
    for (const service of services) await service.end("SIGKILL").catch(() => {});
    await sql.end({ timeout: 1 });
    await twilio.close();
    await database.drop();
  }
}

/** Signs up with a code of TEST_PASSCODES. */
async function enter(url: string, phone: string, passcode: string): Promise<Person> {
  const json = { phone_number: phone };
  equal((await ask(`${url}/api/auth/signup`, "POST", undefined, json)).status, 200);
  const { status, body } = await ask(`${url}/api/auth/complete-signup`, "POST", undefined, {
    ...json,
    passcode,
  });
  equal(status, 200);
  return { phone, token: body.token };
}

async function request(url: string, me: Person, phone: string): Promise<number> {
  return (await ask(`${url}/api/contacts/request`, "PUT", me.token, { phone_number: phone })).status;
}

async function requestAgain(url: string, me: Person, phone: string): Promise<void> {
  equal((await ask(`${url}/api/contacts/delete`, "PUT", me.token, { phone_number: phone })).status, 200);
  equal(await request(url, me, phone), 200);
}

Deno.test("an invitation whose service is killed while sending it is never sent again, whatever is requested", () =>
  withProcesses(async ({ twilio, sql, start }) => {
    const first = await start();
    const [ann, bob] = [await enter(first.url, ANN, "111111"), await enter(first.url, BOB, "222222")];
    const held = Promise.withResolvers<Response>();
    twilio.answer(() => held.promise);
    const asking = request(first.url, ann, CAT).catch(() => "lost");
    await eventually(() => invitations(twilio).length === 1);
    await first.end("SIGKILL");
    held.resolve(Response.json({ sid: "SM1", status: "queued", error_code: null }, { status: 201 }));
    equal(await asking, "lost");

    const { url } = await start();
    const { body } = await ask(`${url}/api/contacts`, "GET", ann.token);
    deepEqual([body.contacts.length, body.contacts[0].status], [1, "requesting"]);
    await requestAgain(url, ann, CAT);
    equal(await request(url, bob, CAT), 200);
    equal(invitations(twilio).length, 1);
    deepEqual([...await sql`select sms from invites order by id`].map(({ sms }) => sms), [
      "sending",
      "withheld",
      "withheld",
    ]);
  }));

Deno.test("a service that is killed before it has decided on an invitation sends none, and the next request sends one", () =>
  withProcesses(async ({ twilio, sql, start }) => {
    const first = await start();
    const ann = await enter(first.url, ANN, "111111");
    // This lock blocks the decision on the invitation, and not the request.
    await sql.begin(async (lock) => {
      await lock`select id from users where phone_number = ${ANN} for no key update`;
      const asking = request(first.url, ann, CAT).catch(() => "lost");
      await eventually(async () =>
        (await sql`select 1 from contacts`).length > 0 &&
        (await sql`
          select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`).length > 0
      );
      await first.end("SIGKILL");
      equal(await asking, "lost");
    });
    deepEqual([invitations(twilio), [...await sql`select 1 from invites`]], [[], []]);

    const { url } = await start();
    await requestAgain(url, ann, CAT);
    equal(invitations(twilio, CAT).length, 1);
  }));

Deno.test("a signup that completes while its number is requested leaves one request for both, and at most one SMS", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    for (const phone of numbers(12)) {
      succeeded(await t.call("POST", "/api/auth/signup", { json: { phone_number: phone } }));
      const passcode = twilio.messages.findLast(({ to }) => to === phone)!.body.slice(0, 6);
      const [completed, requested] = await Promise.all([
        t.call("POST", "/api/auth/complete-signup", { json: { phone_number: phone, passcode } }),
        change(t, "request", ann, phone),
      ]);
      succeeded(completed);
      succeeded(requested);

      equal((await statuses(t, ann))[phone], "requesting");
      const waiting = await listOf(t, { phone, token: completed.body.token });
      deepEqual(waiting.map(({ phone_number, status }) => [phone_number, status]), [[ANN, "requested"]]);
      ok(invitations(twilio, phone).length <= 1);
    }
    deepEqual(t.log.filter((line) => line.includes('"ERROR"')), []);
  }));

Deno.test("a signup that completes while its invitation is being sent is recognised: the inviter sees joined", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const held = Promise.withResolvers<Response>();
    twilio.answer(() => held.promise);
    const asking = change(t, "request", ann, CAT);
    await eventually(() => invitations(twilio).length === 1);
    const cat = await join(t, twilio, CAT);
    held.resolve(Response.json({ sid: "SM1", status: "queued", error_code: null }, { status: 201 }));
    succeeded(await asking);

    deepEqual(await statuses(t, cat), { [ANN]: "requested" });
    const { body } = await t.call("GET", "/api/invites", { token: ann.token });
    equal(body.invites[0].status, "joined");
  }));
