// Asking for passcodes and redeeming them. Whatever arrives in parallel, an ask sends one SMS, a guess is paid for
// before it is compared, and a code lets in once.

import { type Database, type Sql } from "../db/database.ts";
import * as limits from "../db/limits.ts";
import * as passcodes from "../db/passcodes.ts";
import type { Purpose } from "../db/passcodes.ts";
import { AppError } from "./errors.ts";
import { describeError, log } from "./log.ts";
import { isSameCode, PASSCODE_LENGTH, type PasscodeKeys } from "./passcode_keys.ts";
import { ATTEMPTS_MAX, isRepeatable, nextSendAt, sendsOfTheDay, stateOf } from "./passcode_rules.ts";
import type { LimitKeys } from "./limits/keys.ts";
import type { Ask, Limiter } from "./limits/limiter.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { SmsBudget, WantedSms } from "./sms/budget.ts";
import type { SmsDispatch } from "./sms/dispatch.ts";
import { type Instead, insteadText, passcodeText } from "./sms/texts.ts";
import { languageOf } from "./texts/language.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const WRONG_PER_ADDRESS_MAX = 10;
const WRONG_PER_NUMBER_MAX = 30;

export interface PasscodesOptions {
  database: Database;
  sms: SmsDispatch;
  budget: SmsBudget;
  limiter: Limiter;
  /** Under these names wrong guesses are counted. */
  limitKeys: LimitKeys;
  keys: PasscodeKeys;
  now: () => Date;
  lifetimeMs: number;
  /** The host that the SMS names for autofill (WebOTP). */
  host: string;
  testPasscodes: ReadonlyMap<PhoneNumber, string>;
}

export interface Asking {
  /** Where it comes from. */
  address: string;
  /** Sent in place of a code, with all that one costs, to whoever may not be told from one who gets it. */
  instead?: Instead | null;
  /** Has the last word, when everything is taken that a send takes; what it throws undoes that. */
  judge?: (sql: Sql) => Promise<void>;
}

/** Seconds, all of them. */
export interface Asked {
  expires_in: number;
  resend_in: number;
  code_length: number;
  /** There where the SMS before this one did not arrive. */
  last_delivery?: "undelivered";
}

export type Passcodes = ReturnType<typeof createPasscodes>;

