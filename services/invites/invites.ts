// Invitations: a number without an account gets at most one SMS with a link, within limits that count
// everybody's invitations. The link says who invites and never replaces the passcode. The row is committed
// before its SMS is sent, and the SMS is never sent again: a crash in between loses an invitation and
// duplicates none.

import { CLOCKS_APART_MS } from "../../db/clocks.ts";
import type { Database, Sql } from "../../db/connection/database.ts";
import { DatabaseLockTimeout } from "../../db/connection/unavailable.ts";
import * as invites from "../../db/invites.ts";
import { listSuppressions, suppress } from "../../db/suppressions.ts";
import { findUser, type User } from "../../db/users.ts";
import type { InviteMode } from "../config.ts";
import { describeError, log } from "../log.ts";
import type { PhoneNumber } from "../phone_number.ts";
import { hashOfName, randomName } from "../random_names.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { SmsBudget, WantedSms } from "../sms/budget.ts";
import type { SmsDispatch } from "../sms/dispatch.ts";
import { deviceInviteText, inviteText } from "../sms/texts.ts";
import { languageOf } from "../texts/language.ts";
import {
  DAY_MS,
  type InviteStatus,
  inviteStatusOf,
  judgeInvite,
  NUMBER_GAP_MS,
  remainingToday,
} from "./rules.ts";
import { createTiming } from "./timing.ts";

const LINK_LIFETIME_MS = 30 * DAY_MS;
const LISTED_MAX = 500;
/** Attempts when many invitations wait for each other's limits and time out on the lock. */
const TRIES_MAX = 3;

export interface InvitePeople {
  inviter: PhoneNumber;
  invitee: PhoneNumber;
}

/**
 * What a link leads to. The people are also given for an expired or used link, so that its page can still
 * help; null if the link is unknown.
 */
export interface Invitation {
  state: "open" | "expired" | "used" | "unknown";
  people: InvitePeople | null;
}

/** What the inviter's own phone needs to send the invitation itself (INVITE_MODE=device). */
export interface DeviceInvite {
  /** An `sms:` URI (RFC 5724). */
  sms_uri: string;
  url: string;
}

interface InviteRow {
  phone_number: string;
  status: InviteStatus;
  created_at: Date;
}

/** A committed invitation. If `sms` is `sending`, its SMS still has to be sent. */
interface Decided {
  id: number;
  sms: invites.InviteSms;
}

export type Invites = ReturnType<typeof createInvites>;

