// Sending, reading back, and saying what was read.

import { createRoute, z } from "@hono/zod-openapi";
import { AppError, type ErrorCode } from "../services/errors.ts";
import type { Marks } from "../services/marks.ts";
import type { MessagePage, Messages, Outgoing } from "../services/messages.ts";
import type { Sessions } from "../services/sessions.ts";
import { answers, BODY_ERRORS, jsonBody, SECURITY, SESSION_ERRORS, success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { headerText, id, phoneNumber, phoneNumberParams, queryId, text, toInputError } from "./fields.ts";
import { readJson } from "./json_body.ts";
import { repeatable } from "./repeatable.ts";
import { createRouter } from "./router.ts";
import { requireSession } from "./session.ts";
import { type Wire, wireMessage } from "./wire.ts";

const tags = ["Messages"];
const TEXT_MAX = 4096;
const COUNT_DEFAULT = 100;
const COUNT_MAX = 255;

const done = success({}).openapi("Done");
const READ_ERRORS: ErrorCode[] = [...SESSION_ERRORS, ...BODY_ERRORS];

const CLIENT_ID_MAX = 64;
const clientId = text({ min: 1, max: CLIENT_ID_MAX });
const idempotencyHeader = z.object({ "idempotency-key": headerText.pipe(clientId) });

const sendBody = z.strictObject({
  phone_number: phoneNumber,
  message_type: z.enum(["text", "audio", "video"]),
  message: text({ min: 0, max: TEXT_MAX }).nullish(),
  media_content_id: id.nullish(),
  client_id: clientId.nullish().openapi({ description: "Makes a send repeatable; also as Idempotency-Key" }),
}).superRefine(({ message_type, message, media_content_id }, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const hasMedia = media_content_id !== undefined && media_content_id !== null;
  if (message_type === "text" && !message) refuse("message", `Must have 1 to ${TEXT_MAX} characters`);
  if (message_type === "text" && hasMedia) refuse("media_content_id", "Does not go with a text");
  if (message_type !== "text" && !hasMedia) refuse("media_content_id", "Is missing");
}).openapi("SendBody");

const historyQuery = z.object({
  count: z.string().regex(/^0*[1-9]\d*$/, "Must be a positive integer")
    .transform((digits) => Math.min(Number(digits), COUNT_MAX))
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      default: COUNT_DEFAULT,
      description: `Above ${COUNT_MAX} is ${COUNT_MAX}`,
    }),
  before: queryId.optional().openapi({ type: "integer", description: "The page before this message" }),
  after: queryId.optional().openapi({ type: "integer", description: "The messages next after this one" }),
}).refine(({ before, after }) => before === undefined || after === undefined, {
  path: ["after"],
  message: "Does not go with before",
});

const readBody = z.strictObject({ message_id: id }).openapi("ReadBody");
const readAllTextBody = z.strictObject({ phone_number: phoneNumber }).openapi("ReadAllTextBody");
const readUpToBody = z.strictObject({ phone_number: phoneNumber, message_id: id }).openapi("ReadUpToBody");

export function messageRoutes(
  { messages, marks, sessions }: { messages: Messages; marks: Marks; sessions: Sessions },
  wire: Wire,
) {
  const signed = requireSession(sessions);

  const send = createRoute({
    method: "post",
    path: "/api/messages/send",
    tags,
    summary: "Send a message to a friend",
    description: "The same client_id with the same content again answers the same message, for ever.",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(sendBody),
    parameters: [{
      name: "Idempotency-Key",
      in: "header",
      description: "The same as client_id",
      schema: { type: "string", minLength: 1, maxLength: CLIENT_ID_MAX },
    }],
    responses: answers("The message is stored", success({ messages: z.array(wireMessage) }), [
      ...SESSION_ERRORS,
      ...BODY_ERRORS,
      "invalid_phone_number",
      "recipient_not_found",
      "not_friends",
      "client_id_reused",
      "invalid_media",
    ]),
  });

  const read = createRoute({
    method: "put",
    path: "/api/messages/read",
    tags,
    summary: "Say that I have seen a message; a text with the texts before it",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(readBody),
    responses: answers("It is seen", done, [...READ_ERRORS, "message_not_found"]),
  });

  const readAllText = createRoute({
    method: "put",
    path: "/api/messages/read_all_text",
    tags,
    summary: "Say that I have seen every text of a person",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(readAllTextBody),
    responses: answers("They are seen", done, [...READ_ERRORS, "invalid_phone_number", "contact_not_found"]),
  });

  const readUpTo = createRoute({
    method: "put",
    path: "/api/messages/read_up_to",
    tags,
    summary: "Say that I have seen everything up to a message",
    security: SECURITY,
    middleware: [signed, readJson] as const,
    request: jsonBody(readUpToBody),
    responses: answers("They are seen", done, [
      ...READ_ERRORS,
      "invalid_phone_number",
      "contact_not_found",
      "message_not_found",
    ]),
  });

  const history = createRoute({
    method: "get",
    path: "/api/messages/{phone_number}",
    tags,
    summary: "Messages with a person, newest first",
    security: SECURITY,
    middleware: [signed] as const,
    request: { params: phoneNumberParams, query: historyQuery },
    responses: answers(
      "has_more tells whether there are more before (with `after`: newer ones)",
      success({ messages: z.array(wireMessage), has_more: z.boolean() }),
      [...SESSION_ERRORS, "invalid_input", "invalid_phone_number", "contact_not_found"],
    ),
  });

  const pageBody = repeatable(({ messages, has_more }: MessagePage) => ({
    success: true as const,
    messages: messages.map(wire.message),
    has_more,
  }));

  return createRouter<AppEnv>()
    .openapi(send, async (c) => {
      const outgoing = toOutgoing(c.req.valid("json"), readIdempotencyKey(c.req.header("idempotency-key")));
      const message = await messages.send(c.get("actor"), outgoing);
      return c.json({ success: true as const, messages: [wire.message(message)] }, 200);
    })
    .openapi(read, async (c) => {
      await marks.read(c.get("actor"), c.req.valid("json").message_id);
      return c.json({ success: true as const }, 200);
    })
    .openapi(readAllText, async (c) => {
      await marks.readAllText(c.get("actor"), c.req.valid("json").phone_number);
      return c.json({ success: true as const }, 200);
    })
    .openapi(readUpTo, async (c) => {
      const { phone_number, message_id } = c.req.valid("json");
      await marks.readUpTo(c.get("actor"), phone_number, message_id);
      return c.json({ success: true as const }, 200);
    })
    .openapi(history, async (c) => {
      const { count = COUNT_DEFAULT, before = null, after = null } = c.req.valid("query");
      const { phone_number } = c.req.valid("param");
      const page = await messages.list(c.get("actor"), phone_number, { count, before, after });
      return c.json(pageBody(page), 200);
    });
}

/** By hand, because a validator of headers makes an object of them all, for every send. */
function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const { data, error } = idempotencyHeader.safeParse({ "idempotency-key": header });
  if (error) throw toInputError(error);
  return data["idempotency-key"];
}

function toOutgoing(body: z.infer<typeof sendBody>, idempotencyKey: string | undefined): Outgoing {
  const given = body.client_id ?? undefined;
  if (given !== undefined && idempotencyKey !== undefined && given !== idempotencyKey) {
    const message = "Is not the same as the Idempotency-Key";
    throw new AppError("invalid_input", { issues: [{ path: "client_id", message }] });
  }
  return {
    phone: body.phone_number,
    message_type: body.message_type,
    message: body.message ?? "",
    media_content_id: body.media_content_id ?? null,
    client_id: given ?? idempotencyKey ?? null,
  };
}
