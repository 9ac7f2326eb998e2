// Sending messages, reading threads, and marking messages as seen.

import { z } from "@hono/zod-openapi";
import { AppError } from "../services/errors.ts";
import type { Marks } from "../services/messages/marks.ts";
import type { MessagePage, Messages, Outgoing } from "../services/messages/messages.ts";
import { PAGE_MAX } from "../services/messages/newest.ts";
import { TEXT_MAX } from "../services/texts/lengths.ts";
import { done, success } from "./answers.ts";
import type { BodyCache } from "./body_cache.ts";
import type { AppEnv } from "./env.ts";
import { headerText, id, phoneNumber, phoneNumberParams, queryId, text, toInputError } from "./fields.ts";
import { type AddSigned, type CallContext, jsonCalls } from "./json_calls.ts";
import { createRouter } from "./router.ts";
import { type Wire, wireMessage } from "./wire.ts";

const tags = ["Messages"];
const COUNT_DEFAULT = 100;

const CLIENT_ID_MAX = 64;
const clientId = text({ min: 1, max: CLIENT_ID_MAX });
const idempotencyHeader = z.object({ "idempotency-key": headerText.pipe(clientId) });

const sendBody = z.strictObject({
  phone_number: phoneNumber,
  message_type: z.enum(["text", "audio", "video"]),
  message: text({ min: 0, max: TEXT_MAX }).nullish(),
  media_content_id: id.nullish(),
  client_id: clientId.nullish().openapi({
    description: "Makes a send safe to retry; also accepted as Idempotency-Key",
  }),
}).superRefine(({ message_type, message, media_content_id }, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const hasMedia = media_content_id !== undefined && media_content_id !== null;
  if (message_type === "text" && !message) {
    refuse("message", message === "" ? `Must have 1 to ${TEXT_MAX} characters` : "Is missing");
  }
  if (message_type === "text" && hasMedia) refuse("media_content_id", "Must be absent for a text");
  if (message_type !== "text" && !hasMedia) refuse("media_content_id", "Is missing");
}).openapi("SendBody");

const historyQuery = z.object({
  count: z.string().regex(/^0*[1-9]\d*$/, "Must be a positive integer")
    .transform((digits) => Math.min(Number(digits), PAGE_MAX))
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      default: COUNT_DEFAULT,
      description: `Values above ${PAGE_MAX} count as ${PAGE_MAX}`,
    }),
  before: queryId.optional().openapi({
    type: "integer",
    format: "int64",
    description: "The page before this message",
  }),
  after: queryId.optional().openapi({
    type: "integer",
    format: "int64",
    description: "The messages right after this one",
  }),
}).refine(({ before, after }) => before === undefined || after === undefined, {
  path: ["after"],
  message: "Must not be combined with before",
});

const page = success({ messages: z.array(wireMessage), has_more: z.boolean() });
type PageBody = z.infer<typeof page>;

const readBody = z.strictObject({ message_id: id }).openapi("ReadBody");
const readAllTextBody = z.strictObject({ phone_number: phoneNumber }).openapi("ReadAllTextBody");
const readUpToBody = z.strictObject({ phone_number: phoneNumber, message_id: id }).openapi("ReadUpToBody");

export function messageRoutes(
  { messages, marks }: { messages: Messages; marks: Marks },
  { calls, wire, bodyCache }: { calls: CallContext; wire: Wire; bodyCache: BodyCache },
) {
  const router = createRouter<AppEnv>();
  const { addSigned } = jsonCalls(router, calls);
  addSend(addSigned, messages, wire);
  addReading(addSigned, marks);
  const pageBody = bodyCache.memoize(({ messages, has_more }: MessagePage) => ({
    success: true as const,
    messages: messages.map(wire.message),
    has_more,
  }));
  addHistory(addSigned, messages, pageBody);
  return router;
}

function addSend(addSigned: AddSigned, messages: Messages, wire: Wire): void {
  addSigned({
    method: "post",
    path: "/api/messages/send",
    tags,
    summary: "Send a message to a friend",
    description:
      "A text needs `message`; audio and video need `media_content_id`, and `message` is their caption. Repeating the same " +
      "client_id with the same content returns the same message, for ever.",
    parameters: [{
      name: "Idempotency-Key",
      in: "header",
      description: "The same as client_id",
      schema: { type: "string", minLength: 1, maxLength: CLIENT_ID_MAX },
    }],
    takes: { body: sendBody },
    answer: success({ messages: z.array(wireMessage) }),
    meaning: "The message is stored",
    errors: [
      "invalid_phone_number",
      "recipient_not_found",
      "not_friends",
      "client_id_reused",
      "invalid_media",
    ],
  }, async (me, { body }, c) => {
    const outgoing = toOutgoing(body, readIdempotencyKey(c.req.header("idempotency-key")));
    return { success: true as const, messages: [wire.message(await messages.send(me, outgoing))] };
  });
}

function addReading(addSigned: AddSigned, marks: Marks): void {
  addSigned({
    method: "put",
    path: "/api/messages/read",
    tags,
    summary: "Mark a message as seen; for a text, also the texts before it",
    takes: { body: readBody },
    answer: done,
    meaning: "It is seen",
    errors: ["message_not_found"],
  }, async (me, { body }) => {
    await marks.read(me, body.message_id);
    return { success: true as const };
  });

  addSigned({
    method: "put",
    path: "/api/messages/read_all_text",
    tags,
    summary: "Mark every text of a person as seen",
    description:
      "This includes texts that arrived since the last fetch. To mark only what was shown, use `read_up_to` with their newest message.",
    takes: { body: readAllTextBody },
    answer: done,
    meaning: "They are seen",
    errors: ["invalid_phone_number", "contact_not_found"],
  }, async (me, { body }) => {
    await marks.readAllText(me, body.phone_number);
    return { success: true as const };
  });

  addSigned({
    method: "put",
    path: "/api/messages/read_up_to",
    tags,
    summary: "Mark everything up to a message as seen",
    description:
      "The message must be one that I received: my own is `message_not_found`. Media up to it are seen as well.",
    takes: { body: readUpToBody },
    answer: done,
    meaning: "They are seen",
    errors: ["invalid_phone_number", "contact_not_found", "message_not_found"],
  }, async (me, { body }) => {
    await marks.readUpTo(me, body.phone_number, body.message_id);
    return { success: true as const };
  });
}

function addHistory(
  addSigned: AddSigned,
  messages: Messages,
  pageBody: (page: MessagePage) => PageBody,
): void {
  addSigned(
    {
      method: "get",
      path: "/api/messages/{phone_number}",
      tags,
      summary: "Messages with a person, newest first",
      takes: { params: phoneNumberParams, query: historyQuery },
      answer: page,
      meaning: "has_more says whether there are older ones (with `after`: newer ones)",
      mayBeLarge: true,
      errors: ["invalid_input", "invalid_phone_number", "contact_not_found"],
    },
    async (me, { params, query: { count = COUNT_DEFAULT, before = null, after = null } }) =>
      pageBody(await messages.list(me, params.phone_number, { count, before, after })),
  );
}

/** Read by hand: a header validator of the framework would copy all headers into an object at every send. */
function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const { data, error } = idempotencyHeader.safeParse({ "idempotency-key": header });
  if (error) throw toInputError(error);
  return data["idempotency-key"];
}

function toOutgoing(body: z.infer<typeof sendBody>, idempotencyKey: string | undefined): Outgoing {
  const given = body.client_id ?? undefined;
  if (given !== undefined && idempotencyKey !== undefined && given !== idempotencyKey) {
    const message = "Must equal the Idempotency-Key";
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
