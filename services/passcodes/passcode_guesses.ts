// Redeems passcodes. Even for guesses that arrive in parallel, each is paid for before it is compared, and a
// code lets in only once.

import type { Database, Sql } from "../../db/connection/database.ts";
import * as passcodes from "../../db/passcodes.ts";
import type { Purpose } from "../../db/passcodes.ts";
import * as counts from "../../db/windows.ts";
import { AppError } from "../errors.ts";
import type { Ask } from "../limits/ask.ts";
import type { LimitKeys } from "../limits/keys.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { SmsBudget } from "../sms/budget.ts";
import { isSameCode, type PasscodeKeys } from "./passcode_keys.ts";
import { ATTEMPTS_MAX, nextSendAt, secondsBetween, stateOf } from "./passcode_rules.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const WRONG_PER_ADDRESS_MAX = 10;
const WRONG_PER_NUMBER_MAX = 30;

export interface RedeemOptions {
  database: Database;
  budget: SmsBudget;
  limiter: Limiter;
  /** Makes the keys under which wrong guesses are counted. */
  limitKeys: LimitKeys;
  keys: PasscodeKeys;
  now: () => Date;
  testPasscodes: ReadonlyMap<PhoneNumber, string>;
}

/** A passcode that was returned, and the client's address. */
interface Guess {
  phone: PhoneNumber;
  purpose: Purpose;
  passcode: string;
  address: string;
}

export function createRedeem(
  { database, budget, limiter, limitKeys, keys, now, testPasscodes }: RedeemOptions,
) {
  /**
   * Redeems a code: `use` runs exactly once, in the transaction that uses the code up; `afterCommit` runs
   * after its commit.
   * @throws AppError invalid_passcode, passcode_expired, too_many_attempts; and whatever `use` throws, which
   * leaves the code unused
   */
  async function redeem<T>(
    guess: Guess,
    use: (sql: Sql) => Promise<T>,
    afterCommit: (result: T) => void = () => {},
  ): Promise<T> {
    const ofAddress = { limit: "passcode_address", of: guess.address } as const;
    // A guess counts as wrong until it proves right. The semaphore keeps a crowd behind one address from
    // being refused for uses that are about to be given back.
    return await limiter.inTurn(ofAddress, () => compare(guess, ofAddress, use, afterCommit));
  }

  /**
   * Checks a guess before its body is read: whether its address may guess at all.
   * @throws AppError too_many_attempts
   */
  async function judgeAddress(address: string): Promise<void> {
    const retryAfter = await limiter.wait({ limit: "passcode_address", of: address });
    if (retryAfter !== null) throw new AppError("too_many_attempts", { retryAfter });
  }

  async function compare<T>(
    { phone, purpose, passcode, address }: Guess,
    ofAddress: Ask,
    use: (sql: Sql) => Promise<T>,
    afterCommit: (result: T) => void,
  ): Promise<T> {
    const given = passcode.replaceAll(/[\s-]/g, "");
    const at = now();
    const windows = wrongGuesses(limitKeys, phone, address);
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
      // Given back even if another request has just used the code: this one was right too.
      for (const { key } of windows) await counts.giveBack(sql, key, at);
      await limiter.giveBack(sql, [ofAddress]);
      if (used) await budget.verified(sql, seed.nonce);
      return used && { result: await use(sql) };
    }, (redeemed) => redeemed && afterCommit(redeemed.result));
    if (!redeemed) throw new AppError("invalid_passcode");
    return redeemed.result;
  }

  /**
   * Pays for one comparison: with an attempt of the challenge, and with a wrong guess in each window and
   * limit, which is given back if the code is right.
   */
  async function spendAttempt(
    { phone, purpose, at, windows, ofAddress }: {
      phone: PhoneNumber;
      purpose: Purpose;
      at: Date;
      windows: counts.Window[];
      ofAddress: Ask;
    },
  ): Promise<{ nonce: Uint8Array; key_id: string }> {
    // First without a lock: if the number cannot be guessed at, a crowd must not hold connections while
    // queueing for the lock.
    await database.run(async (sql) =>
      refuseUnlessLive(sql, await passcodes.findChallenge(sql, phone, purpose), windows, at)
    );
    return await database.begin(async (sql) => {
      await refuseUnlessLive(sql, await passcodes.lockChallenge(sql, phone, purpose), windows, at);
      for (const window of windows) {
        if (await counts.takeOne(sql, window, at)) continue;
        const retryAfter = secondsBetween(at, await counts.roomAt(sql, window, at));
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

  return { redeem, judgeAddress };
}

/** @throws AppError invalid_passcode, passcode_expired, too_many_attempts */
async function refuseUnlessLive(
  sql: Sql,
  challenge: passcodes.Challenge | null,
  windows: counts.Window[],
  at: Date,
): Promise<void> {
  switch (stateOf(challenge, at)) {
    case "absent":
      throw new AppError("invalid_passcode");
    case "expired":
      throw new AppError("passcode_expired", { retryAfter: 1 });
    case "burnt": {
      // A new code is no use until the windows allow another guess, so the later of the two times counts.
      let mayAt = nextSendAt(challenge!.sent_at, at);
      for (const window of windows) {
        const roomAt = await counts.roomAt(sql, window, at);
        if (roomAt > mayAt) mayAt = roomAt;
      }
      const retryAfter = secondsBetween(at, mayAt);
      throw new AppError("too_many_attempts", { retryAfter });
    }
    case "live":
  }
}

/**
 * The windows of wrong guesses for this number. Both count all purposes together. The order is the same
 * everywhere, so that two transactions cannot deadlock.
 */
function wrongGuesses(keys: LimitKeys, phone: PhoneNumber, address: string): counts.Window[] {
  return [
    { key: `wrong_passcode ${keys(phone)}`, max: WRONG_PER_NUMBER_MAX, ms: DAY_MS },
    { key: `wrong_passcode_address ${keys(`${phone} ${address}`)}`, max: WRONG_PER_ADDRESS_MAX, ms: DAY_MS },
  ];
}
