// Messages on their way. Each is kept before anything is sent, carries a client_id, and is taken out when the service
// has answered for it: it goes out once, after those to the same person that were written before it, and survives a
// closed window. A refusal stays here with its reason until its writer tries again or gives it up.

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

  /** Sends what waits, each person's messages in their order. */
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
        // Another window of this browser may be at it.
        await alone(`${name}.outbox.${phone}`, () => sendLane(phone)).catch(() => tryLater(phone));
      }
    } finally {
      lanes.delete(phone);
    }
  }

  async function sendLane(phone: string): Promise<void> {
    for (const { client_id } of (await list()).filter((draft) => draft.phone_number === phone)) {
      // It may have been given up, or sent by another window, since the list was read.
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
      // Never under another name than its writer's, nor what was given up while its media were on their way.
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

  /** What a phone calls a video may be a sound alone: the service knows, and then it is sent as what it is. */
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

  /** Gives a message up that has not been sent, and what of it has arrived. */
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

  /** When somebody else signed in or nobody is: what was on its way for who has left would hold up what comes next. */
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

/** One window at a time, where the browser can tell; elsewhere the client_id still keeps a message from going out twice. */
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

/** 128 random bits. Unlike randomUUID() this is also there without TLS. */
function newClientId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
