// Notifications of the system: of a window that is open and not looked at, and by Web Push when none is. Only where the
// person said yes, and never with what was written.

import { CLIENT_TEXTS } from "../../services/texts/client.ts";
import { type Client, type Contact } from "../client.ts";
import { nameOf } from "./context.ts";
import type { Store } from "./model.ts";
import type { Settings } from "./settings.ts";

/** Where the service worker, which has no settings, finds its words. */
const WORDS = "puffintalk-words";

export type Notices = ReturnType<typeof createNotices>;

export function createNotices(client: Client, settings: Store<Settings>) {
  const isThere = "Notification" in globalThis && "serviceWorker" in navigator;
  const texts = () => CLIENT_TEXTS[settings.get().language];

  function isOn(): boolean {
    return isThere && settings.get().notices === "on" && Notification.permission === "granted";
  }

  /** Asks for leave where it was not given yet. False where the browser forbids it. */
  async function turnOn(): Promise<boolean> {
    if (!isThere || await Notification.requestPermission() !== "granted") return false;
    settings.set({ notices: "on" });
    await keepUp();
    return true;
  }

  async function turnOff(): Promise<void> {
    settings.set({ notices: "off" });
    await client.push.unsubscribe();
  }

  /** Renews what a new session, another language or the browser itself may have made void. */
  async function keepUp(): Promise<void> {
    if (!isOn()) return;
    const words = { messages_updated: texts().newsHidden, contacts_updated: texts().askedHidden };
    const shelf = await caches.open(WORDS);
    await shelf.put("/app/words.json", new Response(JSON.stringify(words)));
    await client.push.subscribe();
  }

  /** Somebody wrote: told where this window is not looked at. */
  async function news(contact: Contact): Promise<void> {
    if (!isOn() || document.visibilityState === "visible") return;
    const { phone_number: phone } = contact;
    const registration = await navigator.serviceWorker.ready;
    await registration.showNotification("PuffinTalk", {
      body: texts().news(nameOf(contact, phone)),
      tag: phone,
      icon: "/app/icon-192.png",
      data: { hash: `#/thread/${phone}` },
    });
  }

  return { isThere, isOn, turnOn, turnOff, keepUp, news };
}
