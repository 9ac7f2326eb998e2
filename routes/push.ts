// Web Push: the key to subscribe with, and the subscription, one for each session.

import { z } from "@hono/zod-openapi";
import { Buffer } from "node:buffer";
import { ECDH } from "node:crypto";
import { ENDPOINT_MAX } from "../services/push/endpoints.ts";
import type { Push } from "../services/push/push.ts";
import { done, success } from "./answers.ts";
import type { AppEnv } from "./env.ts";
import { text } from "./fields.ts";
import { type CallContext, jsonCalls } from "./json_calls.ts";
import { createRouter } from "./router.ts";

const tags = ["Push"];
/** The last millisecond of the year 9999: PostgreSQL cannot parse what a Date writes for later ones. */
const TIME_MS_MAX = 253_402_300_799_999;

const key = success({
  public_key: z.string().openapi({ description: "For `applicationServerKey`: a P-256 point in base64url" }),
}).openapi("PushKey");

const subscription = z.strictObject({
  endpoint: text({ min: 1, max: ENDPOINT_MAX }).openapi({
    example: "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB",
  }),
  expirationTime: z.number().min(0).max(TIME_MS_MAX).nullish().openapi({
    description: "Milliseconds since 1970",
  }),
  keys: z.strictObject({
    p256dh: z.string().refine(isPoint, "Must be a P-256 point of 65 bytes in base64url without padding"),
    auth: z.string().regex(/^[\w-]{22}$/, "Must be 16 bytes in base64url without padding"),
  }),
}).openapi("PushSubscription", { description: "What PushSubscription.toJSON() gives in a browser" });

export function pushRoutes(push: Push, calls: CallContext) {
  const router = createRouter<AppEnv>();
  const { addSigned } = jsonCalls(router, calls);

  addSigned({
    method: "get",
    path: "/api/push/key",
    tags,
    summary: "The key to subscribe with",
    description:
      "A subscription made with another key does not work: subscribe again when the key has changed.",
    takes: {},
    answer: key,
    meaning: "The public VAPID key of this service",
    errors: [],
  }, async () => ({ success: true as const, public_key: await push.publicKey() }));

  addSigned({
    method: "put",
    path: "/api/push/subscription",
    tags,
    summary: "Wake this session's browser",
    description:
      "While this session has no open socket, its browser gets a push for a new message and for a friend " +
      'request: encrypted JSON, `{"event":"messages_updated"}` or `{"event":"contacts_updated"}`, and nothing more; at ' +
      "most one a minute. A session has one subscription, and it ends with the session. The endpoint must be that of " +
      "a push service that the operator allows.",
    takes: { body: subscription },
    answer: done,
    meaning: "It is the session's subscription now",
    errors: [],
  }, async (me, { body: { endpoint, expirationTime, keys } }) => {
    const expires_at = typeof expirationTime === "number" ? new Date(expirationTime) : null;
    await push.subscribe(me, { endpoint, expires_at, ...keys });
    return { success: true as const };
  });

  addSigned({
    method: "delete",
    path: "/api/push/subscription",
    tags,
    summary: "Stop waking this session's browser",
    takes: {},
    answer: done,
    meaning: "The session has no subscription any more",
    errors: [],
  }, async (me) => {
    await push.unsubscribe(me);
    return { success: true as const };
  });

  return router;
}

/** Whether it is a valid uncompressed point of P-256 (RFC 8291). */
function isPoint(encoded: string): boolean {
  if (!/^B[\w-]{86}$/.test(encoded)) return false;
  try {
    ECDH.convertKey(Buffer.from(encoded, "base64url"), "prime256v1");
    return true;
  } catch {
    return false;
  }
}
