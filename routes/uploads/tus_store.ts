// The uploads of one user, as a data store of @tus/server.

import { z } from "@hono/zod-openapi";
import { DataStore, ERRORS, Upload } from "@tus/server";
import type { Readable } from "node:stream";
import { AppError } from "../../services/errors.ts";
import { RESUMABLE_MS } from "../../services/media/sweep.ts";
import type { Uploads } from "../../services/media/uploads.ts";
import type { Actor } from "../../services/sessions/sessions.ts";
import { queryId, toInputError } from "../fields.ts";
import { mediaType } from "../media.ts";

const uploadId = z.object({ id: queryId });

export const TUS_EXTENSIONS = ["creation", "creation-with-upload", "termination", "expiration"];
export const METADATA = "Upload-Metadata";

/** Serves a single request. The library wraps errors thrown here, so `trouble` has the original one. */
export class MediaStore extends DataStore {
  override extensions = TUS_EXTENSIONS;
  trouble: Error | null = null;
  /** Upload-Metadata as the client sent it when it created the upload. */
  metadata: string | null;
  /** Bytes that were missing from the upload at the beginning of this request; null until it is found. */
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
      // The library's lock covers this process only: another process may have appended to the upload in the
      // meantime.
      if (row.size !== offset) throw new AppError("upload_conflict");
      return (await this.#uploads.append(row, stream)).size;
    });
  }

  override async getUpload(id: string): Promise<Upload> {
    const row = await this.#noting(async () => {
      const row = await this.#find(id);
      this.metadata = row.metadata;
      this.left = row.length! - row.size;
      // The service was killed between the last byte and the recognition, and the client believes that the
      // upload is complete.
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

  /** Deletes the upload that this request created. If that fails, the sweep deletes it later. */
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
    const { data, error } = uploadId.safeParse({ id });
    if (error) throw toInputError(error);
    const row = await this.#uploads.find(this.#me, data.id);
    // An upload in one piece has no length before it ends, and cannot be resumed.
    if (!row || row.length === null) throw new AppError("media_not_found");
    return row;
  }

  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // An error that the library threw into the body's reader: it knows how to answer it.
      if (error instanceof Error && "status_code" in error) throw error;
      this.trouble ??= error instanceof Error ? error : new Error("Upload failed");
      throw error instanceof AppError ? ERRORS.UNKNOWN_ERROR : error;
    }
  }
}

export function badHeader(path: string, message: string): AppError {
  return new AppError("invalid_input", { issues: [{ path, message }] });
}
