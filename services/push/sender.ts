// Sends one push: a few encrypted bytes that name the kind of event and nothing else.

import type { Wake, WakeEvent } from "../../db/push/push_wakes.ts";
import { fetchOnce } from "../fetch_once.ts";
import type { PushPair } from "./keys.ts";

/**
 * The outcome of a push. `failed` may be retried, `silent` (no answer) may have arrived, `gone` means that
 * the subscription no longer exists.
 */
export type Pushed =
  | { outcome: "taken" | "gone" }
  | { outcome: "refused"; status: number }
  | { outcome: "failed"; status: number | null; retryAfterMs: number | null }
  | { outcome: "silent" };

export type PushSender = (
  wake: Pick<Wake, "endpoint" | "p256dh" | "auth" | "wake_for">,
  pair: PushPair,
) => Promise<Pushed>;

const TIMEOUT_MS = 10_000;
/** How long the push service keeps a push for a device that is off. */
const TTL_SECONDS = 3 * 24 * 60 * 60;
/** A newer push replaces one that still waits (RFC 8030, section 5.4). */
const TOPIC = "puffintalk";
const URGENCY: Record<WakeEvent, string> = { messages_updated: "high", contacts_updated: "normal" };

/** The library, loaded with the first push, encrypts (RFC 8291) and signs; the HTTP request is our own. */
export function createPushSender(
  { subject, timeoutMs = TIMEOUT_MS }: { subject: string; timeoutMs?: number },
): PushSender {
  return async ({ endpoint, p256dh, auth, wake_for }, { public_key, private_key }) => {
    const { default: webPush } = await import("web-push");
    const { headers, body } = webPush.generateRequestDetails(
      { endpoint, keys: { p256dh, auth } },
      JSON.stringify({ event: wake_for }),
      {
        vapidDetails: { subject, publicKey: public_key, privateKey: private_key },
        TTL: TTL_SECONDS,
        urgency: URGENCY[wake_for],
        topic: TOPIC,
      },
    );
    const { "Content-Length": _, ...others } = headers;
    try {
      const response = await fetchOnce(endpoint, {
        method: "POST",
        headers: { ...others, TTL: String(TTL_SECONDS) },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      return judge(response);
    } catch (error) {
      const timedOut = error instanceof DOMException && error.name === "TimeoutError";
      return timedOut ? { outcome: "silent" } : { outcome: "failed", status: null, retryAfterMs: null };
    }
  };
}

function judge({ ok, status, headers }: Response): Pushed {
  if (ok) return { outcome: "taken" };
  if (status === 404 || status === 410) return { outcome: "gone" };
  if (status === 429 || status >= 500) {
    return { outcome: "failed", status, retryAfterMs: readRetryAfter(headers.get("retry-after")) };
  }
  return { outcome: "refused", status };
}

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
function readRetryAfter(text: string | null): number | null {
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
