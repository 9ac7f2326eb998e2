// Guards the SMS bill: the sms_* limits and the breaker, for SMS that cost money. Everything happens in the
// transaction that decides about the SMS, so that a crash charges too much and never too little.

import type { Sql } from "../../db/connection/database.ts";
import { deletePaid, insertPaid, listLatest, lockPrefix, verifyPaid } from "../../db/paid_passcodes.ts";
import type { Ask } from "../limits/ask.ts";
import type { LimitKeys } from "../limits/keys.ts";
import type { Limiter, Verdict } from "../limits/limiter.ts";
import { log } from "../log.ts";
import { dialCodeOf, type PhoneNumber } from "../phone_number.ts";
import { stoppedMs, WATCHED } from "./breaker.ts";

/** An SMS that a client at this address asks for. */
export interface WantedSms {
  to: PhoneNumber;
  address: string;
  at: Date;
  /** Nonce of the challenge if it is a passcode, to match the code when it comes back. */
  nonce?: Uint8Array;
}

/** A refused passcode stays charged to its address, so that causing refusals all day is not free. */
type GivenBack = "everything" | "all but the address's";

export interface SmsBudget {
  /** Charges the SMS to all limits or to none. Returns null, or the seconds until it can be sent. */
  take(sql: Sql, sms: WantedSms): Promise<number | null>;
  /** Call it if the SMS certainly did not go out. */
  giveBack(sql: Sql, sms: WantedSms, what: GivenBack): Promise<void>;
  /** Call it when the code of this challenge came back. */
  verified(sql: Sql, nonce: Uint8Array): Promise<void>;
}

/**
 * The log warns when this share of a daily allowance is used, and warns again only after the share has fallen
 * below the second value.
 */
const WARN_AT = 0.6;
const WARN_AGAIN_BELOW = 0.5;
const LINE_DIGITS = 4;

/** For senders that cost nothing: nothing is counted. */
export const UNPAID: SmsBudget = {
  take: () => Promise.resolve(null),
  giveBack: () => Promise.resolve(),
  verified: () => Promise.resolve(),
};

/** @param isWatched whether the breaker is on: it is off if the limit of prefixes is */
export function createSmsBudget(
  { limiter, keys, isWatched }: { limiter: Limiter; keys: LimitKeys; isWatched: boolean },
): SmsBudget {
  const alerted = new Map<string, number>();
  /** The allowances that were warned of: dial codes, and `service`. */
  const warned = new Set<string>();

  function warnOnce({ used: { sms_service = 0, sms_dial_code = 0 } }: Verdict, to: PhoneNumber): void {
    if (isNews("service", sms_service)) {
      log.warn("SMS for the whole service are running out", { used_percent: percent(sms_service) });
    }
    const dialCode = dialCodeOf(to);
    if (isNews(dialCode, sms_dial_code)) {
      log.warn("SMS to one country code are running out", {
        dial_code: dialCode,
        used_percent: percent(sms_dial_code),
      });
    }
  }

  function isNews(allowance: string, used: number): boolean {
    if (used < WARN_AGAIN_BELOW) warned.delete(allowance);
    if (used < WARN_AT || warned.has(allowance)) return false;
    warned.add(allowance);
    return true;
  }

  /** Logs each stop once per process. */
  function alertOnce(to: PhoneNumber, at: Date, ms: number): void {
    const prefix = prefixOf(to);
    if ((alerted.get(prefix) ?? 0) > at.getTime()) return;
    for (const [known, until] of alerted) if (until <= at.getTime()) alerted.delete(known);
    alerted.set(prefix, at.getTime() + ms);
    log.error("SMS to a prefix stopped: too few of its passcodes are used", {
      prefix: `${prefix}${"*".repeat(LINE_DIGITS)}`,
      seconds: Math.ceil(ms / 1000),
    });
  }

  async function stopped(sql: Sql, { to, at }: WantedSms): Promise<number> {
    const prefix = keys(`prefix ${prefixOf(to)}`);
    // The buckets' locks do not suffice: a process with other limits uses other buckets. Both statements are
    // pipelined, so the second one runs under the lock.
    const [, latest] = await Promise.all([lockPrefix(sql, prefix), listLatest(sql, prefix, WATCHED)]);
    const ms = stoppedMs(latest, at);
    if (ms > 0) alertOnce(to, at, ms);
    return Math.ceil(ms / 1000);
  }

  return {
    async take(sql, sms) {
      const asks = asksOf(sms);
      const verdict = await limiter.take(sql, asks, sms.at);
      // Under a lock, so that concurrent sends see each other.
      const stop = isWatched ? await stopped(sql, sms) : 0;
      if (stop > 0 && verdict.retryAfter === null) await limiter.giveBack(sql, asks);
      const wait = Math.max(stop, verdict.retryAfter ?? 0);
      if (wait > 0) return wait;
      warnOnce(verdict, sms.to);
      const { nonce, to, at } = sms;
      if (nonce) await insertPaid(sql, { prefix: keys(`prefix ${prefixOf(to)}`), nonce, at });
      return null;
    },

    async giveBack(sql, sms, what) {
      const { nonce, at } = sms;
      if (nonce) await deletePaid(sql, { nonce, at });
      const asks = asksOf(sms);
      await limiter.giveBack(
        sql,
        what === "everything" ? asks : asks.filter(({ limit }) => limit !== "sms_address"),
      );
    },

    verified: verifyPaid,
  };
}

function asksOf({ to, address }: WantedSms): Ask[] {
  return [
    { limit: "sms_address", of: address },
    { limit: "sms_prefix", of: prefixOf(to) },
    { limit: "sms_dial_code", of: dialCodeOf(to) },
    { limit: "sms_service", of: "" },
  ];
}

function percent(part: number): number {
  return Math.floor(part * 100);
}

function prefixOf(phone: PhoneNumber): string {
  return phone.slice(0, -LINE_DIGITS);
}
