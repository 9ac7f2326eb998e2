// One request of the tus protocol, spoken by @tus/server on the uploads of one person.

import { DataStore, ERRORS, type Locker, Server, Upload } from "@tus/server";
import type { Readable } from "node:stream";
import { AppError, type ErrorCode } from "../services/errors.ts";
import { RESUMABLE_MS } from "../services/media/sweep.ts";
import type { Uploads } from "../services/media/uploads.ts";
import type { Actor } from "../services/sessions.ts";
import { bodyChunks, type Patience } from "./body_chunks.ts";
import { judgeEncoding } from "./content_encoding.ts";
import { mediaType } from "./media.ts";
import { type Flow, flowing } from "./upload_flow.ts";

export const TUS_VERSION = "1.0.0";
export const TUS_EXTENSIONS = ["creation", "creation-with-upload", "termination", "expiration"];

/** What @tus/server refuses by itself, in our codes. */
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
const BODY_TYPE = "application/offset+octet-stream";
/** The same in any case of letters (RFC 9110, section 8.3.1), and with parameters, which say nothing of bytes. */
const BODY_TYPES = /^application\/offset\+octet-stream[ \t]*(;|$)/i;
const METADATA = "Upload-Metadata";
/** As many as the table takes; a name of 255 letters takes 340. */
const METADATA_CHARACTERS_MAX = 4_096;

export interface TusAnswer {
  status: 200 | 201 | 204;
  headers: Headers;
  /** What is to be answered instead. */
  refusal: AppError | null;
}

/**
 * @param late aborts when the service stops: what has arrived is kept then
 * @param locker shared by all requests of this process, so that two on one upload take turns
 */
