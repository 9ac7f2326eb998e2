// How a stored message is announced: to other processes as a compact array, because every send makes one;
// within a process as the two events that it stands for.

import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { MessagesUpdated } from "./events.ts";

export interface Sent {
  conversation_id: number;
  from: Actor;
  to: { user_id: number; phone_number: PhoneNumber };
}

/**
 * The payload for other processes. Phone numbers are without their plus sign. The message id comes last,
 * because the statement that draws it appends it.
 */
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

/** The JSON of an announcement without the message id and the closing bracket. */
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

/** Events for the receiver, whose socket makes the message delivered, and for the sender's other sessions. */
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
