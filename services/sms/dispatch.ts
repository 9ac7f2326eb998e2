// Decides which SMS may be sent: the checks before each one, and what a refusal teaches about a number.

import type { Database } from "../../db/connection/database.ts";
import { isSuppressed, suppress } from "../../db/suppressions.ts";
import { log } from "../log.ts";
import { countryOf, isDiallable, type PhoneNumber, takesSms } from "../phone_number.ts";
import type { Countries } from "./config.ts";
import type { SmsOutcome, SmsRefusal, SmsSender } from "./sender.ts";

export interface SmsDispatch {
  /**
   * Whether this number gets an SMS: it is no test number, and for paid SMS they are enabled, and the number is
   * valid, in an allowed country and of a suitable kind of line.
   */
  isReachable(to: PhoneNumber): boolean;
  /** Why no passcode can be sent to this number, as far as that is known without trying; null if one can. */
  refusal(to: PhoneNumber): Promise<SmsRefusal | null>;
  send(to: PhoneNumber, text: string): Promise<SmsOutcome>;
}

export function createSmsDispatch(
  { database, sender, enabled, countries, testPasscodes, now }: {
    database: Database;
    sender: SmsSender;
    /** Whether paid SMS are sent at all. */
    enabled: boolean;
    countries: Countries;
    /** Test numbers, which get no SMS. */
    testPasscodes: ReadonlyMap<string, string>;
    now: () => Date;
  },
): SmsDispatch {
  const isServed = (country: string | null) =>
    countries === "*" || (country !== null && countries.includes(country));

  function isReachable(to: PhoneNumber): boolean {
    if (testPasscodes.has(to)) return false;
    // Our metadata lags behind the numbering plans, so it is only used where money is at stake.
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
      // Checked again here, whatever callers have checked: all paid SMS pass this line.
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
