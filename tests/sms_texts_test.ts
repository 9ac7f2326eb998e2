import fc from "fast-check";
import { deepEqual, equal, match, ok } from "./assert.ts";

import type { PhoneNumber } from "../services/phone_number.ts";
import {
  deviceInviteText,
  gsm7Septets,
  HOST_LENGTH_MAX,
  insteadText,
  inviteText,
  passcodeText,
  SEGMENT_SEPTETS,
} from "../services/sms/texts.ts";
import { languageOf, LANGUAGES } from "../services/texts/language.ts";
import { invitations, invite, join, withInvites } from "./invite_calls.ts";
import { ANN, BOB } from "./support.ts";

const LONGEST_NUMBER = "+123456789012345" as PhoneNumber;
const host = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."abcxyz0189-."), minLength: 1, maxLength: HOST_LENGTH_MAX }),
  fc.constantFrom("x".repeat(HOST_LENGTH_MAX), "[2001:db8:1111:2222:3333:4444:5555:6666]"),
);
const token = fc.string({ unit: fc.constantFrom(..."AZaz09-_"), minLength: 22, maxLength: 22 });

function isOneSegment(text: string): void {
  const septets = gsm7Septets(text);
  ok(septets !== null && septets <= SEGMENT_SEPTETS, `${septets} septets: ${text}`);
}

for (const language of LANGUAGES) {
  Deno.test(`every SMS in ${language} is one GSM-7 segment with the longest host, port and number`, () => {
    fc.assert(fc.property(host, token, (host, token) => {
      const url = `https://${host}:65535/i/${token}`;
      isOneSegment(passcodeText("987654", host, language));
      isOneSegment(inviteText(LONGEST_NUMBER, url, language));
      isOneSegment(deviceInviteText(url, language));
      isOneSegment(insteadText("sign_in", language));
      isOneSegment(insteadText("sign_up", language));
    }));
  });

  Deno.test(`an invitation in ${language} says who asks, where to go and how to opt out`, () => {
    const text = inviteText(LONGEST_NUMBER, "https://talk.example/i/x", language);
    match(text, /^\+123456789012345 \S.* PuffinTalk: https:\/\/talk\.example\/i\/x .*\bSTOP$/);
  });

  Deno.test(`a passcode in ${language} comes first and again in the WebOTP line, and names the service`, () => {
    match(
      passcodeText("012345", "talk.example", language),
      /^012345 \S.*\bPuffinTalk\b.*\. \S.*\.\n\n@talk\.example #012345$/,
    );
  });
}

Deno.test("languageOf() is Spanish for numbers of countries where it is spoken, and English everywhere else", () => {
  const spanish = [
    "+34612345678",
    "+525512345678",
    "+5491123456789",
    "+573001234567",
    "+17875550123",
    "+59899123456",
  ];
  const english = ["+14155550101", "+447400123456", "+5511987654321", "+4915112345678", "+9991234567"];
  deepEqual(spanish.map((phone) => languageOf(phone as PhoneNumber)), spanish.map(() => "es"));
  deepEqual(english.map((phone) => languageOf(phone as PhoneNumber)), english.map(() => "en"));
});

Deno.test("passcodes and invitations are sent in the language of the number that gets them", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const [madrid, barcelona] = ["+34612345678", "+34612345679"] as const;
    match(twilio.messages[0]!.body, /is your PuffinTalk code/);
    await invite(t, ann, BOB);
    await invite(t, ann, madrid);
    match(invitations(twilio, BOB)[0]!.body, /invites you/);
    match(invitations(twilio, madrid)[0]!.body, /te invita/);

    await join(t, twilio, barcelona);
    match(twilio.messages.at(-1)!.body, /es tu clave de PuffinTalk/);
    equal(twilio.messages.every(({ body }) => (gsm7Septets(body) ?? 999) <= SEGMENT_SEPTETS), true);
  }, { SMS_COUNTRIES: "US,ES" }));
