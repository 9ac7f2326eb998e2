// A message that was stored, as it is told: to the other processes in as few bytes as can be, because there is one for
// every send; to whoever hears it as the two events that it is.

import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { MessagesUpdated } from "./events.ts";

export interface Sent {
  conversation_id: number;
  from: Actor;
  to: { user_id: number; phone_number: PhoneNumber };
}

/** What other processes are told. Numbers are without their plus sign; the statement that draws the message's id puts it in, last. */
export type Announcement = [
  conversationId: number,
  senderId: number,
  senderNumber: number,
  senderSession: string,
  receiverId: number,
  receiverNumber: number,
  messageId: number,
];

export const ANNOUNCEMENT_LENGTH: Announcement["length"] = 7;

/** The announcement as JSON, up to where the message's id and the closing bracket belong. */
export function beginAnnouncement({ conversation_id, from, to }: Sent): string {
  return `[${conversation_id},${from.user_id},${from.phone_number.slice(1)},"${from.session_id}",` +
    `${to.user_id},${to.phone_number.slice(1)},`;
}

export function readAnnouncement(
  [conversation_id, senderId, senderNumber, session_id, receiverId, receiverNumber, messageId]: Announcement,
): MessagesUpdated[] {
  const from = { user_id: senderId, phone_number: `+${senderNumber}` as PhoneNumber, session_id };
  const to = { user_id: receiverId, phone_number: `+${receiverNumber}` as PhoneNumber };
  return eventsOf({ conversation_id, from, to }, messageId);
}

/** Told are the receiver, whose socket makes it delivered, and the sender's other sessions. */
export function eventsOf({ conversation_id, from, to }: Sent, messageId: number): MessagesUpdated[] {
  return [
    {
      to: to.user_id,
      event: "messages_updated",
      sender: from.phone_number,
      delivery: { conversation_id, message_id: messageId, sender_id: from.user_id },
    },
    { to: from.user_id, event: "messages_updated", sender: to.phone_number, except: from.session_id },
  ];
}
