// Downloads of audio and video: by ranges, for any player, with headers that keep the content harmless
// whatever it is.

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { AppError } from "../services/errors.ts";
import type { Library, OpenMedia } from "../services/media/library.ts";
import type { Actor, Sessions } from "../services/sessions/sessions.ts";
import { errorAnswers, SESSION_ERRORS } from "./answers.ts";
import { parseRange } from "./byte_range.ts";
import type { AppEnv } from "./env.ts";
import { hasAlready } from "./etags.ts";
import { queryId, queryToken } from "./fields.ts";
import { SMALL_MAX } from "./large_answers.ts";
import { createRouter } from "./router.ts";
import { bearerToken } from "./session.ts";

interface Download {
  media: OpenMedia;
  /** How many seconds the browser may replay it without asking again. */
  keptSeconds: number;
  /** Rejects if the reader's access has ended. */
  confirm: () => Promise<void>;
}

/** The reader: a user, or null for the holder of a signed address. */
interface ReaderEnv extends AppEnv {
  Variables: AppEnv["Variables"] & { reader: Actor | null };
}

const keys = {
  token: queryToken,
  expires: z.string().regex(/^\d{1,12}$/, "Must be a time in seconds since 1970").transform(Number).optional()
    .openapi({ type: "integer" }),
  signature: z.string().optional(),
};
type Keys = z.infer<z.ZodObject<typeof keys>>;

/** File extensions that phones know. For other types it is the second half of the MIME type. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  "audio/3gpp": "3gp",
  "audio/3gpp2": "3g2",
  "audio/amr-wb": "awb",
  "audio/matroska": "mka",
  "audio/mp4": "m4a",
  "audio/mpeg": "mp3",
  "video/3gpp": "3gp",
  "video/3gpp2": "3g2",
  "video/matroska": "mkv",
  "video/quicktime": "mov",
};

const bytes = { "*/*": { schema: { type: "string" as const, format: "binary" } } };
const etag = {
  "ETag": { schema: { type: "string" as const }, description: "For If-None-Match and If-Range" },
};
const about = {
  method: "get" as const,
  tags: ["Media"],
  description:
    "For the uploader and both people of any message that carries it; for everybody else it does not exist. " +
    "Supports one byte range, If-Range and If-None-Match.",
  security: [{ bearer: [] }, { queryToken: [] }, { signature: [] }],
  responses: {
    200: { description: "The whole file", content: bytes, headers: etag },
    206: {
      description: "The range",
      content: bytes,
      headers: {
        ...etag,
        "Content-Range": { schema: { type: "string" as const }, description: "`bytes 0-99/1000`" },
      },
    },
    304: { description: "Not modified", headers: etag },
    ...errorAnswers([...SESSION_ERRORS, "invalid_input", "media_not_found", "range_not_satisfiable"]),
  },
};

export const mediaParams = z.object({
  id: queryId.openapi({ param: { name: "id", in: "path" }, type: "integer" }),
});

export function mediaDownloadRoutes(
  { library, sessions, now }: { library: Library; sessions: Sessions; now: () => Date },
) {
  const read = requireReader(sessions);

  const byPath = createRoute({
    ...about,
    path: "/api/messages/media/{id}",
    summary: "Download or play media",
    middleware: [read] as const,
    request: { params: mediaParams, query: z.object(keys) },
  });
  const byQuery = createRoute({
    ...about,
    path: "/api/messages/media",
    summary: "Download or play media, by query",
    middleware: [read] as const,
    request: { query: z.object({ ...keys, media_content_id: queryId }) },
  });

  /**
   * A signed address lets the browser cache the media until it expires. With a session nothing may be shown
   * without asking again, because it can end at any moment.
   */
  async function open(
    reader: Actor | null,
    id: number,
    { expires = 0, signature = "" }: Keys,
  ): Promise<Download> {
    if (reader) {
      return {
        media: await library.open(reader, id),
        keptSeconds: 0,
        confirm: () => sessions.confirm(reader),
      };
    }
    const media = await library.openSigned(id, { expires, signature });
    // The session that had it signed may have ended since: the address stays valid for its ten minutes
    // regardless.
    const confirm = () => Promise.resolve();
    return { media, keptSeconds: expires - Math.ceil(now().getTime() / 1000), confirm };
  }

  async function answer(c: Context<ReaderEnv>, id: number, keys: Keys) {
    return send(c, library, await open(c.get("reader"), id, keys));
  }

  return createRouter<AppEnv>()
    .openapi(byPath, (c) => answer(c, c.req.valid("param").id, c.req.valid("query")))
    .openapi(byQuery, (c) => {
      const { media_content_id, ...keys } = c.req.valid("query");
      return answer(c, media_content_id, keys);
    });
}

