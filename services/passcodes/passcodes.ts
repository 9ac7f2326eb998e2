// Sends passcodes. Of requests for one number and purpose that arrive in parallel, only one sends an SMS.
// `passcode_guesses.ts` redeems the codes.

import type { Sql } from "../../db/connection/database.ts";
import * as passcodes from "../../db/passcodes.ts";
import type { Purpose } from "../../db/passcodes.ts";
import { AppError } from "../errors.ts";
import { describeError, log } from "../log.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { WantedSms } from "../sms/budget.ts";
import type { SmsDispatch } from "../sms/dispatch.ts";
import { type Instead, insteadText, passcodeText } from "../sms/texts.ts";
import { languageOf } from "../texts/language.ts";
import { createRedeem, type RedeemOptions } from "./passcode_guesses.ts";
import { PASSCODE_LENGTH } from "./passcode_keys.ts";
import { isRepeatable, nextSendAt, secondsBetween, withSend } from "./passcode_rules.ts";

export interface PasscodesOptions extends RedeemOptions {
  sms: SmsDispatch;
  lifetimeMs: number;
  /** The host named in the SMS for autofill (WebOTP). */
  host: string;
}

export interface AskOptions {
  /** The client's address. */
  address: string;
  /**
   * A text to send instead of a code, at the same cost, so that the answer does not reveal which of the two
   * was sent.
   */
  instead?: Instead | null;
  /**
   * Called last, after everything that a send costs was taken; if it throws, all of that is undone. Also
   * called, with `willSend` false, if no SMS can be sent to this number.
   */
  judge?: (sql: Sql, willSend: boolean) => Promise<void>;
}

/** The answer to a request for a passcode. Times are in seconds. */
export interface PasscodeSent {
  expires_in: number;
  resend_in: number;
  code_length: number;
  /** Present if the previous SMS did not arrive. */
  last_delivery?: "undelivered";
}

export type Passcodes = ReturnType<typeof createPasscodes>;

export function createPasscodes(options: PasscodesOptions) {
  const { database, sms, budget, keys, now, lifetimeMs, host, testPasscodes } = options;

  /**
   * Sends a code. Before the SMS goes out, the wait until the next one starts and the limits are charged,
   * both or neither. If the SMS was refused, the wait is undone. The charges are undone too if it certainly
   * did not go out, all but that of the address.
   * @throws AppError rate_limited, sms_failed, sms_not_allowed, sms_opted_out, sms_disabled; and whatever
   * `judge` throws
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
      // An SMS would be refused in any case, so say why instead of charging for it.
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
          // An SMS that may have gone out may also have been paid for.
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

  /** The SMS has been sent, so a failure to record it must not look like a failed send. */
  async function noteSent(phone: PhoneNumber, purpose: Purpose, providerId: string | null): Promise<void> {
    try {
      const sent = { phone_number: phone, purpose, provider_id: providerId };
      await database.run((sql) => passcodes.markSent(sql, sent));
    } catch (error) {
      log.warn("SMS sent, but not recorded", describeError(error));
    }
  }

  /**
   * Records the send and returns its challenge, in one transaction with `settle`; if that throws, nothing is
   * recorded.
   */
  async function reserve(
    phone: PhoneNumber,
    purpose: Purpose,
    at: Date,
    settle: (sql: Sql, challenge: passcodes.Challenge) => Promise<void>,
  ): Promise<passcodes.Challenge> {
    // First without a lock, as for guesses.
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
 * @param now later than `at`, the time of the request, if this request had to wait for another one's lock;
 * that one's send is then later than `at`
 * @throws AppError rate_limited
 */
function refuseInGap({ sent_at }: passcodes.Challenge, at: Date, now: Date): void {
  const mayAt = nextSendAt(sent_at, at);
  if (mayAt > at) throw new AppError("rate_limited", { retryAfter: secondsBetween(now, mayAt) });
}
