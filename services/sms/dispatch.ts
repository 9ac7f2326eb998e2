// What may be sent to whom: the checks that stand before every SMS, and what is learnt from a refused one.

import type { Database } from "../../db/connection/database.ts";
import { isSuppressed, suppress } from "../../db/suppressions.ts";
import { log } from "../log.ts";
import { countryOf, isDiallable, type PhoneNumber, takesSms } from "../phone_number.ts";
import type { Countries } from "./config.ts";
import type { SmsOutcome, SmsRefusal, SmsSender } from "./sender.ts";

export interface SmsDispatch {
  /** Whether an SMS may go to this number: it needs one, and where that costs money its country and kind of line are right. */
  isReachable(to: PhoneNumber): boolean;
  /** Why no passcode may go to this number, known without trying. */
  refusal(to: PhoneNumber): Promise<SmsRefusal | null>;
  send(to: PhoneNumber, text: string): Promise<SmsOutcome>;
}

export function createSmsDispatch(
  { database, sender, enabled, countries, testPasscodes, now }: {
    database: Database;
    sender: SmsSender;
    /** Whether SMS that cost money are sent at all. */
    enabled: boolean;
    countries: Countries;
    /** Numbers that need no SMS, and get none. */
    testPasscodes: ReadonlyMap<string, string>;
    now: () => Date;
  },
): SmsDispatch {
  const isServed = (country: string | null) =>
    countries === "*" || (country !== null && countries.includes(country));

  function isReachable(to: PhoneNumber): boolean {
    if (testPasscodes.has(to)) return false;
    // Local metadata lags behind the numbering plans, so it guards money only.
    if (!sender.paid) return true;
    if (!enabled) return false;
    return takesSms(to) && isDiallable(to) && isServed(countryOf(to));
  }

  return {
    isReachable,

    async refusal(to) {
      if (sender.paid && !enabled) return "sms_disabled";
      if (await database.run((sql) => isSuppressed(sql, to))) return "sms_opted_out";
      return isReachable(to) ? null : "sms_not_allowed";
    },

    async send(to, text) {
      // Whoever asked before: what is paid for goes out by this line and no other.
      if (sender.paid && !enabled) {
        return { sent: false, refusal: "sms_disabled", provider_code: null, perhaps: "no" };
      }
      const outcome = await sender.send(to, text);
      if (outcome.sent) return outcome;
      log.warn("SMS not sent", { refusal: outcome.refusal, provider_code: outcome.provider_code });
      if (outcome.refusal === "sms_opted_out") {
        await database.run((sql) => suppress(sql, to, "carrier_stop", now()));
      }
      return outcome;
    },
  };
}