export async function exchange(
  request: Request,
  { path, uploads, late, locker, me }: {
    path: string;
    uploads: Uploads;
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
  const response = await server.handleWeb(watched(request, { ...uploads, late }));
  // A client that was never told the address of what it began can neither go on with it nor give it up.
  if (response.status !== 201) await store.forget();
  if (store.trouble && !(store.trouble instanceof AppError)) throw store.trouble;
  const failed = response.status >= 400;
  const maxBytes = store.left ?? uploads.uploadBytesMax;
  const refusal = store.trouble ?? (failed ? refusalOf(response.status, maxBytes) : null);
  const headers = new Headers(response.headers);
  // The library would read it and write it anew, in its own spelling.
  if (request.method === "HEAD" && !failed && store.metadata !== null) headers.set(METADATA, store.metadata);
  return { status: response.status as TusAnswer["status"], headers, refusal };
}

/** What the library answers with other codes than the protocol has. @throws AppError */
function judge(request: Request): void {
  const { method, headers } = request;
  if (headers.get("tus-resumable") !== TUS_VERSION) throw new AppError("unsupported_tus_version");
  // The others have no bytes that could be packed.
  if (method === "POST" || method === "PATCH") judgeEncoding(request);
  if (method === "PATCH" && !hasBodyType(request)) throw new AppError("unsupported_media_type");
  if (method === "POST" && (headers.get(METADATA)?.length ?? 0) > METADATA_CHARACTERS_MAX) {
    throw badHeader(METADATA, `Must have at most ${METADATA_CHARACTERS_MAX} characters`);
  }
}

function hasBodyType({ headers }: Request): boolean {
  return BODY_TYPES.test(headers.get("content-type") ?? "");
}

function badHeader(path: string, message: string): AppError {
  return new AppError("invalid_input", { issues: [{ path, message }] });
}

function refusalOf(status: number, maxBytes: number): AppError {
  const code = CODES[status] ?? "unexpected";
  if (code === "too_large") return new AppError(code, { maxBytes });
  if (code !== "invalid_input") return new AppError(code);
  const message =
    "One of Upload-Length, Upload-Offset, Upload-Metadata is missing, wrong, or asks for an extension";
  return badHeader("headers", message);
}

/**
 * The same request, whose body is given up when it comes too slowly. Its type is spelt as the library knows it. Without
 * what proxies say of themselves: the library refuses some of it, and needs none.
 */
function watched(request: Request, { flow, ...patience }: Patience & { flow: Flow }): Request {
  const { url, method } = request;
  const headers = new Headers([...request.headers].filter(([name]) => !name.startsWith("x-forwarded-")));
  if (hasBodyType(request)) headers.set("content-type", BODY_TYPE);
  if (!request.body) return new Request(url, { method, headers });
  const body = ReadableStream.from(flowing(bodyChunks(request, patience), flow));
  return new Request(url, { method, headers, body });
}

/** Uploads of one person as the library wants them. It wraps what is thrown here, so the cause is kept in `trouble`. */
class MediaStore extends DataStore {
  override extensions = TUS_EXTENSIONS;
  trouble: Error | null = null;
  /** As the client gave it at the creation. */
  metadata: string | null;
  /** Bytes that the upload still took when this request came to it; null before it is found. */
  left: number | null = null;
  #begun: number | null = null;
  readonly #uploads: Uploads;
  readonly #me: Actor;

  constructor(uploads: Uploads, me: Actor, metadata: string | null) {
    super();
    this.#uploads = uploads;
    this.#me = me;
    this.metadata = metadata;
  }

  override create(upload: Upload): Promise<Upload> {
    return this.#noting(async () => {
      const declared = mediaType.safeParse(upload.metadata?.media_type ?? upload.metadata?.filetype);
      if (!declared.success) {
        throw badHeader(METADATA, "Must have media_type: audio, video, or a MIME type of those");
      }
      const plan = { declared: declared.data, length: upload.size!, metadata: this.metadata };
      const begun = await this.#uploads.begin(this.#me, plan);
      this.#begun = begun.id;
      this.left = plan.length;
      upload.id = String(begun.id);
      upload.creation_date = begun.touched_at.toISOString();
      return upload;
    });
  }

  override write(stream: Readable, id: string, offset: number): Promise<number> {
    return this.#noting(async () => {
      const row = await this.#find(id);
      // The library's lock is this process's; another may have gone on with the upload since it was looked at.
      if (row.size !== offset) throw new AppError("upload_conflict");
      return (await this.#uploads.append(row, stream)).size;
    });
  }

  override async getUpload(id: string): Promise<Upload> {
    const row = await this.#noting(async () => {
      const row = await this.#find(id);
      this.metadata = row.metadata;
      this.left = row.length! - row.size;
      // Killed between the last byte and the recognition: the client believes that it is done.
      if (row.state === "uploading" && row.size === row.length) await this.#uploads.finish(row);
      return row;
    });
    return new Upload({
      id,
      size: row.length!,
      offset: row.size,
      creation_date: row.touched_at.toISOString(),
    });
  }

  override remove(id: string): Promise<void> {
    return this.#noting(async () => await this.#uploads.remove(await this.#find(id)));
  }

  /** Deletes what this request began. Where not even this can be done, the sweep will. */
  async forget(): Promise<void> {
    if (this.#begun !== null) await this.#uploads.abort(this.#begun).catch(() => {});
  }

  override getExpiration(): number {
    return RESUMABLE_MS;
  }

  finish(id: string): Promise<void> {
    return this.#noting(async () => void await this.#uploads.finish(await this.#find(id)));
  }

  async #find(id: string) {
    const row = /^\d{1,16}$/.test(id) ? await this.#uploads.find(this.#me, Number(id)) : null;
    // One that came in one piece has no length before its end, and nothing to resume.
    if (!row || row.length === null) throw new AppError("media_not_found");
    return row;
  }

  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // What the library threw at the reader of a body it knows how to answer.
      if (error instanceof Error && "status_code" in error) throw error;
      this.trouble ??= error instanceof Error ? error : new Error("Upload failed");
      throw error instanceof AppError ? ERRORS.UNKNOWN_ERROR : error;
    }
  }
}
