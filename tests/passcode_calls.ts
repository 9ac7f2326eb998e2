// Helpers for the four calls of passcodes.

import { type Answer, type TestApp, type TestOptions, withApp } from "./support.ts";
import { startTwilioDouble, type TwilioDouble } from "./twilio_double.ts";

export type Way = "signup" | "signin";

export const WAYS: readonly Way[] = ["signup", "signin"];

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** Behind one proxy, so that a test can choose the address of a guess. */
export const BEHIND_PROXY = { env: { TRUSTED_PROXY_COUNT: "1" } };

export function ask(t: TestApp, way: Way, phone: string): Promise<Answer> {
  return t.call("POST", `/api/auth/${way}`, { json: { phone_number: phone } });
}

export function complete(
  t: TestApp,
  way: Way,
  { phone, passcode, address, ...more }: {
    phone: string;
    passcode: string;
    address?: string;
    device?: string;
  },
): Promise<Answer> {
  return t.call("POST", `/api/auth/complete-${way}`, {
    json: { phone_number: phone, passcode, ...more },
    headers: address === undefined ? {} : { "x-forwarded-for": address },
  });
}

/** A wrong passcode, a different one for each `nth` below a million. */
export function wrong(passcode: string, nth = 1): string {
  return String((Number(passcode) + nth) % 1_000_000).padStart(6, "0");
}

/** The passcodes that were sent to a number, oldest first. */
export function codesSent(t: TestApp, phone: string): string[] {
  return t.services.console!.sent().filter(({ to, text }) => to === phone && /^\d{6} /.test(text))
    .map(({ text }) => text.slice(0, 6)).reverse();
}

/** Counts answers by error code; successes count as `ok`. */
export function tally(answers: Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { body } of answers) counts[body.code ?? "ok"] = (counts[body.code ?? "ok"] ?? 0) + 1;
  return counts;
}

/** Runs a test against a service that sends through a double of Twilio. */
export async function withTwilio(
  run: (t: TestApp, twilio: TwilioDouble) => Promise<void>,
  env: Record<string, string> = {},
  options: Omit<TestOptions, "env"> = {},
): Promise<void> {
  const twilio = startTwilioDouble();
  try {
    await withApp((t) => run(t, twilio), { ...options, env: { ...twilioEnv(twilio), ...env } });
  } finally {
    await twilio.close();
  }
}

export function twilioEnv(twilio: TwilioDouble): Record<string, string> {
  return {
    SMS_DRIVER: "twilio",
    TWILIO_ACCOUNT_SID: "AC0123456789abcdef0123456789abcdef",
    TWILIO_AUTH_TOKEN: "a token of nobody",
    TWILIO_PHONE_NUMBER: "+14155550100",
    TWILIO_API_BASE_URL: twilio.baseUrl,
    SMS_COUNTRIES: "US",
  };
}
