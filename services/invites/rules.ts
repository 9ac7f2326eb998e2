// The rules: whether an invitation is sent, and what its inviter sees of it. Pure functions.

import type { InviteCounts, InviteSms, SentInvite } from "../../db/invites.ts";
import type { Suppression } from "../../db/suppressions.ts";
import type { InviteMode } from "../config.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;
/** SMS to one number, counted over all inviters: one within NUMBER_GAP_MS, and SMS_PER_NUMBER_MAX ever. */
export const NUMBER_GAP_MS = 7 * DAY_MS;
const SMS_PER_NUMBER_MAX = 3;
/** Invitations of one inviter per day. */
const INVITES_PER_DAY_MAX = 10;

export function judgeInvite(
  { mode, counts, stopped, reachable }: {
    mode: InviteMode;
    counts: InviteCounts;
    stopped: readonly Suppression[];
    /** Whether our own SMS may go to this number. */
    reachable: boolean;
  },
): InviteSms {
  if (counts.by_inviter_lately >= INVITES_PER_DAY_MAX) return "over";
  if (stopped.includes("no_invitations")) return "withheld";
  // A carrier's STOP, the limits per number and the kind of line matter only for SMS that we send ourselves.
  if (mode === "device") return "none";
  const hasRoom = counts.to_number < SMS_PER_NUMBER_MAX && counts.to_number_lately === 0;
  return hasRoom && reachable && stopped.length === 0 ? "sending" : "withheld";
}

export function remainingToday(byInviterLately: number): number {
  return Math.max(0, INVITES_PER_DAY_MAX - byInviterLately);
}

export type InviteStatus = "sent" | "undelivered" | "joined";

/**
 * A withheld invitation is shown as sent, so that neither an opt-out nor somebody else's invitation is
 * revealed.
 */
export function inviteStatusOf({ sms, invitee_status }: SentInvite): InviteStatus {
  if (invitee_status !== "invited") return "joined";
  return sms === "failed" || sms === "undelivered" ? "undelivered" : "sent";
}
