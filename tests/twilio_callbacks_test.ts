import { setTimeout as delay } from "node:timers/promises";
import twilioSdk from "twilio";
import { deepEqual, equal, match, notEqual } from "./assert.ts";

import { invitations, invite, inviteStatuses, join, PUBLIC_URL, withInvites } from "./invite_calls.ts";
import { ask, complete, MINUTE_MS, twilioEnv } from "./passcode_calls.ts";
import {
  ANN,
  type Answer,
  BOB,
  CAT,
  eventually,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const TOKEN = twilioEnv({ baseUrl: "" } as never)["TWILIO_AUTH_TOKEN"]!;

interface Callback {
  path: string;
  form: Record<string, string>;
  /** The URL that Twilio signs; by default the one below PUBLIC_URL. */
  signedFor?: string;
  token?: string;
}

/** Calls as Twilio does, with a signature made by Twilio's own SDK. */
function callBack(t: TestApp, { path, form, signedFor = PUBLIC_URL + path, token = TOKEN }: Callback) {
  const signature = twilioSdk.getExpectedTwilioSignature(token, signedFor, form);
  const headers = { ...FORM, "x-twilio-signature": signature };
  return t.call("POST", path, { headers, raw: new URLSearchParams(form).toString() });
}

function tellStatus(t: TestApp, sid: string, status: string, more: Record<string, string> = {}) {
  const form = { MessageSid: sid, MessageStatus: status, AccountSid: "AC1", To: BOB, ...more };
  return callBack(t, { path: "/api/twilio/status", form });
}

function tellInbound(t: TestApp, from: string, body: string, more: Record<string, string> = {}) {
  return callBack(t, { path: "/api/twilio/inbound", form: { From: from, Body: body, ...more } });
}

function understood({ status, body }: Answer): void {
  deepEqual([status, body], [204, null]);
}

Deno.test("every SMS names the URL for status callbacks if PUBLIC_URL is one that Twilio can reach", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, BOB);
    const addresses = twilio.requests.map(({ form }) => form["StatusCallback"]);
    deepEqual(addresses, Array(2).fill(`${PUBLIC_URL}/api/twilio/status`));
    for (
      const url of [
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://10.0.0.8",
        "https://[::1]",
        "http://talk",
      ]
    ) {
      await withApp(async (here) => void await ask(here, "signup", CAT), {
        env: { ...twilioEnv(twilio), PUBLIC_URL: url },
      });
      equal("StatusCallback" in twilio.requests.at(-1)!.form, false, url);
    }
  }));

for (const status of ["undelivered", "failed"]) {
  Deno.test(`${status} marks an invitation undelivered, once, and the log says so without the number`, () =>
    withInvites(async (t, twilio) => {
      const ann = await join(t, twilio, ANN);
      await invite(t, ann, BOB);
      const sid = twilio.sids.at(-1)!;
      for (const earlier of ["queued", "sent", "delivered"]) understood(await tellStatus(t, sid, earlier));
      deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent" });

      for (let times = 0; times < 2; times += 1) {
        understood(await tellStatus(t, sid, status, { ErrorCode: "30003" }));
      }
      deepEqual(await inviteStatuses(t, ann), { [BOB]: "undelivered" });
      const lines = t.log.filter((line) => line.includes("SMS undelivered"));
      equal(lines.length, 1);
      match(lines[0]!, /"purpose":"invitation","provider_code":30003/);
      equal(t.log.join("").includes(BOB.slice(1)), false);
    }));

  Deno.test(`${status} of a passcode is logged once, and reported to the next request for a code only`, () =>
    withInvites(async (t, twilio) => {
      succeeded(await ask(t, "signup", BOB));
      for (let times = 0; times < 2; times += 1) {
        understood(await tellStatus(t, twilio.sids[0]!, status, { ErrorCode: "30005" }));
      }
      t.clock.advance(MINUTE_MS);
      equal((await ask(t, "signup", BOB)).body.last_delivery, "undelivered");
      equal(t.log.join("\n").match(/"purpose":"passcode","provider_code":30005/g)!.length, 1);

      t.clock.advance(2 * MINUTE_MS);
      // A report about the first SMS does not concern the second.
      understood(await tellStatus(t, twilio.sids[0]!, status));
      equal("last_delivery" in (await ask(t, "signup", BOB)).body, false);
    }));
}

Deno.test("a callback that arrives before Twilio's answer is recorded is not lost, for a passcode or an invitation", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const early: Promise<Answer>[] = [];
    const sids = ["SM1", "SM2"];
    twilio.answer(async () => {
      const sid = sids[early.length]!;
      early.push(tellStatus(t, sid, "undelivered", { ErrorCode: "30003" }));
      await delay(50);
      return Response.json({ sid, status: "queued" }, { status: 201 });
    }, 2);
    await invite(t, ann, BOB);
    succeeded(await ask(t, "signup", CAT));
    (await Promise.all(early)).forEach(understood);

    deepEqual(await inviteStatuses(t, ann), { [BOB]: "undelivered" });
    t.clock.advance(MINUTE_MS);
    equal((await ask(t, "signup", CAT)).body.last_delivery, "undelivered");
  }));

