// Invitations: one polite SMS with a link to a number without an account, at most once and within limits that look at
// everybody's invitations. The link says who asks and never replaces the passcode.

import type { PhoneNumber } from "./phone_number.ts";
import type { Actor } from "./sessions.ts";

/** What a link's token leads to. Only of an unknown one the people are not known. */
export type InviteState = "open" | "expired" | "used" | "unknown";

export interface InvitePeople {
  inviter: PhoneNumber;
  invitee: PhoneNumber;
}

/** What the inviter's own phone needs to send the invitation itself (INVITE_MODE=device). */
export interface DeviceInvite {
  /** RFC 5724. */
  sms_uri: string;
  url: string;
}

export interface InviteRow {
  phone_number: string;
  status: "sent" | "undelivered" | "joined";
  created_at: Date;
}

export interface Invites {
  /** After a request to a number without an account: sends at most one SMS, or gives the device what to send. Never throws. */
  invite(me: Actor, phone: PhoneNumber, address: string): Promise<DeviceInvite | null>;
  /** My own invitations, newest first, and how many more I may send today. */
  list(me: Actor): Promise<{ invites: InviteRow[]; remaining_today: number }>;
  /** Where a link leads; `people` also for an expired or used one, so that the page can still help. */
  find(token: string): Promise<{ state: InviteState; people: InvitePeople | null }>;
  /** Stops all invitations to the number of this link, and nothing else. False for an unknown link. */
  neverAgain(token: string): Promise<boolean>;
}
