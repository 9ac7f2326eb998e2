// How a stored message is announced to other processes.

import fc from "fast-check";
import { createBus, createProcessName, decode } from "../services/events/bus.ts";
import { beginAnnouncement, eventsOf } from "../services/events/sent.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import { deepEqual, ok } from "./assert.ts";

const ID_MAX = Number.MAX_SAFE_INTEGER;
/** Sixty announcements of this size fit into one payload of PostgreSQL. */
const BYTES_MAX = 130;

const id = fc.oneof(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: 1, max: ID_MAX }));
const phone = fc.stringMatching(/^\+[1-9][0-9]{6,14}$/) as fc.Arbitrary<PhoneNumber>;
const session = fc.stringMatching(/^[\w-]{22}$/);

Deno.test("decode() returns the same events of a stored message as its own process gets, whatever the ids and numbers", () =>
  fc.assert(
    fc.property(id, id, id, fc.integer({ min: 1, max: ID_MAX }), phone, phone, session, (...drawn) => {
      const [conversation_id, senderId, receiverId, messageId, senderNumber, receiverNumber, session_id] =
        drawn;
      const sent = {
        conversation_id,
        from: { user_id: senderId, phone_number: senderNumber, session_id },
        to: { user_id: receiverId, phone_number: receiverNumber },
      };
      const { origin } = createBus(createProcessName(), () => {});
      const announcement = `${beginAnnouncement(sent)}${messageId}]`;

      ok(announcement.length < BYTES_MAX);
      deepEqual(decode(`${origin}${announcement},${announcement}`), [
        ...eventsOf(sent, messageId),
        ...eventsOf(sent, messageId),
      ]);
    }),
  ));