Deno.test("a START that arrives while an unknown SMS is still being looked up stays in force", () =>
  withInvites(async (t) => {
    const told = tellStatus(t, "SM404", "undelivered", { ErrorCode: "21610" });
    // The first lookup has blocked SMS to the number; two more follow.
    await eventually(async () => equal((await t.sql`select from suppressions`).length, 1));
    understood(await tellInbound(t, BOB, "START"));
    understood(await told);
    succeeded(await ask(t, "signup", BOB));
  }));

Deno.test("an undelivered passcode concerns only its number and purpose, and is forgotten once the code comes back", () =>
  withInvites(async (t, twilio) => {
    await join(t, twilio, ANN);
    succeeded(await ask(t, "signin", ANN));
    const passcode = twilio.messages.at(-1)!.body.slice(0, 6);
    understood(await tellStatus(t, twilio.sids.at(-1)!, "undelivered"));
    equal("last_delivery" in (await ask(t, "signup", BOB)).body, false);
    succeeded(await complete(t, "signin", { phone: ANN, passcode }));

    equal("last_delivery" in (await ask(t, "signin", ANN)).body, false);
  }));

Deno.test("an undelivered passcode is also reported if the next request makes a new code", () =>
  withInvites(async (t, twilio) => {
    succeeded(await ask(t, "signup", BOB));
    understood(await tellStatus(t, twilio.sids[0]!, "undelivered"));
    t.clock.advance(6 * MINUTE_MS);

    const { body } = await ask(t, "signup", BOB);
    deepEqual([body.last_delivery, body.expires_in], ["undelivered", 600]);
  }));

Deno.test("after a failed resend, the next request still reports the outcome of the SMS before it", () =>
  withInvites(async (t, twilio) => {
    succeeded(await ask(t, "signup", BOB));
    understood(await tellStatus(t, twilio.sids[0]!, "undelivered"));
    t.clock.advance(MINUTE_MS);
    twilio.answer({ status: 500, code: 20500 });
    refused(await ask(t, "signup", BOB), 500, "sms_failed");

    equal((await ask(t, "signup", BOB)).body.last_delivery, "undelivered");
  }));

Deno.test("an SMS undelivered because of STOP blocks all others, and the inviter sees it as sent", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, BOB);
    understood(await tellStatus(t, twilio.sids.at(-1)!, "failed", { ErrorCode: "21610" }));

    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent" });
    refused(await ask(t, "signup", BOB), 403, "sms_opted_out");
  }));

Deno.test("an SMS undelivered because of STOP blocks all others, even if it is not the latest one", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    succeeded(await ask(t, "signup", BOB));
    const first = twilio.sids.at(-1)!;
    t.clock.advance(2 * MINUTE_MS);
    succeeded(await ask(t, "signup", BOB));
    understood(await tellStatus(t, first, "failed", { ErrorCode: "21610" }));
    t.clock.advance(5 * MINUTE_MS);
    refused(await ask(t, "signup", BOB), 403, "sms_opted_out");
    const ofNobody = { ErrorCode: "21610", To: "nobody" };
    understood(await tellStatus(t, "SM00000000000000000000000000000000", "failed", ofNobody));
  }));

Deno.test("the status of an unknown SMS changes nothing", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, BOB);
    for (const sid of ["SM00000000000000000000000000000000", "", "SM\0", "x".repeat(1_000)]) {
      understood(await tellStatus(t, sid, "failed"));
    }
    understood(await callBack(t, { path: "/api/twilio/status", form: {} }));

    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent" });
    equal(t.log.some((line) => /SMS undelivered|ERROR/.test(line)), false);
  }));

for (const word of ["STOP", "StopAll", " unsubscribe\n", "Cancel", "END", "quit", "Revoke", "optout"]) {
  Deno.test(`an SMS with ${JSON.stringify(word)} stops every SMS to its sender, until START`, () =>
    withInvites(async (t) => {
      for (let times = 0; times < 2; times += 1) understood(await tellInbound(t, BOB, word));
      refused(await ask(t, "signup", BOB), 403, "sms_opted_out");
      for (const other of ["hello", "please start", "HELP"]) understood(await tellInbound(t, BOB, other));
      refused(await ask(t, "signup", BOB), 403, "sms_opted_out");

      for (let times = 0; times < 2; times += 1) understood(await tellInbound(t, BOB, "Start"));
      succeeded(await ask(t, "signup", BOB));
    }));
}

