// Tickets for WebSockets, for clients that can pass credentials only in the URL.

import { z } from "@hono/zod-openapi";
import { TICKET_SECONDS, type Tickets } from "../services/sessions/tickets.ts";
import { success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { type CallContext, jsonCalls, NO_BODY } from "./json_calls.ts";
import { createRouter } from "./router.ts";

export function ticketRoutes(tickets: Tickets, calls: CallContext) {
  const router = createRouter<AppEnv>();
  const { addSigned } = jsonCalls(router, calls);

  addSigned({
    method: "post",
    path: "/api/notifications/ticket",
    tags: ["Notifications"],
    summary: "A ticket for one WebSocket",
    description:
      "Replaces a token in the URL, which logs and histories keep. It opens one socket of this session " +
      "and is useless afterwards.",
    takes: { body: NO_BODY },
    answer: success({
      ticket: z.string(),
      expires_in: z.int().positive().openapi({ description: "Seconds" }),
    }),
    meaning: "For `?ticket=`",
    errors: [],
  }, async (me) => ({ success: true as const, ticket: await tickets.issue(me), expires_in: TICKET_SECONDS }));

  return router;
}