export function createInvites(
  { database, sms, budget, now, publicUrl, mode }: {
    database: Database;
    sms: SmsDispatch;
    budget: SmsBudget;
    now: () => Date;
    /** An origin without a trailing slash. */
    publicUrl: string;
    mode: InviteMode;
  },
) {
  const timing = createTiming();

  /**
   * After a request to a number without an account: sends at most one SMS, or returns what the device is to
   * send. Never throws.
   */
  async function invite(me: Actor, phone: PhoneNumber, address: string): Promise<DeviceInvite | null> {
    try {
      const wanted = { to: phone, address, at: now() };
      const token = randomName();
      const decided = await patiently(() => database.begin((sql) => decide(sql, me, wanted, token)));
      const url = `${publicUrl}/i/${token}`;
      if (decided?.sms === "sending") {
        const text = inviteText(me.phone_number, url, languageOf(phone));
        await timing.send(() => send(decided.id, wanted, text));
      }
      if (decided?.sms === "withheld") await timing.withhold();
      return decided?.sms === "none" ? deviceInvite(phone, url) : null;
    } catch (error) {
      // The friend request itself has succeeded and is answered as such; a failed invitation is not worth an
      // error.
      log.error("Invitation failed", describeError(error));
      return null;
    }
  }

  /**
   * Decides on at most one SMS. The locks keep what is read here from changing before the row is committed.
   */
  async function decide(sql: Sql, me: Actor, wanted: WantedSms, token: string): Promise<Decided | null> {
    const { to: phone, at } = wanted;
    const known = await findUser(sql, phone);
    if (!known) return null;
    if (!await invites.lockForInvite(sql, me.user_id, known.id)) return null;
    const invitee = await findUser(sql, phone);
    if (invitee?.status !== "invited") return null;

    const judged = await judge(sql, me, invitee, at);
    const becomes = judged === "sending" && await budget.take(sql, wanted) !== null ? "withheld" : judged;
    // Repeated requests beyond the daily limit leave only one entry per number.
    if (becomes === "over" && await invites.hasInvited(sql, me.user_id, invitee.id)) return null;
    const id = await invites.insertInvite(sql, {
      inviter_id: me.user_id,
      invitee_id: invitee.id,
      token_hash: await hashOfName(token),
      sms: becomes,
      created_at: at,
      expires_at: new Date(at.getTime() + LINK_LIFETIME_MS),
    });
    return { id, sms: becomes };
  }

  async function judge(sql: Sql, me: Actor, invitee: User, at: Date): Promise<invites.InviteSms> {
    const counts = await invites.countInvites(sql, {
      inviter_id: me.user_id,
      invitee_id: invitee.id,
      number_since: before(at, NUMBER_GAP_MS),
      inviter_within: dayBefore(at),
    });
    const phone = invitee.phone_number as PhoneNumber;
    const stopped = await listSuppressions(sql, phone);
    return judgeInvite({ mode, counts, stopped, reachable: sms.isReachable(phone) });
  }

  async function send(id: number, wanted: WantedSms, text: string): Promise<void> {
    const outcome = await sms.send(wanted.to, text);
    await database.begin(async (sql) => {
      if (!outcome.sent && outcome.perhaps === "no") await budget.giveBack(sql, wanted, "everything");
      // The invitation stays `sending`, as after a crash, and counts as sent.
      if (!outcome.sent && outcome.perhaps === "yes") return;
      await invites.finishInvite(
        sql,
        outcome.sent
          ? { id, sms: "sent", provider_id: outcome.provider_id }
          // Recorded as withheld, so that the inviter cannot tell an opted-out number from one that was
          // written to.
          : { id, sms: outcome.refusal === "sms_opted_out" ? "withheld" : "failed", provider_id: null },
      );
    });
  }

  /** My own invitations, newest first, and how many more I may send today. */
  async function list(me: Actor): Promise<{ invites: InviteRow[]; remaining_today: number }> {
    const within = dayBefore(now());
    const [rows, count] = await database.run((sql) =>
      Promise.all([
        invites.listInvites(sql, me.user_id, LISTED_MAX),
        invites.countByInviter(sql, me.user_id, within),
      ])
    );
    return {
      invites: rows.map((row) => ({
        phone_number: row.phone_number,
        status: inviteStatusOf(row),
        created_at: row.created_at,
      })),
      remaining_today: remainingToday(count),
    };
  }

  async function find(token: string): Promise<Invitation> {
    const hash = await hashOfName(token);
    const found = await database.run((sql) => invites.findInvite(sql, hash));
    if (!found) return { state: "unknown", people: null };
    const people = { inviter: found.inviter as PhoneNumber, invitee: found.invitee as PhoneNumber };
    if (found.invitee_status !== "invited") return { state: "used", people };
    return { state: found.expires_at > now() ? "open" : "expired", people };
  }

  /**
   * Blocks all further invitations to the number of this link, and nothing else. False for an unknown link.
   */
  async function neverAgain(token: string): Promise<boolean> {
    const { people } = await find(token);
    if (!people) return false;
    await database.run((sql) => suppress(sql, people.invitee, "no_invitations", now()));
    return true;
  }

  return { invite, list, find, neverAgain };
}

/** A transaction that timed out on a lock changed nothing, so it is tried again. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseLockTimeout) || tries === TRIES_MAX) throw error;
    }
  }
}

function dayBefore(at: Date): invites.Span {
  return { since: before(at, DAY_MS), ahead: before(at, -CLOCKS_APART_MS) };
}

function before(at: Date, ms: number): Date {
  return new Date(at.getTime() - ms);
}

/** The number, then the percent-encoded text (RFC 5724). */
function deviceInvite(phone: PhoneNumber, url: string): DeviceInvite {
  const text = deviceInviteText(url, languageOf(phone));
  return { sms_uri: `sms:${phone}?body=${encodeURIComponent(text)}`, url };
}
