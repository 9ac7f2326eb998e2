// Media on their way up, resumable (tus 1.0): what has arrived is not sent again, also after the window was closed.

import { ApiError, bodyOf, refusalOf } from "./http.ts";

export interface Upload {
  file: Blob;
  kind: "audio" | "video";
  /** What was begun before, where anything was. */
  begun: string | null;
  onBegun: (id: string) => Promise<void>;
  /** From 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** A connection on which nothing has moved for so long is dead. What has arrived is not lost by trying another. */
const STALLED_MS = 60_000;

export type Uploads = ReturnType<typeof createUploads>;

/** @param person who is signed in: what was begun for somebody who has left since is `cancelled` */
export function createUploads({ origin, token, person }: {
  origin: string;
  token: () => string | null;
  person: () => string | undefined;
}) {
  /** Sends what has not arrived yet. @returns the id of the media @throws ApiError */
  async function upload({ file, kind, begun, onBegun, onProgress, signal }: Upload): Promise<number> {
    // To the browser it looks like a network that breaks off, again and again.
    if (!await isReadable(file)) throw new ApiError("unreadable", "The file is not as it was");
    let id = begun;
    let offset = id === null ? null : await offsetOf(id);
    if (id === null || offset === null) {
      id = await begin(file, kind);
      offset = 0;
      await onBegun(id);
      // Whoever cancelled it meanwhile may not have known of it.
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

  /** How much has arrived; null where nothing is known of it any more. */
  async function offsetOf(id: string): Promise<number | null> {
    try {
      const answer = await send("HEAD", `/${id}`);
      return Number(answer.getResponseHeader("Upload-Offset"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** Resolves with a success. By XMLHttpRequest: fetch() does not tell how much has been sent. */
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

/** What was picked may be changed, deleted, or on a card that is out: then nothing of it can be read any more. */
function isReadable(file: Blob): Promise<boolean> {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

/** Aborts a request on which nothing moves any more. */
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
