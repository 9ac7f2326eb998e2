// The inviter's side of invitations.

import { z } from "@hono/zod-openapi";
import type { Invites } from "../../services/invites/invites.ts";
import { success } from "../answers.ts";
import type { AppEnv } from "../env.ts";
import { type CallContext, jsonCalls } from "../json_calls.ts";
import { createRouter } from "../router.ts";
import { type Wire, wireNumber, wireTime } from "../wire.ts";

const inviteList = success({
  invites: z.array(
    z.strictObject({
      phone_number: wireNumber,
      status: z.enum(["sent", "undelivered", "joined"]).openapi({
        description: "`sent` until something else is known; `joined` once the number has an account",
      }),
      created_at: wireTime,
    }).openapi("Invite"),
  ),
  remaining_today: z.int().nonnegative().openapi({
    description: "How many of the ten invitations in 24 hours are left",
  }),
}).openapi("InviteList");

export function inviteListRoutes(invites: Invites, { calls, wire }: { calls: CallContext; wire: Wire }) {
  const router = createRouter<AppEnv>();
  const { addSigned } = jsonCalls(router, calls);

  addSigned({
    method: "get",
    path: "/api/invites",
    tags: ["Contacts"],
    summary: "My invitations",
    description: "My friend requests to numbers that had no account.",
    takes: {},
    answer: inviteList,
    meaning: "Newest first",
    errors: [],
  }, async (me) => {
    const mine = await invites.list(me);
    const rows = mine.invites.map(({ phone_number, status, created_at }) => ({
      phone_number: wire.number(phone_number),
      status,
      created_at: created_at.toISOString(),
    }));
    return { success: true as const, invites: rows, remaining_today: mine.remaining_today };
  });

  return router;
}
