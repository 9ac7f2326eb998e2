// Uploads of audio and video in one request, and signed addresses that play them.

import { createRoute, z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { getPath } from "hono/utils/url";
import type { Library } from "../services/media/library.ts";
import type { Uploads } from "../services/media/uploads.ts";
import type { Actor, Sessions } from "../services/sessions/sessions.ts";
import { answers, SECURITY, SESSION_ERRORS, success } from "./answers.ts";
import { filePart, judgeMultipart } from "./bodies/multipart.ts";
import type { AppEnv, SignedInEnv } from "./env.ts";
import { type CallContext, jsonCalls } from "./json_calls.ts";
import { mediaParams } from "./media_download.ts";
import { createRouter } from "./router.ts";
import { requireSession } from "./session.ts";
import { wireId, wireTime } from "./wire.ts";

const tags = ["Media"];

/** `audio`, `video`, or a MIME type of those; only the kind is used. */
export const mediaType = z.string()
  .regex(/^(audio|video)(\/[\w.+-]+ *(;.*)?)?$/i, "Must be audio, video, or a MIME type of those")
  .transform((type) => type.slice(0, 5).toLowerCase() as "audio" | "video")
  .openapi({ type: "string", example: "audio" });

/** The path by which routes are found: without the slash that some clients append to addresses of media. */
export function pathOf(request: Request): string {
  return getPath(request).replace(/^(\/api\/messages\/media(?:\/[^/]+)?)\/$/, "$1");
}

export function mediaRoutes(
  { uploads, library, sessions }: { uploads: Uploads; library: Library; sessions: Sessions },
  { calls, publicUrl, late }: { calls: CallContext; publicUrl: string; late: AbortSignal },
) {
  const signed = requireSession(sessions);
  const transfer = limitTransfers(uploads, sessions);
  const multipart = createMiddleware<AppEnv>(async (c, next) => {
    judgeMultipart(c.req.raw, uploads.uploadBytesMax);
    await next();
  });

  const upload = createRoute({
    method: "post",
    path: "/api/messages/upload_media",
    tags,
    summary: "Upload audio or video",
    description: "The type is recognised from the bytes and has to match media_type. For large " +
      "files on bad networks see `/api/uploads`.",
    security: SECURITY,
    middleware: [signed, admitted(uploads), transfer, multipart] as const,
    request: { query: z.object({ media_type: mediaType }) },
    // Documented outside `request`, because there the framework would read the whole body into memory to
    // validate it.
    requestBody: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: {
            type: "object",
            required: ["file"],
            properties: { file: { type: "string", format: "binary" } },
            additionalProperties: false,
          },
        },
      },
    },
    responses: answers("It is stored; send its id in a message", success({ id: wireId }), [
      ...SESSION_ERRORS,
      "unsupported_media_type",
      "too_large",
      "quota_exceeded",
      "invalid_input",
      "invalid_media",
      "upload_stalled",
    ]),
  });

  const router = createRouter<AppEnv>().openapi(upload, async (c) => {
    const { media_type } = c.req.valid("query");
    const file = filePart(c.req.raw, { ...uploads, late });
    const me = c.get("actor");
    const id = await receive(uploads, sessions.whileLive(me, file), me, media_type);
    return c.json({ success: true as const, id }, 200);
  });
  const { addSigned } = jsonCalls(router, calls);

  addSigned({
    method: "get",
    path: "/api/messages/media/{id}/url",
    tags,
    summary: "A URL that plays this file for ten minutes without a token",
    takes: { params: mediaParams },
    answer: success({ url: z.url(), expires_at: wireTime }),
    meaning: "Anybody who has the URL can play the file",
    errors: ["invalid_input", "media_not_found"],
  }, async (me, { params: { id } }) => {
    const { expires, signature, expires_at } = await library.sign(me, id);
    const url = `${publicUrl}/api/messages/media/${id}?expires=${expires}&signature=${signature}`;
    return { success: true as const, url, expires_at: expires_at.toISOString() };
  });

  return router;
}

/**
 * Middleware of routes that transfer bytes: a user may have few transfers at a time, and further ones wait.
 */
export function limitTransfers(uploads: Uploads, sessions: Sessions) {
  return createMiddleware<SignedInEnv>((c, next) => {
    const me = c.get("actor");
    const run = async () => {
      // The session may have ended while the request waited for its turn.
      await sessions.confirm(me);
      await next();
    };
    return uploads.transfer(me, run, c.req.raw);
  });
}

/**
 * Middleware of routes that begin an upload: counts it, and takes that back if it is refused before its body
 * is read.
 */
export function admitted(uploads: Uploads) {
  return createMiddleware<SignedInEnv>(async (c, next) => {
    const takeBack = uploads.admit(c.get("actor"));
    await next();
    if (c.get("errorCode") && !c.req.raw.bodyUsed) takeBack();
  });
}

async function receive(
  uploads: Uploads,
  file: AsyncIterable<Uint8Array>,
  me: Actor,
  kind: "audio" | "video",
): Promise<number> {
  const upload = await uploads.begin(me, { declared: kind, length: null, metadata: null });
  try {
    return await uploads.finish(await uploads.append(upload, file));
  } catch (error) {
    // If this fails too, the sweep deletes it later.
    await uploads.abort(upload.id).catch(() => {});
    throw error;
  }
}