export function createPasscodes(options: PasscodesOptions) {
  const { database, sms, budget, limiter, limitKeys, keys, now, lifetimeMs, host, testPasscodes } = options;

  /**
   * Sends a code. The gap to the next ask and the costs, for the address of who asks, are taken before the SMS goes out,
   * both or neither, and given back when it did not.
   * @throws AppError rate_limited, sms_failed, sms_not_allowed, sms_opted_out, sms_disabled
   */
  async function ask(
    phone: PhoneNumber,
    purpose: Purpose,
    { address, instead = null, judge = () => Promise.resolve() }: Asking,
  ): Promise<Asked> {
    const at = now();
    const test = testPasscodes.get(phone);
    const refusal = test === undefined ? await sms.refusal(phone) : null;
    if (refusal) throw new AppError(refusal);

    const challenge = await reserve(phone, purpose, at, async (sql, { nonce }) => {
      if (test === undefined) await pay(sql, { to: phone, address, at, nonce });
      await judge(sql);
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
          await budget.giveBack(sql, { to: phone, address, at, nonce });
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
      const mayAt = nextSendAt(latest.sent_at, at);
      if (mayAt > at) throw new AppError("rate_limited", { retryAfter: secondsBetween(at, mayAt) });

      const repeat = isRepeatable(latest, at, lifetimeMs) && keys.derive(latest) !== null;
      const challenge = {
        ...(repeat ? latest : fresh),
        last_delivery: latest.last_delivery,
        sent_at: [...sendsOfTheDay(latest.sent_at, at), at],
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

  /**
   * Redeems a code: `use` runs in the transaction that uses it up, exactly once; `afterCommit` when that has happened.
   * @throws AppError invalid_passcode, passcode_expired, too_many_attempts
   */
  async function redeem<T>(
    { phone, purpose, passcode, address }: {
      phone: PhoneNumber;
      purpose: Purpose;
      passcode: string;
      address: string;
    },
    use: (sql: Sql) => Promise<T>,
    afterCommit: (result: T) => void = () => {},
  ): Promise<T> {
    const given = passcode.replaceAll(/[\s-]/g, "");
    const at = now();
    const windows = wrongGuesses(limitKeys, phone, address);
    const ofAddress = { limit: "passcode_address", of: address } as const;
    const seed = await spendAttempt({ phone, purpose, at, windows, ofAddress });
    const expected = testPasscodes.get(phone) ?? keys.derive({ phone_number: phone, purpose, ...seed });
    if (expected === null || !isSameCode(expected, given)) throw new AppError("invalid_passcode");

    const redeemed = await database.begin(async (sql) => {
      const used = await passcodes.useChallenge(sql, {
        phone_number: phone,
        purpose,
        nonce: seed.nonce,
        now: at,
      });
      // Right was also the code of who came second.
      for (const { key } of windows) await limits.giveBack(sql, key, at);
      await limiter.giveBack(sql, [ofAddress]);
      if (used) await budget.verified(sql, seed.nonce);
      return used && { result: await use(sql) };
    }, (redeemed) => redeemed && afterCommit(redeemed.result));
    if (!redeemed) throw new AppError("invalid_passcode");
    return redeemed.result;
  }

  /** Pays for one comparison: an attempt of the challenge, and a wrong guess until it has proved right. */
  async function spendAttempt(
    { phone, purpose, at, windows, ofAddress }: {
      phone: PhoneNumber;
      purpose: Purpose;
      at: Date;
      windows: limits.Window[];
      ofAddress: Ask;
    },
  ): Promise<{ nonce: Uint8Array; key_id: string }> {
    return await database.begin(async (sql) => {
      const challenge = await passcodes.lockChallenge(sql, phone, purpose);
      switch (stateOf(challenge, at)) {
        case "absent":
          throw new AppError("invalid_passcode");
        case "expired":
          throw new AppError("passcode_expired", { retryAfter: 1 });
        case "burnt": {
          const retryAfter = secondsBetween(at, nextSendAt(challenge!.sent_at, at));
          throw new AppError("too_many_attempts", { retryAfter });
        }
        case "live":
      }
      for (const window of windows) {
        if (await limits.takeOne(sql, window, at)) continue;
        const retryAfter = secondsBetween(at, await limits.roomAt(sql, window, at));
        throw new AppError("too_many_attempts", { retryAfter });
      }
      const { retryAfter } = await limiter.take(sql, [ofAddress], at);
      if (retryAfter !== null) throw new AppError("too_many_attempts", { retryAfter });
      const seed = await passcodes.takeAttempt(sql, {
        phone_number: phone,
        purpose,
        now: at,
        attemptsMax: ATTEMPTS_MAX,
      });
      return seed!;
    });
  }

  return { ask, redeem };
}

/** Both count over the purposes: a number is guessed at as a whole. In this order everywhere, so that none waits in a ring. */
function wrongGuesses(keys: LimitKeys, phone: PhoneNumber, address: string): limits.Window[] {
  return [
    { key: `wrong_passcode ${keys(phone)}`, max: WRONG_PER_NUMBER_MAX, ms: DAY_MS },
    { key: `wrong_passcode_address ${keys(`${phone} ${address}`)}`, max: WRONG_PER_ADDRESS_MAX, ms: DAY_MS },
  ];
}

/** Whole seconds, rounded up, at least 1: who waits that long has waited long enough. */
function secondsBetween(from: Date, to: Date): number {
  return Math.max(1, Math.ceil((to.getTime() - from.getTime()) / 1000));
}
