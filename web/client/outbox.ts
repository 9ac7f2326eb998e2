// The queue of messages to send. Each message is stored before anything is sent, has a client_id, and is
// removed once the service has answered. So it is sent exactly once, in order for each recipient, and
// survives a closed window. A refused message stays with its error until its writer retries or discards it.

import type { components } from "../api.ts";
import { type Backoff, createBackoff } from "./backoff.ts";
import type { Draft, Drafts } from "./drafts.ts";
import { ApiError, type Http, PASSING } from "./http.ts";
import { createListeners } from "./listeners.ts";
import type { Uploads } from "./uploads.ts";

type Message = components["schemas"]["Message"];

export function createOutbox(
  { drafts, http, uploads, name, person }: {
    drafts: Drafts;
    http: Http;
    uploads: Uploads;
    name: string;
    person: () => string | undefined;
  },
) {
  const changes = createListeners<Draft[]>();
  const sent = createListeners<Message>();
  const progress = createListeners<{ client_id: string; share: number }>();
  const lanes = new Map<string, { again: boolean }>();
  const uploading = new Map<string, { owner: string | undefined; cancel: () => void }>();
  const backoffs = new Map<string, { backoff: Backoff; timer: ReturnType<typeof setTimeout> | undefined }>();
  const others = "BroadcastChannel" in globalThis ? new BroadcastChannel(`${name}.outbox`) : null;
  others?.addEventListener("message", () => tell());

  const { list } = drafts;
  const find = async (clientId: string) => (await list()).find((draft) => draft.client_id === clientId);

  async function tell(): Promise<void> {
    changes.tell(await list());
  }

  async function changed(): Promise<void> {
    others?.postMessage("changed");
    await tell();
  }

  async function add(draft: Omit<Draft, "client_id" | "created_at">): Promise<void> {
    drafts.begin({ ...draft, client_id: newClientId(), created_at: new Date().toISOString() });
    await tell();
    await drafts.store();
    await changed();
    flushLane(draft.phone_number);
  }

  /** Sends all queued messages, in order for each recipient. */
  async function flush(): Promise<void> {
    await drafts.store();
    await tell();
    for (const phone of new Set((await list()).map((draft) => draft.phone_number))) flushLane(phone);
  }

  async function flushLane(phone: string): Promise<void> {
    const running = lanes.get(phone);
    if (running) return void (running.again = true);
    const lane = { again: true };
    lanes.set(phone, lane);
    try {
      while (lane.again) {
        lane.again = false;
        // Another window may be sending to this recipient.
        await alone(`${name}.outbox.${phone}`, () => sendLane(phone)).catch(() => tryLater(phone));
      }
    } finally {
      lanes.delete(phone);
    }
  }

  async function sendLane(phone: string): Promise<void> {
    for (const { client_id } of (await list()).filter((draft) => draft.phone_number === phone)) {
      // It may have been discarded, or sent by another window, since the list was read.
      const draft = await find(client_id);
      if (!draft || draft.failed) continue;
      const outcome = await attempt(draft);
      if (outcome === "later") return tryLater(phone);
      backoffs.get(phone)?.backoff.reset();
    }
  }

  async function attempt(draft: Draft): Promise<"done" | "later"> {
    try {
      const media_content_id = draft.file ? await uploadOf(draft, draft.file) : null;
      const { client_id, phone_number, message_type, message, from } = draft;
      // Never sent for another user than its writer, nor if it was discarded during its upload.
      if (from !== undefined && from !== person() || !await find(client_id)) return "done";
      const answer = await http("post", "/api/messages/send", {
        json: { client_id, phone_number, message_type, message, media_content_id },
      });
      sent.tell(answer.messages[0]!);
      await drafts.remove(client_id);
      await changed();
      return "done";
    } catch (error) {
      const code = error instanceof ApiError ? error.code : "unexpected";
      if (code === "cancelled") return "done";
      if (PASSING.includes(code)) return "later";
      await drafts.update(draft.client_id, { failed: code });
      await changed();
      return "done";
    }
  }

  /**
   * Uploads the file. A phone may call a recording a video although it only has sound: if the service
   * recognises the other kind, the message changes its type.
   */
  async function uploadOf(draft: Draft, file: Blob): Promise<number> {
    try {
      return await uploadAsSaid(draft, file);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.paths.includes("media_type")) throw error;
      const other = {
        message_type: draft.message_type === "video" ? "audio" : "video",
        upload: null,
      } as const;
      Object.assign(draft, other);
      await drafts.update(draft.client_id, other);
      await changed();
      return await uploadAsSaid(draft, file);
    }
  }

  async function uploadAsSaid(draft: Draft, file: Blob): Promise<number> {
    const { client_id, message_type } = draft;
    const cancelling = new AbortController();
    uploading.set(client_id, { owner: person(), cancel: () => cancelling.abort() });
    try {
      return await uploads.upload({
        file,
        kind: message_type === "video" ? "video" : "audio",
        begun: draft.upload ?? null,
        onBegun: async (upload) => {
          draft.upload = upload;
          await drafts.update(client_id, { upload });
        },
        onProgress: (share) => progress.tell({ client_id, share }),
        signal: cancelling.signal,
      });
    } finally {
      uploading.delete(client_id);
    }
  }

  function tryLater(phone: string): void {
    const waiting = backoffs.get(phone) ?? { backoff: createBackoff(), timer: undefined };
    backoffs.set(phone, waiting);
    clearTimeout(waiting.timer);
    waiting.timer = setTimeout(() => flushLane(phone), waiting.backoff.nextMs());
  }

  /** Discards an unsent message, and what has been uploaded of it. */
  async function discard(clientId: string): Promise<void> {
    const draft = await find(clientId);
    if (!draft) return;
    await drafts.remove(clientId);
    uploading.get(clientId)?.cancel();
    await changed();
    if (draft.upload) await uploads.giveUp(draft.upload).catch(() => {});
  }

  async function retry(clientId: string): Promise<void> {
    const draft = await find(clientId);
    if (!draft) return;
    await drafts.update(clientId, { failed: null });
    await changed();
    flushLane(draft.phone_number);
  }

  /** Cancels the uploads of a user who has left; they would hold up what comes next. */
  function dropForeign(): void {
    for (const { owner, cancel } of uploading.values()) if (owner !== person()) cancel();
  }

  return {
    add,
    list,
    flush,
    discard,
    retry,
    dropForeign,
    onChange: changes.on,
    onSent: sent.on,
    onProgress: progress.on,
  };
}

/**
 * Runs in one window at a time if the browser has locks. Without them the client_id still prevents
 * duplicates.
 */
async function alone(lock: string, run: () => Promise<void>): Promise<void> {
  let isBegun = false;
  const begin = () => {
    isBegun = true;
    return run();
  };
  try {
    await navigator.locks.request(lock, begin);
  } catch (error) {
    if (isBegun) throw error;
    await run();
  }
}

/** 128 random bits. Unlike randomUUID(), this also works without TLS. */
function newClientId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
