// The contact list, and the four calls that change it.

import { z } from "@hono/zod-openapi";
import { STATUSES } from "../services/contacts/contact_state.ts";
import type { Contact, Contacts } from "../services/contacts/contacts.ts";
import type { ErrorCode } from "../services/errors.ts";
import { success } from "./answers.ts";
import type { ClientAddress } from "./client_address.ts";
import type { AppEnv } from "./env.ts";
import { displayName, phoneNumber, phoneNumberParams } from "./fields.ts";
import { type AddSigned, type CallContext, jsonCalls } from "./json_calls.ts";
import { createRouter } from "./router.ts";
import { type Wire, wireContact } from "./wire.ts";

const tags = ["Contacts"];

const contactList = success({ contacts: z.array(wireContact) }).openapi("ContactList");
const requested = success({
  contacts: z.array(wireContact),
  invite: z.strictObject({
    sms_uri: z.string().openapi({
      description: "Opens the phone's SMS app with the number and the text (RFC 5724)",
    }),
    url: z.string().openapi({ description: "Only the invitation's link" }),
  }).optional().openapi({
    description:
      "Present if the inviter's own phone has to send the invitation (INVITE_MODE=device) and this request is one",
  }),
}).openapi("Requested");
const CHANGE_ERRORS: ErrorCode[] = ["invalid_phone_number", "own_number"];
/** The answer of every change, for the OpenAPI document. */
const CHANGED = "The whole list as it is now";

const whom = z.strictObject({ phone_number: phoneNumber }).openapi("WhomBody");
const whomAndName = z.strictObject({ phone_number: phoneNumber, display_name: displayName }).openapi(
  "RenameBody",
);
const whomAndPerhapsName = z.strictObject({ phone_number: phoneNumber, display_name: displayName.optional() })
  .openapi("RequestBody");

export function contactRoutes(
  contacts: Contacts,
  { calls, wire, address }: { calls: CallContext; wire: Wire; address: ClientAddress },
) {
  const router = createRouter<AppEnv>();
  const { addSigned } = jsonCalls(router, calls);
  const toAnswer = (list: Contact[]) => ({ success: true as const, contacts: list.map(wire.contact) });
  addLists(addSigned, contacts, toAnswer);
  addRequest(addSigned, contacts, { toAnswer, address });
  addChanges(addSigned, contacts, toAnswer);
  return router;
}

type ToAnswer = (list: Contact[]) => z.infer<typeof contactList>;

function addLists(addSigned: AddSigned, contacts: Contacts, toAnswer: ToAnswer): void {
  addSigned({
    method: "get",
    path: "/api/contacts",
    tags,
    summary: "My contact list",
    takes: { query: z.object({ status: z.enum(STATUSES).optional() }) },
    answer: contactList,
    meaning: "By last_touch_at, newest first, then by number",
    errors: ["invalid_input"],
    mayBeLarge: true,
  }, async (me, { query: { status } }) => {
    const all = await contacts.list(me);
    return toAnswer(status ? all.filter((contact) => contact.status === status) : all);
  });

  addSigned({
    method: "get",
    path: "/api/contacts/{phone_number}",
    tags,
    summary: "One contact",
    takes: { params: phoneNumberParams },
    answer: contactList,
    meaning: "The contact, or an empty list",
    errors: ["invalid_phone_number"],
  }, async (me, { params }) => toAnswer(await contacts.list(me, params.phone_number)));
}

function addRequest(
  addSigned: AddSigned,
  contacts: Contacts,
  { toAnswer, address }: { toAnswer: ToAnswer; address: ClientAddress },
): void {
  for (const method of ["put", "post"] as const) {
    addSigned({
      method,
      path: "/api/contacts/request",
      tags,
      summary: "Send a friend request",
      description:
        "If the other person has already asked, this accepts. A number without an account gets an SMS with an " +
        "invitation, within limits for all inviters together, and sees the request after signing up. After `peer_deleted` my request is kept, and the contact is `blocked`.",
      takes: { body: whomAndPerhapsName },
      answer: requested,
      meaning: CHANGED,
      errors: [...CHANGE_ERRORS, "already_friends", "already_requested", "peer_deleted", "user_not_found"],
    }, async (me, { body: { phone_number, display_name } }, c) => {
      const options = { address: address(c), displayName: display_name };
      const { contacts: list, invite } = await contacts.request(me, phone_number, options);
      return { ...toAnswer(list), ...(invite ? { invite } : {}) };
    });
  }
}

function addChanges(addSigned: AddSigned, contacts: Contacts, toAnswer: ToAnswer): void {
  addSigned({
    method: "put",
    path: "/api/contacts/accept",
    tags,
    summary: "Accept a friend request",
    takes: { body: whom },
    answer: contactList,
    meaning: CHANGED,
    errors: [...CHANGE_ERRORS, "request_not_found"],
  }, async (me, { body }) => toAnswer(await contacts.act("accept", me, body.phone_number)));

  addSigned({
    method: "put",
    path: "/api/contacts/delete",
    tags,
    summary: "Delete a friend, decline a request, or take my own back",
    takes: { body: whom },
    answer: contactList,
    meaning: CHANGED,
    errors: [...CHANGE_ERRORS, "contact_not_found"],
  }, async (me, { body }) => toAnswer(await contacts.act("delete", me, body.phone_number)));

  addSigned({
    method: "put",
    path: "/api/contacts/update",
    tags,
    summary: "Set my own name for a contact",
    takes: { body: whomAndName },
    answer: contactList,
    meaning: CHANGED,
    errors: [...CHANGE_ERRORS, "contact_not_found"],
  }, async (me, { body }) => toAnswer(await contacts.update(me, body.phone_number, body.display_name)));
}
