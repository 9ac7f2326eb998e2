// The inviter's side of invitations.

import { createRoute, z } from "@hono/zod-openapi";
import type { Invites } from "../services/invites.ts";
import type { Sessions } from "../services/sessions.ts";
import { answers, SECURITY, SESSION_ERRORS, success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { createRouter } from "./router.ts";
import { requireSession } from "./session.ts";
import { type Wire, wireNumber, wireTime } from "./wire.ts";

const inviteList = success({
  invites: z.array(
    z.strictObject({
      phone_number: wireNumber,
      status: z.enum(["sent", "undelivered", "joined"]).openapi({
        description: "`sent` as long as nothing else is to be told; `joined` when the number has an account",
      }),
      created_at: wireTime,
    }).openapi("Invite"),
  ),
  remaining_today: z.int().nonnegative().openapi({
    description: "Invitations left of the last 24 hours' ten",
  }),
}).openapi("InviteList");

export function inviteListRoutes(
  { invites, sessions }: { invites: Invites; sessions: Sessions },
  wire: Wire,
) {
  const list = createRoute({
    method: "get",
    path: "/api/invites",
    tags: ["Contacts"],
    summary: "My invitations",
    description: "Those of my requests that went to numbers without an account.",
    security: SECURITY,
    middleware: [requireSession(sessions)] as const,
    responses: answers("Newest first", inviteList, SESSION_ERRORS),
  });

  return createRouter<AppEnv>().openapi(list, async (c) => {
    const mine = await invites.list(c.get("actor"));
    const rows = mine.invites.map(({ phone_number, status, created_at }) => ({
      phone_number: wire.number(phone_number),
      status,
      created_at: created_at.toISOString(),
    }));
    return c.json({ success: true as const, invites: rows, remaining_today: mine.remaining_today }, 200);
  });
}