/** With a signature no token is looked at. Only the handler, which knows the media's id, can verify it. */
function requireReader(sessions: Sessions) {
  return createMiddleware<ReaderEnv>(async (c, next) => {
    const isSigned = c.req.query("signature") !== undefined;
    const token = bearerToken(c.req.header("authorization")) ?? c.req.query("token") ?? null;
    c.set("reader", isSigned ? null : await sessions.authenticate(token));
    await next();
  });
}

async function send(
  c: Context<ReaderEnv>,
  library: Library,
  { media, keptSeconds, confirm }: Download,
): Promise<Response> {
  const etag = `"${media.id}-${media.size}"`;
  const isKnown = hasAlready(c.req.header("if-none-match"), etag);
  const range = isKnown ? null : wantedRange(c, media.size, etag);
  if (range === "unsatisfiable") {
    c.header("Content-Range", `bytes */${media.size}`);
    throw new AppError("range_not_satisfiable");
  }
  const { start, end } = range ?? { start: 0, end: media.size };
  const hasBody = !isKnown && c.req.method === "GET";
  if (hasBody && end - start > SMALL_MAX) holdSlot(c, await library.takeSlot(media.by, c.req.raw));
  for (const [name, value] of Object.entries(headersOf(media, etag))) c.header(name, value);
  c.header("Cache-Control", keptSeconds > 0 ? `private, max-age=${keptSeconds}` : "private, no-cache");
  // Another person at the same browser may have no access to it.
  c.header("Vary", "Authorization", { append: true });
  if (isKnown) return c.body(null, 304);

  c.header("Content-Length", String(end - start));
  if (range) c.header("Content-Range", `bytes ${start}-${end - 1}/${media.size}`);
  if (!hasBody) return c.body(null, 200);
  return c.body(library.bytes(media, { start, end, confirm }), range ? 206 : 200);
}

/** Keeps the slot until the client has everything or is gone, so a client that does not read keeps it. */
function holdSlot(c: Context<ReaderEnv>, leave: () => void): void {
  c.env.completed.then(leave, leave);
}

/** Ranges are for GET alone (RFC 9110, section 14.2), and with If-Range only for the same media as before. */
function wantedRange(c: Context<ReaderEnv>, size: number, etag: string) {
  const ifRange = c.req.header("if-range");
  const isWanted = c.req.method === "GET" && (ifRange === undefined || ifRange === etag);
  return isWanted ? parseRange(c.req.header("range"), size) : null;
}

/**
 * Media never change, but who may see them does. So a browser may keep them but has to revalidate them by
 * their ETag, and shared caches may not keep them.
 */
function headersOf({ id, media_type }: OpenMedia, etag: string): Record<string, string> {
  const extension = EXTENSIONS[media_type] ?? media_type.split("/")[1];
  return {
    "Accept-Ranges": "bytes",
    "Content-Disposition": `inline; filename="${id}.${extension}"`,
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'; frame-ancestors 'none'",
    "Content-Type": media_type,
    "Cross-Origin-Resource-Policy": "cross-origin",
    "ETag": etag,
  };
}