Deno.test("an SMS means what the messaging service took it for; otherwise only a word by itself is a command", () =>
  withInvites(async (t) => {
    understood(await tellInbound(t, BOB, "Alto", { OptOutType: "STOP" }));
    understood(await tellInbound(t, ANN, "STOP", { OptOutType: "" }));
    refused(await ask(t, "signup", ANN), 403, "sms_opted_out");
    refused(await ask(t, "signup", BOB), 403, "sms_opted_out");
    understood(await tellInbound(t, BOB, "Hola", { OptOutType: "START" }));
    for (const text of ["don't stop", "STOP it", "", "help"]) understood(await tellInbound(t, BOB, text));
    for (const from of ["", "12345", "nobody"]) understood(await tellInbound(t, from, "STOP"));
    understood(await tellInbound(t, CAT, "STOP", { OptOutType: "HELP" }));

    for (const phone of [BOB, CAT]) succeeded(await ask(t, "signup", phone));
  }));

for (const word of ["START", "yes", "Unstop"]) {
  Deno.test(`${word} ends a carrier's STOP, but not an opt-out on the page`, () =>
    withInvites(async (t, twilio) => {
      const ann = await join(t, twilio, ANN);
      await t.sql`
        insert into suppressions (phone_number, reason, created_at)
        values (${BOB}, 'carrier_stop', now()), (${BOB}, 'no_invitations', now())`;
      understood(await tellInbound(t, BOB, word));
      await invite(t, ann, BOB);

      deepEqual(invitations(twilio), []);
      succeeded(await ask(t, "signup", BOB));
    }));
}

Deno.test("a callback whose signature is not Twilio's for this address and form is refused and changes nothing", () =>
  withInvites(async (t) => {
    const path = "/api/twilio/inbound";
    const form = { From: BOB, Body: "STOP" };
    const forged = [
      { path, form, token: "another token" },
      { path, form, signedFor: `https://other.example${path}` },
      { path, form, signedFor: `${PUBLIC_URL}/api/twilio/status` },
      { path: `${path}?x=1`, form, signedFor: PUBLIC_URL + path },
    ];
    for (const callback of forged) refused(await callBack(t, callback), 403, "invalid_signature");
    const tooMany = Object.fromEntries(Array.from({ length: 201 }, (_, nth) => [`f${nth}`, "x"]));
    refused(await tellInbound(t, BOB, "STOP", tooMany), 403, "invalid_signature");
    for (const signature of [undefined, "", "nonsense", "\u00e4"]) {
      const headers = { ...FORM, ...(signature === undefined ? {} : { "x-twilio-signature": signature }) };
      for (const to of [path, "/api/twilio/status"]) {
        const raw = new URLSearchParams(form).toString();
        refused(await t.call("POST", to, { headers, raw }), 403, "invalid_signature");
      }
    }
    const signature = twilioSdk.getExpectedTwilioSignature(TOKEN, PUBLIC_URL + path, form);
    const headers = { ...FORM, "x-twilio-signature": signature };
    const raw = new URLSearchParams({ ...form, From: CAT }).toString();
    refused(await t.call("POST", path, { headers, raw }), 403, "invalid_signature");

    for (const phone of [BOB, CAT]) succeeded(await ask(t, "signup", phone));
  }));

Deno.test("a signature covers the query, and a form that has a field twice", () =>
  withInvites(async (t) => {
    const form = { From: BOB, Body: "STOP" };
    understood(await callBack(t, { path: "/api/twilio/inbound?from=a%20b&x=", form }));
    refused(await ask(t, "signup", BOB), 403, "sms_opted_out");
    const twice = { ...form, MediaUrl: ["b", "a"] };
    const signature = twilioSdk.getExpectedTwilioSignature(TOKEN, `${PUBLIC_URL}/api/twilio/inbound`, twice);
    const headers = { ...FORM, "x-twilio-signature": signature };
    const raw = `${new URLSearchParams(form)}&MediaUrl=b&MediaUrl=a`;
    understood(await t.call("POST", "/api/twilio/inbound", { headers, raw }));
  }));

Deno.test("a callback is a form of at most 64 KiB", () =>
  withInvites(async (t) => {
    for (const path of ["/api/twilio/status", "/api/twilio/inbound"]) {
      const json = await t.call("POST", path, { json: {} });
      refused(json, 415, "unsupported_media_type");
      const answer = await t.call("POST", path, { headers: FORM, raw: "x".repeat(65_537) });
      refused(answer, 413, "too_large");
      equal(answer.body.max_bytes, 65_536);
      refused(
        await t.call("POST", path, { headers: FORM, raw: "x".repeat(65_536) }),
        403,
        "invalid_signature",
      );
    }
  }));

Deno.test("with the console driver there are no callbacks", () =>
  withApp(async (t) => {
    for (const path of ["/api/twilio/status", "/api/twilio/inbound"]) {
      refused(await callBack(t, { path, form: { From: BOB, Body: "STOP" } }), 404, "not_found");
      notEqual((await t.call("GET", path)).status, 200);
    }
  }));
