// Asking for passcodes. Whatever arrives in parallel, an ask sends one SMS; what becomes of its code is in
// passcode_guesses.ts.

import type { Sql } from "../../db/connection/database.ts";
import * as passcodes from "../../db/passcodes.ts";
import type { Purpose } from "../../db/passcodes.ts";
import { AppError } from "../errors.ts";
import { describeError, log } from "../log.ts";
import { createRedeem, type RedeemOptions } from "./passcode_guesses.ts";
import { PASSCODE_LENGTH } from "./passcode_keys.ts";
import { isRepeatable, nextSendAt, secondsBetween, withSend } from "./passcode_rules.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { WantedSms } from "../sms/budget.ts";
import type { SmsDispatch } from "../sms/dispatch.ts";
import { type Instead, insteadText, passcodeText } from "../sms/texts.ts";
import { languageOf } from "../texts/language.ts";

export interface PasscodesOptions extends RedeemOptions {
  sms: SmsDispatch;
  lifetimeMs: number;
  /** The host that the SMS names for autofill (WebOTP). */
  host: string;
}

export interface AskOptions {
  /** Where it comes from. */
  address: string;
  /** Sent in place of a code and at its cost, to whoever must not be told from one who gets a code. */
  instead?: Instead | null;
  /**
   * Has the last word, when everything is taken that a send takes; what it throws undoes that. Also where nothing will be
   * sent, whoever it is.
   */
  judge?: (sql: Sql, willSend: boolean) => Promise<void>;
}

/** What an ask is answered with; times in seconds. */
export interface PasscodeSent {
  expires_in: number;
  resend_in: number;
  code_length: number;
  /** Present where the SMS before this one did not arrive. */
  last_delivery?: "undelivered";
}

export type Passcodes = ReturnType<typeof createPasscodes>;

export function createPasscodes(options: PasscodesOptions) {
  const { database, sms, budget, keys, now, lifetimeMs, host, testPasscodes } = options;

  /**
   * Sends a code. The gap to the next ask and the costs, for the address of who asks, are taken before the SMS goes out,
   * both or neither, and given back when it did not.
   * @throws AppError rate_limited, sms_failed, sms_not_allowed, sms_opted_out, sms_disabled
   */
  async function ask(
    phone: PhoneNumber,
    purpose: Purpose,
    { address, instead = null, judge = () => Promise.resolve() }: AskOptions,
  ): Promise<PasscodeSent> {
    const at = now();
    const test = testPasscodes.get(phone);
    const refusal = test === undefined ? await sms.refusal(phone) : null;
    if (refusal) {
      // Who would be refused anyway is told why: no SMS is kept from him.
      await database.begin((sql) => judge(sql, false));
      throw new AppError(refusal);
    }

    const challenge = await reserve(phone, purpose, at, async (sql, { nonce }) => {
      if (test === undefined) await pay(sql, { to: phone, address, at, nonce });
      await judge(sql, true);
    });
    const code = test ?? keys.derive(challenge);
    if (test === undefined) {
      const language = languageOf(phone);
      const text = instead ? insteadText(instead, language) : passcodeText(code!, host, language);
      const outcome = await sms.send(phone, text);
      if (!outcome.sent) {
        const { nonce } = challenge;
        await database.begin(async (sql) => {
          await passcodes.releaseSend(sql, { phone_number: phone, purpose, at });
          // What may have been sent has perhaps been paid for.
          if (outcome.perhaps === "no") {
            await budget.giveBack(sql, { to: phone, address, at, nonce }, "all but the address's");
          }
        });
        throw new AppError(outcome.refusal);
      }
      await noteSent(phone, purpose, outcome.provider_id);
    }
    const sentAt = now();
    return {
      expires_in: secondsBetween(sentAt, challenge.expires_at),
      resend_in: secondsBetween(sentAt, nextSendAt(challenge.sent_at, at)),
      code_length: PASSCODE_LENGTH,
      ...(challenge.last_delivery === "undelivered" ? { last_delivery: "undelivered" } : {}),
    };
  }

  /** The SMS is out: what cannot be noted about it must not look like a failure of it. */
  async function noteSent(phone: PhoneNumber, purpose: Purpose, providerId: string | null): Promise<void> {
    try {
      const sent = { phone_number: phone, purpose, provider_id: providerId };
      await database.run((sql) => passcodes.markSent(sql, sent));
    } catch (error) {
      log.warn("SMS not noted", describeError(error));
    }
  }

  /** What `settle` throws undoes it. */
  async function reserve(
    phone: PhoneNumber,
    purpose: Purpose,
    at: Date,
    settle: (sql: Sql, challenge: passcodes.Challenge) => Promise<void>,
  ): Promise<passcodes.Challenge> {
    // Without a lock at first, as with guesses.
    const seen = await database.run((sql) => passcodes.findChallenge(sql, phone, purpose));
    if (seen) refuseInGap(seen, at, now());
    return await database.begin(async (sql) => {
      const fresh: passcodes.Challenge = {
        phone_number: phone,
        purpose,
        nonce: crypto.getRandomValues(new Uint8Array(16)),
        key_id: keys.currentId,
        attempts: 0,
        expires_at: new Date(at.getTime() + lifetimeMs),
        used_at: null,
        sent_at: [],
        last_delivery: null,
      };
      await passcodes.ensureChallenge(sql, { ...fresh, used_at: at });
      const latest = (await passcodes.lockChallenge(sql, phone, purpose))!;
      refuseInGap(latest, at, now());

      const repeat = isRepeatable(latest, at, lifetimeMs) && keys.derive(latest) !== null;
      const challenge = {
        ...(repeat ? latest : fresh),
        last_delivery: latest.last_delivery,
        sent_at: withSend(latest.sent_at, at),
      };
      await passcodes.saveChallenge(sql, challenge);
      await settle(sql, challenge);
      return challenge;
    });
  }

  async function pay(sql: Sql, sms: WantedSms): Promise<void> {
    const retryAfter = await budget.take(sql, sms);
    if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
  }

  return { ask, ...createRedeem(options) };
}

/**
 * @param now may be later than `at`, when the ask came: a send that this one waited for came after it
 * @throws AppError rate_limited
 */
function refuseInGap({ sent_at }: passcodes.Challenge, at: Date, now: Date): void {
  const mayAt = nextSendAt(sent_at, at);
  if (mayAt > at) throw new AppError("rate_limited", { retryAfter: secondsBetween(now, mayAt) });
}
