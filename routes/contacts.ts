// The contact list, and the four calls that change it.

import { createRoute, z } from "@hono/zod-openapi";
import { STATUSES } from "../services/contact_state.ts";
import type { Acted, Contact, Contacts } from "../services/contacts.ts";
import type { ErrorCode } from "../services/errors.ts";
import type { Sessions } from "../services/sessions.ts";
import { answers, BODY_ERRORS, jsonBody, SECURITY, SESSION_ERRORS, success } from "./answers.ts";
import type { ClientAddress } from "./client_address.ts";
import type { AppEnv } from "./env.ts";
import { displayName, phoneNumber, phoneNumberParams } from "./fields.ts";
import { readJson } from "./json_body.ts";
import { createRouter } from "./router.ts";
import { requireSession } from "./session.ts";
import { type Wire, wireContact } from "./wire.ts";

const tags = ["Contacts"];

const contactList = success({ contacts: z.array(wireContact) }).openapi("ContactList");
const requested = success({
  contacts: z.array(wireContact),
  invite: z.strictObject({
    sms_uri: z.string().openapi({
      description: "Opens this phone's SMS with the number and the text (RFC 5724)",
    }),
    url: z.string().openapi({ description: "The invitation's link alone" }),
  }).optional().openapi({
    description:
      "Where the service leaves the invitation to the inviter's own phone (INVITE_MODE=device), and this request is one",
  }),
}).openapi("Requested");
const CHANGE_ERRORS: ErrorCode[] = [...SESSION_ERRORS, ...BODY_ERRORS, "invalid_phone_number", "own_number"];

const whom = z.strictObject({ phone_number: phoneNumber }).openapi("WhomBody");
const whomAndName = z.strictObject({ phone_number: phoneNumber, display_name: displayName }).openapi(
  "RenameBody",
);
const whomAndPerhapsName = z.strictObject({ phone_number: phoneNumber, display_name: displayName.optional() })
  .openapi("RequestBody");

export function contactRoutes(
  { contacts, sessions }: { contacts: Contacts; sessions: Sessions },
  wire: Wire,
  address: ClientAddress,
) {
  const signed = requireSession(sessions);
  const toAnswer = (list: Contact[]) => ({ success: true as const, contacts: list.map(wire.contact) });
  const toRequested = ({ contacts, invite }: Acted) => ({
    ...toAnswer(contacts),
    ...(invite ? { invite } : {}),
  });

  const list = createRoute({
    method: "get",
    path: "/api/contacts",
    tags,
    summary: "My contact list",
    security: SECURITY,
    middleware: [signed] as const,
    request: { query: z.object({ status: z.enum(STATUSES).optional() }) },
    responses: answers("Newest touch first, then by number", contactList, [
      ...SESSION_ERRORS,
      "invalid_input",
    ]),
  });

  const one = createRoute({
    method: "get",
    path: "/api/contacts/{phone_number}",
    tags,
    summary: "One contact",
    security: SECURITY,
    middleware: [signed] as const,
    request: { params: phoneNumberParams },
    responses: answers("The contact, or an empty list", contactList, [
      ...SESSION_ERRORS,
      "invalid_phone_number",
    ]),
  });

  const requestVia = (method: "put" | "post") =>
    createRoute({
      method,
      path: "/api/contacts/request",
      tags,
      summary: "Ask somebody to be friends",
      description:
        "Where the other has asked already, this accepts. A number without an account gets an SMS with an " +
        "invitation, within limits over everybody's, and sees the request when it signs up. After `peer_deleted` my wish is kept, and the contact is `blocked`.",
      security: SECURITY,
      middleware: [signed, readJson] as const,
      request: jsonBody(whomAndPerhapsName),
      responses: answers("The whole list as it is now", requested, [
        ...CHANGE_ERRORS,
        "already_friends",
        "already_requested",
        "peer_deleted",
        "user_not_found",
      ]),
    });

  const accept = createRoute({
    method: "put",
    path: "/api/contacts/accept",
    tags,
    summary: "Accept a friend request",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(whom),
    responses: answers("The whole list as it is now", contactList, [...CHANGE_ERRORS, "request_not_found"]),
  });

  const remove = createRoute({
    method: "put",
    path: "/api/contacts/delete",
    tags,
    summary: "Delete a friend, decline a request, or take one's own back",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(whom),
    responses: answers("The whole list as it is now", contactList, [...CHANGE_ERRORS, "contact_not_found"]),
  });

  const update = createRoute({
    method: "put",
    path: "/api/contacts/update",
    tags,
    summary: "Set my own name for a contact",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(whomAndName),
    responses: answers("The whole list as it is now", contactList, [...CHANGE_ERRORS, "contact_not_found"]),
  });

  return createRouter<AppEnv>()
    .openapi(list, async (c) => {
      const { status } = c.req.valid("query");
      const all = await contacts.list(c.get("actor"));
      return c.json(toAnswer(status ? all.filter((contact) => contact.status === status) : all), 200);
    })
    .openapi(requestVia("put"), async (c) => {
      const { phone_number, display_name } = c.req.valid("json");
      const asking = { address: address(c), displayName: display_name };
      return c.json(toRequested(await contacts.request(c.get("actor"), phone_number, asking)), 200);
    })
    .openapi(requestVia("post"), async (c) => {
      const { phone_number, display_name } = c.req.valid("json");
      const asking = { address: address(c), displayName: display_name };
      return c.json(toRequested(await contacts.request(c.get("actor"), phone_number, asking)), 200);
    })
    .openapi(accept, async (c) => {
      const { phone_number } = c.req.valid("json");
      return c.json(toAnswer(await contacts.act("accept", c.get("actor"), phone_number)), 200);
    })
    .openapi(remove, async (c) => {
      const { phone_number } = c.req.valid("json");
      return c.json(toAnswer(await contacts.act("delete", c.get("actor"), phone_number)), 200);
    })
    .openapi(update, async (c) => {
      const { phone_number, display_name } = c.req.valid("json");
      return c.json(toAnswer(await contacts.update(c.get("actor"), phone_number, display_name)), 200);
    })
    .openapi(one, async (c) => {
      const { phone_number } = c.req.valid("param");
      return c.json(toAnswer(await contacts.list(c.get("actor"), phone_number)), 200);
    });
}
