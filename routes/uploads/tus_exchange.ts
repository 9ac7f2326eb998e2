// Answers one request of the tus protocol by @tus/server, on the uploads of one user.

import { type Locker, Server } from "@tus/server";
import { AppError, type ErrorCode } from "../../services/errors.ts";
import type { Uploads } from "../../services/media/uploads.ts";
import type { Actor, Sessions } from "../../services/sessions/sessions.ts";
import { bodyChunks } from "../bodies/body_chunks.ts";
import { judgeEncoding } from "../bodies/content_encoding.ts";
import { TUS_VERSION } from "./tus_headers.ts";
import { badHeader, MediaStore, METADATA } from "./tus_store.ts";
import { flowing } from "./upload_flow.ts";

/** Our codes for the statuses that @tus/server itself refuses with. */
const CODES: Record<number, ErrorCode> = {
  400: "invalid_input",
  403: "invalid_input",
  404: "media_not_found",
  409: "upload_conflict",
  410: "media_not_found",
  412: "unsupported_tus_version",
  413: "too_large",
  415: "unsupported_media_type",
  423: "upload_conflict",
  501: "invalid_input",
};
const LENGTH = "Upload-Length";
const OFFSET = "Upload-Offset";
/** Headers that ask for tus extensions which this service does not have. */
const EXTENSIONS = ["Upload-Concat", "Upload-Defer-Length"];
const BODY_TYPE = "application/offset+octet-stream";
/**
 * The same in any case (RFC 9110, section 8.3.1), with or without parameters, which mean nothing for bytes.
 */
const BODY_TYPES = /^application\/offset\+octet-stream[ \t]*(;|$)/i;
/** The limit of the database column. A file name of 255 characters takes 340. */
const METADATA_CHARACTERS_MAX = 4_096;

export interface TusAnswer {
  status: 200 | 201 | 204;
  headers: Headers;
  /** The error to answer with instead; null for a success. */
  refusal: AppError | null;
}

/**
 * @param late aborts when the service stops; what has arrived by then is kept
 * @param locker shared by all requests of this process, so that two requests for one upload take turns
 */
export async function exchange(
  request: Request,
  { path, uploads, sessions, late, locker, me }: {
    path: string;
    uploads: Uploads;
    sessions: Sessions;
    late: AbortSignal;
    locker: Locker;
    me: Actor;
  },
): Promise<TusAnswer> {
  judge(request);
  const store = new MediaStore(uploads, me, request.headers.get(METADATA));
  const server = new Server({
    path,
    locker: { newLock: (id) => locker.newLock(`${me.user_id} ${id}`) },
    datastore: store,
    relativeLocation: true,
    maxSize: uploads.uploadBytesMax,
    onUploadFinish: async (_request, { id }) => {
      await store.finish(id);
      return {};
    },
  });
  const response = await server.handleWeb(
    watched(
      request,
      (body) => sessions.whileLive(me, flowing(bodyChunks(body, { ...uploads, late }), uploads.flow)),
    ),
  );
  // The client was not told the address of the upload that it began, so it can neither resume nor delete it.
  if (response.status !== 201) await store.forget();
  if (store.trouble && !(store.trouble instanceof AppError)) throw store.trouble;
  const failed = response.status >= 400;
  const maxBytes = store.left ?? uploads.uploadBytesMax;
  const refusal = store.trouble ?? (failed ? refusalOf(response.status, maxBytes, request.method) : null);
  const headers = new Headers(response.headers);
  // The library would parse it and write it in its own spelling.
  if (request.method === "HEAD" && !failed && store.metadata !== null) headers.set(METADATA, store.metadata);
  return { status: response.status as TusAnswer["status"], headers, refusal };
}

/** Refuses what the library would answer with codes other than the protocol's. @throws AppError */
function judge(request: Request): void {
  const { method, headers } = request;
  if (headers.get("tus-resumable") !== TUS_VERSION) throw new AppError("unsupported_tus_version");
  // The other methods have no body that could be compressed.
  if (method === "POST" || method === "PATCH") judgeEncoding(request);
  if (method === "PATCH" && !hasBodyType(request)) throw new AppError("unsupported_media_type");
  for (const name of EXTENSIONS) {
    if (headers.has(name)) throw badHeader(name, "Is part of a tus extension that is not supported");
  }
  if (method === "POST" || headers.has(LENGTH)) {
    judgeNumber(headers, LENGTH, "the total number of bytes, known in advance");
  }
  if (method === "PATCH") judgeNumber(headers, OFFSET, "the offset of these bytes");
  if (method === "POST" && (headers.get(METADATA)?.length ?? 0) > METADATA_CHARACTERS_MAX) {
    throw badHeader(METADATA, `Must have at most ${METADATA_CHARACTERS_MAX} characters`);
  }
}

/** @throws AppError invalid_input */
function judgeNumber(headers: Headers, name: string, meaning: string): void {
  const value = headers.get(name) ?? "";
  if (!/^(0|[1-9]\d*)$/.test(value) || !Number.isSafeInteger(Number(value))) {
    throw badHeader(name, `Must be a whole number: ${meaning}`);
  }
}

function hasBodyType({ headers }: Request): boolean {
  return BODY_TYPES.test(headers.get("content-type") ?? "");
}

function refusalOf(status: number, maxBytes: number, method: string): AppError {
  const code = CODES[status] ?? "unexpected";
  if (code === "too_large") return new AppError(code, { maxBytes });
  if (code !== "invalid_input") return new AppError(code);
  return method === "POST"
    ? badHeader(METADATA, "Must be a list of keys, each with a value in base64")
    : badHeader("headers", "One of them is invalid");
}

/**
 * The same request, with its body passed through `watch` and its content type spelt as the library knows it.
 * X-Forwarded headers are dropped: the library refuses some values and needs none.
 */
function watched(request: Request, watch: (request: Request) => AsyncIterable<Uint8Array>): Request {
  const { url, method } = request;
  const headers = new Headers([...request.headers].filter(([name]) => !name.startsWith("x-forwarded-")));
  if (hasBodyType(request)) headers.set("content-type", BODY_TYPE);
  if (!request.body) return new Request(url, { method, headers });
  return new Request(url, { method, headers, body: ReadableStream.from(watch(request)) });
}
