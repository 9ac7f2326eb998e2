// Tickets for WebSockets, for clients that can put what they have into nothing but the address.

import { createRoute, z } from "@hono/zod-openapi";
import type { Sessions } from "../services/sessions.ts";
import { TICKET_SECONDS, type Tickets } from "../services/tickets.ts";
import { answers, BODY_ERRORS, SECURITY, SESSION_ERRORS, success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { readNothing } from "./json_body.ts";
import { createRouter } from "./router.ts";
import { requireSession } from "./session.ts";

export function ticketRoutes({ sessions, tickets }: { sessions: Sessions; tickets: Tickets }) {
  const route = createRoute({
    method: "post",
    path: "/api/notifications/ticket",
    tags: ["Notifications"],
    summary: "A ticket for one WebSocket",
    description:
      "Instead of a token in an address, which logs and histories keep: it opens one socket of this session, " +
      "and is worth nothing after that.",
    security: SECURITY,
    middleware: [requireSession(sessions), readNothing] as const,
    responses: answers(
      "For `?ticket=`",
      success({ ticket: z.string(), expires_in: z.int().positive().openapi({ description: "Seconds" }) }),
      [...SESSION_ERRORS, ...BODY_ERRORS],
    ),
  });

  return createRouter<AppEnv>().openapi(route, async (c) => {
    const ticket = await tickets.issue(c.get("actor"));
    return c.json({ success: true as const, ticket, expires_in: TICKET_SECONDS }, 200);
  });
}
