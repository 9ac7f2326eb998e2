// Phone numbers in requests and answers: every spelling is accepted, and one is written.

import { deepEqual, equal } from "./assert.ts";

import { ask, codesSent, complete, WAYS } from "./passcode_calls.ts";
import { ANN, BOB, eventually, refused, succeeded, withApp } from "./support.ts";

const SPELLINGS = [
  "+14155550101",
  "0014155550101",
  "14155550101",
  " 1 415 555 0101",
  "+1 (415) 555-0101",
  "1.415.555.0101",
];

Deno.test("every spelling of a number in a body is the same number", () =>
  withApp(async (t) => {
    for (const phone of SPELLINGS) {
      await t.sql`truncate users, passcodes cascade`;
      succeeded(await ask(t, "signup", phone));
      for (const other of SPELLINGS) refused(await ask(t, "signup", other), 429, "rate_limited");
      succeeded(await complete(t, "signup", { phone: SPELLINGS.at(-1)!, passcode: t.codeFor(ANN) }));
      refused(await ask(t, "signup", phone), 409, "already_registered");
    }
    equal(codesSent(t, ANN).length, SPELLINGS.length);
  }));

Deno.test("every spelling of a number in a path is the same number, with its plus as it is, escaped or decoded to a space", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    await t.send(ann, bob, "hello");
    for (const spelling of [...SPELLINGS, ...SPELLINGS.map(encodeURIComponent)]) {
      const { token } = bob;
      const path = spelling.replaceAll(" ", "%20");
      const contact = await t.call("GET", `/api/contacts/${path}`, { token });
      equal(contact.body.contacts[0].phone_number, ANN, spelling);
      const thread = await t.call("GET", `/api/messages/${path}`, { token });
      deepEqual([thread.body.messages[0].sender, thread.body.messages[0].receiver], [ANN, BOB], spelling);
    }
  }));

const NO_NUMBERS = [
  "",
  "+",
  "abc",
  "+0123456789",
  "+123456",
  "+1234567890123456",
  "4155550101x",
  "\u0661415555",
];

Deno.test("all four calls answer invalid_phone_number to a value that is no phone number", () =>
  withApp(async (t) => {
    for (const phone of NO_NUMBERS) {
      for (const way of WAYS) {
        refused(await ask(t, way, phone), 400, "invalid_phone_number");
        refused(await complete(t, way, { phone, passcode: "123456" }), 400, "invalid_phone_number");
      }
    }
  }));

Deno.test("a value that is no phone number is invalid_phone_number in a path too", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const path of ["abc", "+", "%2B0123456789", "123456", "%00", "%ff"]) {
      for (const call of ["contacts", "messages"]) {
        refused(await t.call("GET", `/api/${call}/${path}`, { token }), 400, "invalid_phone_number");
      }
    }
  }));

for (
  const [format, written] of [["e164", (phone: string) => phone], [
    "digits",
    (phone: string) => phone.slice(1),
  ]] as const
) {
  Deno.test(`numbers are written as ${format} in contacts, messages and events if PHONE_WIRE_FORMAT says so`, () =>
    withApp(async (t) => {
      const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
      await t.befriend(ann, bob);
      const socket = await t.socket(bob.token);
      const sent = await t.send(ann, bob, "hello");
      deepEqual([sent.body.messages[0].sender, sent.body.messages[0].receiver], [written(ANN), written(BOB)]);
      const { body } = await t.call("GET", "/api/contacts", { token: bob.token });
      equal(body.contacts[0].phone_number, written(ANN));

      await eventually(() => deepEqual(socket.told(), [`messages_updated ${written(ANN)}`]));
    }, { env: { PHONE_WIRE_FORMAT: format } }));
}
