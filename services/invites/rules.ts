// Whether an invitation is sent, and what its inviter sees of it. Pure, so that each rule stands in one place.

import type { InviteCounts, InviteSms, SentInvite } from "../../db/invites.ts";
import type { Suppression } from "../../db/suppressions.ts";
import type { InviteMode } from "../config.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;
/** SMS to one number, over all inviters: one in this time, and so many ever. */
export const NUMBER_GAP_MS = 7 * DAY_MS;
const SMS_PER_NUMBER_MAX = 3;
/** Invitations of one inviter in a day. */
const INVITES_PER_DAY_MAX = 10;

export function judgeInvite(
  { mode, counts, stopped, reachable }: {
    mode: InviteMode;
    counts: InviteCounts;
    stopped: readonly Suppression[];
    /** Whether we would pay for an SMS to this number. */
    reachable: boolean;
  },
): InviteSms {
  if (counts.by_inviter_lately >= INVITES_PER_DAY_MAX) return "over";
  if (stopped.includes("no_invitations")) return "withheld";
  // A carrier's STOP, our limits a number and its kind of line are about SMS of ours.
  if (mode === "device") return "none";
  const hasRoom = counts.to_number < SMS_PER_NUMBER_MAX && counts.to_number_lately === 0;
  return hasRoom && reachable && stopped.length === 0 ? "sending" : "withheld";
}

export function remainingToday(byInviterLately: number): number {
  return Math.max(0, INVITES_PER_DAY_MAX - byInviterLately);
}

export type InviteStatus = "sent" | "undelivered" | "joined";

/** What was withheld looks as if it had been sent: an opt-out, or somebody else's invitation, is not told. */
export function inviteStatusOf({ sms, invitee_status }: SentInvite): InviteStatus {
  if (invitee_status !== "invited") return "joined";
  return sms === "failed" || sms === "undelivered" ? "undelivered" : "sent";
}
