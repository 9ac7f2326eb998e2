// Web Push: the service wakes this browser while no window is connected. A session has one subscription,
// which ends with it.

import type { Http } from "./http.ts";

export function createPush({ http }: { http: Http }) {
  const isThere = "serviceWorker" in navigator && "PushManager" in globalThis;

  /** Subscribes this browser for the current session. False if it cannot receive pushes. */
  async function subscribe(): Promise<boolean> {
    if (!isThere) return false;
    const { pushManager } = await navigator.serviceWorker.ready;
    const { public_key } = await http("get", "/api/push/key");
    const known = await pushManager.getSubscription();
    // A subscription for another key receives nothing.
    if (known && keyOf(known) !== public_key) await known.unsubscribe();
    const options = { userVisibleOnly: true, applicationServerKey: bytesOf(public_key) };
    const made = await pushManager.subscribe(options).catch(() => null);
    const { endpoint, keys } = made?.toJSON() ?? {};
    if (!made || !endpoint || !keys?.["p256dh"] || !keys["auth"]) return false;
    await http("put", "/api/push/subscription", {
      json: {
        endpoint,
        expirationTime: made.expirationTime,
        keys: { p256dh: keys["p256dh"], auth: keys["auth"] },
      },
    });
    return true;
  }

  async function unsubscribe(): Promise<void> {
    await http("delete", "/api/push/subscription");
  }

  return { subscribe, unsubscribe };
}

function keyOf({ options: { applicationServerKey } }: PushSubscription): string {
  const bytes = new Uint8Array(applicationServerKey ?? new ArrayBuffer(0));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Decodes base64url. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
}
