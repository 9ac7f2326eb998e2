// Resumable uploads: tus 1.0 (https://tus.io/protocols/resumable-upload) by @tus/server, stored in our large
// objects. The id of an upload is also the id of its media.

import { createRoute, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { ErrorCode } from "../../services/errors.ts";
import type { Uploads } from "../../services/media/uploads.ts";
import type { Actor, Sessions } from "../../services/sessions/sessions.ts";
import { errorAnswers, SECURITY, SESSION_ERRORS } from "../answers.ts";
import type { AppEnv } from "../env.ts";
import { INT64 } from "../fields.ts";
import { admitted, limitTransfers } from "../media.ts";
import { createRouter } from "../router.ts";
import { requireSession } from "../session.ts";
import { exchange } from "./tus_exchange.ts";
import { ASKED, TOLD, TUS_VERSION } from "./tus_headers.ts";
import { TUS_EXTENSIONS } from "./tus_store.ts";
import { createUploadLocker } from "./upload_locker.ts";

export const UPLOADS_PATH = "/api/uploads";

const ERRORS_OF_ALL: ErrorCode[] = [...SESSION_ERRORS, "unsupported_tus_version", "invalid_input"];
const ERRORS_OF_BYTES: ErrorCode[] = [
  ...ERRORS_OF_ALL,
  "invalid_media",
  "quota_exceeded",
  "too_large",
  "unsupported_media_type",
  "upload_conflict",
  "upload_stalled",
];

const about = { tags: ["Media"], security: SECURITY };

/**
 * Documented outside `request`, because there the framework would read the whole body into memory to validate
 * it.
 */
const bytes = (required: boolean) => ({
  required,
  content: { "application/offset+octet-stream": { schema: { type: "string" as const, format: "binary" } } },
});
const params = z.object({
  id: z.string().openapi({ param: { name: "id", in: "path" }, type: "integer", ...INT64 }),
});

/**
 * Names the tus version in every answer but that of OPTIONS, errors included, so it has to come first (tus
 * 1.0, Tus-Resumable).
 */
export function nameTus(): MiddlewareHandler<AppEnv> {
  return (c, next) => {
    if (c.req.method !== "OPTIONS") c.header("Tus-Resumable", TUS_VERSION);
    return next();
  };
}

export function uploadRoutes(
  { uploads, sessions }: { uploads: Uploads; sessions: Sessions },
  late: AbortSignal,
) {
  const locker = createUploadLocker();
  const signed = requireSession(sessions);
  const transfer = limitTransfers(uploads, sessions);

  const create = createRoute({
    ...about,
    middleware: [signed, admitted(uploads), transfer] as const,
    method: "post",
    path: UPLOADS_PATH,
    summary: "Create a resumable upload (tus)",
    description:
      "`Upload-Metadata` must contain `media_type` (or `filetype`): audio, video, or a MIME type of those. The last " +
      "part of `Location` is the media's id. HEAD returns the metadata. The request may already contain the first bytes.",
    parameters: [ASKED.version, ASKED.length, ASKED.metadata],
    requestBody: bytes(false),
    responses: {
      201: {
        description: "Created; continue at `Location`",
        headers: { ...TOLD.location, ...TOLD.progress },
      },
      ...errorAnswers(ERRORS_OF_BYTES),
    },
  });
  const state = createRoute({
    ...about,
    middleware: [signed] as const,
    method: "head",
    path: `${UPLOADS_PATH}/{id}`,
    summary: "The progress of an upload (tus)",
    request: { params },
    parameters: [ASKED.version],
    responses: {
      200: {
        description: "`Upload-Offset` bytes of `Upload-Length`, and the `Upload-Metadata` of its creation",
        headers: { ...TOLD.progress, ...TOLD.plan },
      },
      ...errorAnswers([...ERRORS_OF_ALL, "media_not_found"]),
    },
  });
  const append = createRoute({
    ...about,
    middleware: [signed, transfer] as const,
    method: "patch",
    path: `${UPLOADS_PATH}/{id}`,
    summary: "Continue an upload (tus)",
    description: "A client that cannot send PATCH, HEAD or DELETE sends POST with `X-HTTP-Method-Override`.",
    request: { params },
    parameters: [ASKED.version, ASKED.offset],
    requestBody: bytes(true),
    responses: {
      204: {
        description:
          "Stored up to `Upload-Offset`; once complete, the type is recognised and the media can be sent",
        headers: TOLD.progress,
      },
      ...errorAnswers([...ERRORS_OF_BYTES, "media_not_found"]),
    },
  });
  const terminate = createRoute({
    ...about,
    middleware: [signed] as const,
    method: "delete",
    path: `${UPLOADS_PATH}/{id}`,
    summary: "Delete an upload (tus)",
    description: "Also works for a finished upload, as long as no message carries it.",
    request: { params },
    parameters: [ASKED.version],
    responses: {
      204: { description: "Deleted" },
      ...errorAnswers([...ERRORS_OF_ALL, "media_not_found", "media_sent"]),
    },
  });
  const options = {
    tags: about.tags,
    method: "options" as const,
    summary: "The supported version and extensions of tus",
    responses: { 204: { description: "Version, extensions, maximum size" } },
  };

  const speak = async (c: Context, me: Actor) => {
    // Set before anything can fail: a client whose version is refused learns which one to use.
    c.header("Tus-Version", TUS_VERSION);
    const answer = await exchange(c.req.raw, { path: UPLOADS_PATH, uploads, sessions, late, locker, me });
    answer.headers.forEach((value, name) => {
      if (!/^(access-control-|content-)/.test(name)) c.header(name, value);
    });
    if (answer.refusal) throw answer.refusal;
    return c.body(null, answer.status);
  };
  const introduce = (c: Context) => {
    c.header("Tus-Resumable", TUS_VERSION);
    c.header("Tus-Version", TUS_VERSION);
    c.header("Tus-Extension", TUS_EXTENSIONS.join(","));
    c.header("Tus-Max-Size", String(uploads.uploadBytesMax));
    return c.body(null, 204);
  };

  const router = createRouter<AppEnv>()
    .openapi(create, (c) => speak(c, c.get("actor")))
    .openapi(append, (c) => speak(c, c.get("actor")))
    .openapi(terminate, (c) => speak(c, c.get("actor")))
    .openapi(createRoute({ ...options, path: UPLOADS_PATH }), introduce)
    .openapi(createRoute({ ...options, path: `${UPLOADS_PATH}/{id}`, request: { params } }), introduce);
  const { middleware: _, ...documented } = state;
  router.openAPIRegistry.registerPath(documented);
  // The framework handles HEAD as a GET without a body. A real GET never comes this far: it is not
  // documented, so it was answered 405.
  router.get(`${UPLOADS_PATH}/:id`, signed, (c) => speak(c, c.get("actor")));
  return router;
}
