import fc from "fast-check";
import { equal, notEqual } from "./assert.ts";

import {
  countryOf,
  isDiallable,
  likelyCountryOf,
  maskPhoneNumber,
  parsePhoneNumber,
  parseTypedNumber,
  type PhoneNumber,
} from "../services/phone_number.ts";

const digits = fc.tuple(
  fc.constantFrom(..."123456789"),
  fc.array(fc.constantFrom(..."0123456789"), { minLength: 6, maxLength: 14 }),
).map(([first, rest]) => first + rest.join(""));
const prefix = fc.constantFrom("+", "00", "", " ", "(+", "0 0");
const separator = fc.constantFrom("", "", "", " ", "-", ".", "(", ")");
const spelling = fc.tuple(digits, prefix, fc.array(separator, { minLength: 15, maxLength: 15 }))
  .map(([number, before, between]) => ({
    number,
    text: before + [...number].map((digit, index) => digit + between[index]).join(""),
  }));

Deno.test("parsePhoneNumber() brings every spelling of a number to one form", () => {
  fc.assert(fc.property(spelling, ({ number, text }) => equal(parsePhoneNumber(text), `+${number}`)));
});

Deno.test("parsePhoneNumber() leaves its own result as it is", () => {
  fc.assert(fc.property(spelling, ({ text }) => {
    const once = parsePhoneNumber(text);
    equal(parsePhoneNumber(once ?? ""), once);
    notEqual(once, null);
  }));
});

Deno.test("parsePhoneNumber() never throws, and what it accepts is E.164", () => {
  const nearly = fc.string({ unit: fc.constantFrom(..."+01239 -.()x\u0661"), maxLength: 20 });
  fc.assert(fc.property(fc.oneof(nearly, fc.string({ unit: "binary" })), (text) => {
    const phoneNumber = parsePhoneNumber(text);
    if (phoneNumber !== null) equal(/^\+[1-9][0-9]{6,14}$/.test(phoneNumber), true);
  }));
});

const SPELLINGS = [
  ["+14155550123", "+14155550123"],
  ["0014155550123", "+14155550123"],
  ["14155550123", "+14155550123"],
  [" 14155550123", "+14155550123"],
  ["+1 (415) 555-01.23", "+14155550123"],
  ["1234567", "+1234567"],
  ["123456789012345", "+123456789012345"],
  ["+1\u00a0415\u202f555\u00a00123", "+14155550123"],
  ["\u202d+1 (415) 555\u20110123\u202c", "+14155550123"],
  ["+1 415 555\u20130123", "+14155550123"],
  ["+33 (0)6 12 34 56 78", "+330612345678"],
] as const;

for (const [text, phoneNumber] of SPELLINGS) {
  Deno.test(`parsePhoneNumber() reads ${JSON.stringify(text)} as ${phoneNumber}`, () => {
    equal(parsePhoneNumber(text), phoneNumber);
  });
}

Deno.test("parseTypedNumber() reads the same spellings, except those with a 0 that may not belong to the number", () => {
  for (const text of ["+44 (0)7700 900123", "0033( 0 )612345678", "+39 (\u00a00)6 123456"]) {
    equal(parseTypedNumber(text), null);
  }
  for (const [text, phoneNumber] of SPELLINGS) {
    if (!text.includes("(0)")) equal(parseTypedNumber(text), phoneNumber);
  }
});

const REFUSED = {
  "the empty text": "",
  "separators alone": " -.()",
  "a plus sign alone": "+",
  "six digits": "123456",
  "sixteen digits": "1234567890123456",
  "a national number": "04155550123",
  "a plus sign before 00": "+0014155550123",
  "three zeros": "00014155550123",
  "two plus signs": "++14155550123",
  "a plus sign in the middle": "1+4155550123",
  "a plus sign at the end": "14155550123+",
  "letters": "+1415555CALL",
  "an extension": "+14155550123x9",
  "a slash": "+1415/5550123",
  "a tab": "+1415\t5550123",
  "a line feed at the end": "+14155550123\n",
  "digits that are not ASCII": "+1415555012\u0663",
  "NUL": "+14155550123\0",
  "more than 64 characters": `+14155550123${" ".repeat(53)}`,
};

for (const [name, text] of Object.entries(REFUSED)) {
  Deno.test(`parsePhoneNumber() refuses ${name}`, () => equal(parsePhoneNumber(text), null));
}

Deno.test("parsePhoneNumber() accepts 64 characters", () => {
  equal(parsePhoneNumber(`+14155550123${" ".repeat(52)}`), "+14155550123");
});

Deno.test("maskPhoneNumber() shows two digits at either end", () => {
  equal(maskPhoneNumber(phone("+14155550123")), "+14****23");
});

Deno.test("maskPhoneNumber() hides three digits or more, and their number", () => {
  fc.assert(fc.property(digits, (number) => {
    const masked = maskPhoneNumber(phone(`+${number}`));
    equal(masked.length, 9);
    equal(masked.replace(/[^0-9]/g, "").length <= number.length - 3, true);
  }));
});

Deno.test("countryOf() distinguishes the countries of one dial code", () => {
  equal(countryOf(phone("+12125551234")), "US");
  equal(countryOf(phone("+16135550123")), "CA");
  equal(countryOf(phone("+4915123456789")), "DE");
});

Deno.test("countryOf() is null outside every numbering plan and for numbers of no country", () => {
  equal(countryOf(phone("+999123456789")), null);
  equal(countryOf(phone("+80012345678")), null);
});

Deno.test("likelyCountryOf() goes by the dial code if the number is in no numbering plan, and is null without one", () => {
  equal(likelyCountryOf(phone("+16135550123")), "CA");
  equal(likelyCountryOf(phone("+15551234567")), "US");
  equal(likelyCountryOf(phone("+4400000000")), "GB");
  equal(likelyCountryOf(phone("+999123456789")), null);
  equal(likelyCountryOf(phone("+80012345678")), null);
});

Deno.test("isDiallable() goes by the numbering plan, with Twilio's test numbers inside it", () => {
  equal(isDiallable(phone("+14155552671")), true);
  equal(isDiallable(phone("+15005550006")), true);
  equal(isDiallable(phone("+1234567890")), false);
  equal(isDiallable(phone("+999123456789")), false);
  equal(isDiallable(phone("+33612345678")), true);
  for (const trunk of ["+33 (0)6 12 34 56 78", "+49 0151 12345678", "+55 021 98765-4321"]) {
    equal(isDiallable(phone(trunk)), false, trunk);
  }
});

function phone(text: string): PhoneNumber {
  const phoneNumber = parsePhoneNumber(text);
  if (phoneNumber === null) throw new Error(`Cannot read phone number "${text}"`);
  return phoneNumber;
}
