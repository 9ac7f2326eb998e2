// Callbacks of Twilio: the status of an SMS, and replies of people. They are trusted only with Twilio's
// signature, which covers the whole form; so here, unlike everywhere else, unknown fields are accepted.

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../services/errors.ts";
import type { SignedForm, TwilioCallbacks } from "../services/sms/twilio_callbacks.ts";
import { errorAnswers } from "./answers.ts";
import { readParameters } from "./bodies/form_body.ts";
import type { AppEnv } from "./env.ts";
import { createRouter } from "./router.ts";

function callbackRoute(path: string, summary: string, fields: string[]) {
  return createRoute({
    method: "post",
    path,
    tags: ["Provider callbacks"],
    summary,
    description: "Only for Twilio, and only if it sends the SMS. X-Twilio-Signature has to be valid for " +
      "PUBLIC_URL, this path and its query. Repeated callbacks are harmless.",
    // Documented outside `request`, because there the framework would read a body of any size into memory to
    // validate it.
    requestBody: {
      required: true,
      content: {
        "application/x-www-form-urlencoded": {
          schema: {
            type: "object",
            properties: Object.fromEntries(fields.map((name) => [name, { type: "string" as const }])),
          },
        },
      },
    },
    responses: {
      204: { description: "Processed, or about nothing known here" },
      ...errorAnswers([
        "not_found",
        "unsupported_media_type",
        "too_large",
        "invalid_json",
        "request_timeout",
        "invalid_signature",
      ]),
    },
  });
}

const status = callbackRoute("/api/twilio/status", "Delivery status of an SMS", [
  "MessageSid",
  "MessageStatus",
  "ErrorCode",
]);
const inbound = callbackRoute("/api/twilio/inbound", "An incoming SMS: STOP or START", [
  "From",
  "Body",
  "OptOutType",
]);

export function twilioRoutes(callbacks: TwilioCallbacks | null) {
  async function read(c: Context<AppEnv>): Promise<[TwilioCallbacks, SignedForm]> {
    if (!callbacks) throw new AppError("not_found");
    const { pathname, search } = new URL(c.req.url);
    const signature = c.req.header("x-twilio-signature") ?? "";
    return [callbacks, { address: pathname + search, signature, form: await readParameters(c) }];
  }

  return createRouter<AppEnv>()
    .openapi(status, async (c) => {
      const [twilio, form] = await read(c);
      await twilio.status(form);
      return c.body(null, 204);
    })
    .openapi(inbound, async (c) => {
      const [twilio, form] = await read(c);
      await twilio.inbound(form);
      return c.body(null, 204);
    });
}
