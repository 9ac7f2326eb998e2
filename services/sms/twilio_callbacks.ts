// Twilio's callbacks: delivery reports of SMS, and SMS that people send to us. Only callbacks signed with our
// token are accepted. Each may arrive twice, or be about an unknown SMS, and then changes nothing.

import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../../db/connection/database.ts";
import { markInviteUndelivered } from "../../db/invites.ts";
import { markUndelivered } from "../../db/passcodes.ts";
import { suppress, unsuppress } from "../../db/suppressions.ts";
import { AppError } from "../errors.ts";
import { log } from "../log.ts";
import { parsePhoneNumber } from "../phone_number.ts";
import { refusalOf } from "./twilio.ts";

/** A callback as it was received. */
export interface SignedForm {
  /** Path and query of the request. */
  address: string;
  /** The X-Twilio-Signature header. */
  signature: string;
  form: URLSearchParams;
}

export interface TwilioCallbacks {
  /** A delivery report. @throws AppError invalid_signature */
  status(callback: SignedForm): Promise<void>;
  /**
   * An SMS to us: STOP blocks every SMS to its sender, START allows them again.
   * @throws AppError invalid_signature
   */
  inbound(callback: SignedForm): Promise<void>;
}

/**
 * Several times as many as Twilio sends: checking the signature of thousands of fields would block the event
 * loop.
 */
const FIELDS_MAX = 200;
const UNDELIVERED = ["undelivered", "failed"];
/**
 * A delivery report may arrive before Twilio's answer, which identifies the SMS, is recorded; so it is looked
 * up again.
 */
const LOOKS_AFTER_MS = [0, 200, 1_000];
const SID = /^[0-9A-Za-z]{1,64}$/;
// Twilio's opt-out keywords, which Twilio obeys as well.
const STOP = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START = ["START", "YES", "UNSTOP"];

export function createTwilioCallbacks(
  { database, authToken, publicUrl, now }: {
    database: Database;
    authToken: string;
    /** Twilio signs the URL that it was given, not what a proxy made of it. */
    publicUrl: string;
    now: () => Date;
  },
): TwilioCallbacks {
  async function refuseUnsigned({ address, signature, form }: SignedForm): Promise<void> {
    if (form.size > FIELDS_MAX) throw new AppError("invalid_signature");
    const { default: twilio } = await import("twilio");
    const isSigned = twilio.validateRequest(authToken, signature, publicUrl + address, valuesOf(form));
    if (!isSigned) throw new AppError("invalid_signature");
  }

  /** What the SMS was for; null if it is unknown, or already marked. */
  function noteUndelivered(
    sid: string,
    { isStop, isFirst, to }: { isStop: boolean; isFirst: boolean; to: string },
  ): Promise<"invitation" | "passcode" | null> {
    return database.begin(async (sql) => {
      const invitee = await markInviteUndelivered(sql, sid, isStop ? "withheld" : "undelivered");
      const phone = invitee ?? await markUndelivered(sql, sid);
      // An opt-out counts whether or not we know the SMS that reported it. Only on the first lookup: by a
      // later one the person may have sent START.
      const stopped = isStop && isFirst ? phone ?? parsePhoneNumber(to) : null;
      if (stopped !== null) await suppress(sql, stopped, "carrier_stop", now());
      return phone === null ? null : invitee === null ? "passcode" : "invitation";
    });
  }

  return {
    async status(callback) {
      await refuseUnsigned(callback);
      const sid = callback.form.get("MessageSid") ?? "";
      const status = callback.form.get("MessageStatus") ?? "";
      if (!SID.test(sid) || !UNDELIVERED.includes(status)) return;
      const code = Number(callback.form.get("ErrorCode") ?? "") || null;
      const isStop = refusalOf(code) === "sms_opted_out";

      for (const ms of LOOKS_AFTER_MS) {
        await delay(ms);
        const to = callback.form.get("To") ?? "";
        const purpose = await noteUndelivered(sid, { isStop, isFirst: ms === 0, to });
        if (purpose) return log.warn("SMS undelivered", { purpose, provider_code: code });
      }
    },

    async inbound(callback) {
      await refuseUnsigned(callback);
      const from = parsePhoneNumber(callback.form.get("From") ?? "");
      // A messaging service says how it understood the text, whatever its language.
      const word = (callback.form.get("OptOutType") || callback.form.get("Body") || "").trim().toUpperCase();
      if (from === null) return;
      if (STOP.includes(word)) await database.run((sql) => suppress(sql, from, "carrier_stop", now()));
      if (START.includes(word)) await database.run((sql) => unsuppress(sql, from, "carrier_stop"));
    },
  };
}

/** Repeated fields become a list, as the SDK expects. */
function valuesOf(form: URLSearchParams): Record<string, string | string[]> {
  const byName = Map.groupBy(form, ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, fields]) => {
      const values = fields.map(([, value]) => value);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );
}
