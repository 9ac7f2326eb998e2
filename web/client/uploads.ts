// Resumable uploads of media (tus 1.0): bytes that have arrived are not sent again, even after the window was
// closed.

import { ApiError, bodyOf, refusalOf } from "./http.ts";

export interface Upload {
  file: Blob;
  kind: "audio" | "video";
  /** The id of an upload to resume, or null. */
  begun: string | null;
  onBegun: (id: string) => Promise<void>;
  /** From 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** After so long without progress a connection counts as dead. Another one resumes where it stopped. */
const STALLED_MS = 60_000;

export type Uploads = ReturnType<typeof createUploads>;

/** @param person returns the signed-in user: an upload of somebody who has left since ends as `cancelled` */
export function createUploads({ origin, token, person }: {
  origin: string;
  token: () => string | null;
  person: () => string | undefined;
}) {
  /** Uploads the rest of a file. @returns the id of the media @throws ApiError */
  async function upload({ file, kind, begun, onBegun, onProgress, signal }: Upload): Promise<number> {
    // Otherwise it would look like a network error at every retry.
    if (!await isReadable(file)) throw new ApiError("unreadable", "The file is not as it was");
    let id = begun;
    let offset = id === null ? null : await offsetOf(id);
    if (id === null || offset === null) {
      id = await begin(file, kind);
      offset = 0;
      await onBegun(id);
      // Cancelled before the id was known: nobody else can delete it.
      if (signal.aborted) await giveUp(id).catch(() => {});
    }
    if (offset < file.size || file.size === 0) {
      await send("PATCH", `/${id}`, {
        headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) },
        body: file.slice(offset),
        onSent: (bytes) => onProgress((offset! + bytes) / file.size),
        signal,
      });
    }
    onProgress(1);
    return Number(id);
  }

  async function begin(file: Blob, kind: string): Promise<string> {
    const answer = await send("POST", "", {
      headers: { "Upload-Length": String(file.size), "Upload-Metadata": `media_type ${btoa(kind)}` },
    });
    return answer.getResponseHeader("Location")!.split("/").pop()!;
  }

  /** How many bytes have arrived; null if the service does not know the upload any more. */
  async function offsetOf(id: string): Promise<number | null> {
    try {
      const answer = await send("HEAD", `/${id}`);
      return Number(answer.getResponseHeader("Upload-Offset"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /**
   * Resolves with a successful answer. Uses XMLHttpRequest because fetch() does not report upload progress.
   */
  function send(
    method: string,
    path: string,
    { headers = {}, body = null, onSent = () => {}, signal }: {
      headers?: Record<string, string>;
      body?: Blob | null;
      onSent?: (bytes: number) => void;
      signal?: AbortSignal;
    } = {},
  ): Promise<XMLHttpRequest> {
    const asker = person();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new ApiError("cancelled", "The upload was cancelled"));
      const request = new XMLHttpRequest();
      request.open(method, `${origin}/api/uploads${path}`);
      const given = { "Tus-Resumable": "1.0.0", Authorization: `Bearer ${token()}`, ...headers };
      for (const [name, value] of Object.entries(given)) request.setRequestHeader(name, value);
      const stall = watchForStall(request);
      request.upload.onprogress = ({ loaded }) => {
        stall.move();
        onSent(loaded);
      };
      request.onload = () => {
        const { status } = request;
        if (person() !== asker) {
          return reject(new ApiError("cancelled", "Its owner is not signed in any more"));
        }
        if (status < 300) return resolve(request);
        reject(refusalOf(status, bodyOf(request.responseText)));
      };
      request.onerror = () => reject(new ApiError("offline", "The upload broke off"));
      request.onabort = () =>
        reject(
          stall.isOver()
            ? new ApiError("offline", "The upload came to a stand")
            : new ApiError("cancelled", "The upload was cancelled"),
        );
      signal?.addEventListener("abort", () => request.abort());
      stall.move();
      request.send(body);
    });
  }

  function giveUp(id: string): Promise<unknown> {
    return send("DELETE", `/${id}`);
  }

  return { upload, giveUp };
}

/**
 * Whether the file can be read. After it was picked it may have been changed or deleted, or its card removed.
 */
function isReadable(file: Blob): Promise<boolean> {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

/** Aborts a request that makes no progress. */
function watchForStall(request: XMLHttpRequest) {
  let isOver = false;
  let timer: ReturnType<typeof setTimeout>;
  request.addEventListener("loadend", () => clearTimeout(timer));
  return {
    isOver: () => isOver,
    move() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        isOver = true;
        request.abort();
      }, STALLED_MS);
    },
  };
}
