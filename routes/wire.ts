// The JSON format of phone numbers, times, contacts and messages.

import { z } from "@hono/zod-openapi";
import { STATUSES } from "../services/contacts/contact_state.ts";
import type { Contact } from "../services/contacts/contacts.ts";
import type { Notice } from "../services/events/socket.ts";
import type { Message } from "../services/messages/messages.ts";
import { INT64 } from "./fields.ts";

export const wireId = z.int().positive().openapi(INT64);

export const wireTime = z.iso.datetime({ precision: 3 })
  .openapi({ format: "date-time", example: "2026-01-31T12:00:00.000Z" });

export const wireNumber = z.string().regex(/^\+?[1-9][0-9]{6,14}$/).openapi({
  example: "+14155550123",
  description: "E.164; without the plus sign where PHONE_WIRE_FORMAT is digits",
});

export const wireContact = z.strictObject({
  phone_number: wireNumber,
  display_name: z.string().openapi({ description: "My own name for this person; empty if unset" }),
  status: z.enum(STATUSES),
  last_touch_at: wireTime.openapi({ description: "The last change visible to me, or the last message" }),
  unread_messages: z.int().nonnegative().openapi({ description: "Counted up to 9,999" }),
}).openapi("Contact");

export const wireMessage = z.strictObject({
  id: wireId,
  sender: wireNumber,
  receiver: wireNumber,
  message: z.string().openapi({
    description: "The text, or the caption of audio and video; empty if there is none",
  }),
  message_type: z.enum(["text", "audio", "video"]),
  media_type: z.string().nullable().openapi({ description: "MIME type; null for text" }),
  media_content_id: wireId.nullable(),
  duration: z.number().nullable().openapi({
    description: "Seconds; null for text, and if the media do not say",
  }),
  status: z.enum(["created", "delivered", "seen"]).openapi({
    description:
      "`delivered`: a socket of the receiver was told of it or opened later, or the receiver has fetched it. Only `seen` " +
      "says that it was shown",
  }),
  created_at: wireTime,
  client_id: z.string().nullable().optional().openapi({
    description: "Only for the sender; null if none was given",
  }),
}).openapi("Message");

export const wireSession = z.strictObject({
  id: z.string(),
  device: z.string(),
  created_at: wireTime,
  last_seen_at: wireTime.openapi({ description: "Accurate to a minute" }),
  current: z.boolean().openapi({ description: "Whether this call was made with this session" }),
}).openapi("Session");

export type Wire = ReturnType<typeof createWire>;

export function createWire({ phoneWireFormat }: { phoneWireFormat: "e164" | "digits" }) {
  const number = (phone: string) => phoneWireFormat === "digits" ? phone.slice(1) : phone;
  return {
    number,
    contact: (contact: Contact): z.infer<typeof wireContact> => ({
      phone_number: number(contact.phone_number),
      display_name: contact.display_name,
      status: contact.status,
      last_touch_at: contact.last_touch_at.toISOString(),
      unread_messages: contact.unread_messages,
    }),
    // Field by field: spreading objects would be the largest cost of a page of a hundred messages.
    message(message: Message): z.infer<typeof wireMessage> {
      const shown: z.infer<typeof wireMessage> = {
        id: message.id,
        sender: number(message.sender),
        receiver: number(message.receiver),
        message: message.message,
        message_type: message.message_type,
        media_type: message.media_type,
        media_content_id: message.media_content_id,
        duration: message.duration,
        status: message.status,
        created_at: message.created_at.toISOString(),
      };
      if (message.client_id !== undefined) shown.client_id = message.client_id;
      return shown;
    },
    // JSON built by hand, because every message sends one; neither event names nor numbers need escaping.
    notice: (notice: Notice, at: Date): string => {
      const sender = "sender" in notice ? `,"sender":"${number(notice.sender)}"` : "";
      return `{"event":"${notice.event}"${sender},"timestamp":"${at.toISOString()}"}`;
    },
  };
}
