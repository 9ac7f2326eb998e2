import type { PhoneNumber } from "../phone_number.ts";
import type { SmsSender } from "./sender.ts";

const KEPT_MAX = 1_000;

export interface SentSms {
  to: PhoneNumber;
  text: string;
  at: Date;
}

export interface ConsoleSms extends SmsSender {
  /** The latest 1,000, newest first; only those of one number if `to` is given. */
  sent(to?: PhoneNumber): SentSms[];
}

/**
 * Prints each SMS instead of sending it, so that the whole service runs on a laptop. Anybody who can read the
 * output can sign in.
 */
export function createConsoleSms(
  { print, now }: { print: (text: string) => void; now: () => Date },
): ConsoleSms {
  const kept: SentSms[] = [];
  return {
    paid: false,
    send(to, text) {
      kept.push({ to, text, at: now() });
      if (kept.length > KEPT_MAX) kept.shift();
      print(`SMS to ${to}\n${text}`);
      return Promise.resolve({ sent: true, provider_id: null });
    },
    sent: (to) => kept.filter((sms) => to === undefined || sms.to === to).reverse(),
  };
}
