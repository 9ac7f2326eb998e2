import { isSupportedCountry } from "libphonenumber-js/max";

import type { Environment } from "../environment.ts";
import { likelyCountryOf, parsePhoneNumber, type PhoneNumber } from "../phone_number.ts";

export interface TwilioConfig {
  driver: "twilio";
  accountSid: string;
  authToken: string;
  from: { phoneNumber: PhoneNumber } | { messagingServiceSid: string };
  /** Replaces https://api.twilio.com; may have a path, has no trailing slash. */
  apiBaseUrl: string | null;
}

export type SmsConfig = { driver: "console" } | TwilioConfig;

/** ISO 3166-1 codes. */
export type Countries = "*" | readonly string[];

const CREDENTIALS = [
  "TWILIO_ACCOUNT_SID",
  "TWILIO_AUTH_TOKEN",
  "TWILIO_PHONE_NUMBER",
  "TWILIO_MESSAGING_SERVICE_SID",
];

/** Any of Twilio's variables makes the others required. A bad value is refused even if it is not needed. */
export function readSms(env: Environment): SmsConfig {
  const byPresence = CREDENTIALS.some((name) => env.text(name) !== null) ? "twilio" : "console";
  const driver = env.oneOf("SMS_DRIVER", ["console", "twilio"], byPresence);
  const sidWanted = (prefix: string) => `Must be ${prefix} followed by letters, digits, - or _`;
  env.matching("TWILIO_ACCOUNT_SID", /^AC[\w-]+$/, sidWanted("AC"));
  const messagingServiceSid = env.matching(
    "TWILIO_MESSAGING_SERVICE_SID",
    /^MG[\w-]+$/,
    sidWanted("MG"),
  );
  const phoneNumber = readPhoneNumber(env);
  const apiBaseUrl = readApiBaseUrl(env);
  if (driver === "console") return { driver };

  const because = "Twilio needs it to send SMS";
  const accountSid = env.required("TWILIO_ACCOUNT_SID", because);
  const authToken = env.required("TWILIO_AUTH_TOKEN", because);
  if (env.text("TWILIO_PHONE_NUMBER") === null && env.text("TWILIO_MESSAGING_SERVICE_SID") === null) {
    env.refuse("TWILIO_PHONE_NUMBER", "Is missing, and so is TWILIO_MESSAGING_SERVICE_SID: set one of them");
  }
  // A messaging service has its own numbers, so it takes precedence.
  const from = messagingServiceSid === null && phoneNumber !== null
    ? { phoneNumber }
    : { messagingServiceSid: messagingServiceSid ?? "" };
  return { driver, accountSid, authToken, from, apiBaseUrl };
}

function readPhoneNumber(env: Environment): PhoneNumber | null {
  const given = env.text("TWILIO_PHONE_NUMBER");
  const phoneNumber = given === null ? null : parsePhoneNumber(given);
  if (given !== null && phoneNumber === null) {
    env.refuse("TWILIO_PHONE_NUMBER", "Must be a phone number such as +14155550123");
  }
  return phoneNumber;
}

function readApiBaseUrl(env: Environment): string | null {
  const wanted = "Must be an http:// or https:// URL without a user, a query or a fragment";
  const text = env.matching("TWILIO_API_BASE_URL", /^https?:\/\/[^?#@\s]+$/i, wanted);
  if (text === null) return null;
  if (!URL.canParse(text)) env.refuse("TWILIO_API_BASE_URL", wanted);
  return text.replace(/\/+$/, "");
}

/** Countries that paid SMS may go to; by default the country of our own number. */
export function readSmsCountries(env: Environment, sms: SmsConfig): Countries {
  const codes = env.list("SMS_COUNTRIES").map((code) => code.toUpperCase());
  if (codes.length === 1 && codes[0] === "*") return "*";
  const unknown = codes.filter((code) => !isSupportedCountry(code));
  if (unknown.length > 0) {
    const wanted = 'Must be "*" or ISO 3166-1 codes such as US,DE';
    env.refuse("SMS_COUNTRIES", `${wanted}, not ${unknown.map((code) => JSON.stringify(code)).join(", ")}`);
  }
  if (codes.length > 0) return codes;
  if (sms.driver === "console") return "*";
  const home = "phoneNumber" in sms.from ? likelyCountryOf(sms.from.phoneNumber) : null;
  // An invalid number has no country either, and was already reported.
  if (home === null && !env.problems.some((problem) => problem.startsWith("TWILIO_PHONE_NUMBER:"))) {
    env.refuse("SMS_COUNTRIES", 'Is missing, and the sender has no country: set codes such as US,DE or "*"');
  }
  return home === null ? [] : [home];
}

/**
 * Reads `+1234567890=654321,...`. Problems name the position in the list, never the number or its passcode.
 */
export function readTestPasscodes(env: Environment): ReadonlyMap<PhoneNumber, string> {
  const passcodes = new Map<PhoneNumber, string>();
  env.list("TEST_PASSCODES").forEach((entry, index) => {
    const [number = "", passcode = "", ...rest] = entry.split("=").map((part) => part.trim());
    const phoneNumber = parsePhoneNumber(number);
    if (phoneNumber === null || !/^[0-9]{6}$/.test(passcode) || rest.length > 0) {
      env.refuse("TEST_PASSCODES", `Must be number=passcode with six digits, and entry ${index + 1} is not`);
    } else if (passcodes.has(phoneNumber)) {
      env.refuse("TEST_PASSCODES", `Must name each number once, and entry ${index + 1} repeats one`);
    } else passcodes.set(phoneNumber, passcode);
  });
  return passcodes;
}
