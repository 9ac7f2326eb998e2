// Notifications of the system: of a window that is open and not looked at, and by Web Push when none is. Only where the
// person said yes, and never with what was written. They are taken back when there is nothing new about them any more.

import { CLIENT_TEXTS } from "../../services/texts/client.ts";
import { type Client, type Contact } from "../client.ts";
import { nameOf } from "./context.ts";
import { createStore, type Store } from "./model.ts";
import type { Settings } from "./settings.ts";

/** Where the service worker, which has no settings, finds its words. */
const WORDS = "puffintalk-words";
/** What pushes are shown as, one for each event: whoever looks at a window knows of it. */
const PUSHED = ["messages_updated", "contacts_updated"];
/** Some browsers never answer who wants to be woken, where their push service cannot be reached. */
const PATIENCE_MS = 8_000;

export interface Reach {
  /** Whether news arrives while no window is open; null where that is not known yet. */
  isWoken: boolean | null;
}

export type Notices = ReturnType<typeof createNotices>;

/** @param name of whose windows it is */
export function createNotices(client: Client, settings: Store<Settings>, name: string) {
  const isThere = "Notification" in globalThis && "serviceWorker" in navigator;
  const texts = () => CLIENT_TEXTS[settings.get().language];
  const reach = createStore<Reach>({ isWoken: null });
  const looked = createLook(`${name}.looked`);
  /** Of whom there is news that was not seen. */
  const unseen = new Set<string>();
  /** Another window may be somebody else's, and have news of the same person. */
  const tagOf = (phone: string) => `${name} ${phone}`;
  let owner = client.session()?.phone_number;
  let isSubscribing = false;

  settings.subscribe(() => keepWords().catch(() => {}));
  // Whoever is next on this device has no business with them.
  client.onSession((session) => {
    if (session?.phone_number === owner) return;
    owner = session?.phone_number;
    unseen.clear();
    takeBack((tag) => PUSHED.includes(tag) || tag.startsWith(tagOf(""))).catch(() => {});
  });

  function isOn(): boolean {
    return isThere && settings.get().notices === "on" && Notification.permission === "granted";
  }

  /** Asks for leave where it was not given yet. False where the browser forbids it. */
  async function turnOn(): Promise<boolean> {
    if (!isThere || await Notification.requestPermission() !== "granted") return false;
    settings.set({ notices: "on" });
    keepUp();
    return true;
  }

  async function turnOff(): Promise<void> {
    settings.set({ notices: "off" });
    reach.set({ isWoken: null });
    await client.push.unsubscribe();
  }

  /** Renews what a new session or the browser itself may have made void. A browser that cannot be woken is no error. */
  async function keepUp(): Promise<void> {
    if (!isOn() || isSubscribing) return;
    isSubscribing = true;
    const impatience = setTimeout(() => isOn() && reach.set({ isWoken: false }), PATIENCE_MS);
    try {
      await keepWords();
      const isWoken = await client.push.subscribe();
      // It may have been turned off meanwhile.
      if (isOn()) reach.set({ isWoken });
      else await client.push.unsubscribe();
    } catch {
      if (isOn()) reach.set({ isWoken: false });
    } finally {
      clearTimeout(impatience);
      isSubscribing = false;
    }
  }

  async function keepWords(): Promise<void> {
    if (!isOn()) return;
    const words = { messages_updated: texts().newsHidden, contacts_updated: texts().askedHidden };
    const shelf = await caches.open(WORDS);
    await shelf.put("/app/words.json", new Response(JSON.stringify(words)));
  }

  /** Somebody wrote: told where no window is looked at. */
  async function news(contact: Contact): Promise<void> {
    const { phone_number: phone } = contact;
    unseen.add(phone);
    if (!isOn() || await looked.isAtAny()) return;
    const registration = await navigator.serviceWorker.ready;
    if (!unseen.has(phone)) return;
    await registration.showNotification("PuffinTalk", {
      body: texts().news(nameOf(contact, phone)),
      tag: tagOf(phone),
      icon: "/app/icon-192.png",
      data: { hash: `#/thread/${phone}` },
    });
    // Its person may have read it elsewhere meanwhile, or left.
    if (!unseen.has(phone)) await takeBack((tag) => tag === tagOf(phone));
  }

  /** These people have written nothing that was not seen, here or on another device. */
  function nothingNew(phones: string[]): void {
    for (const phone of phones) unseen.delete(phone);
    const over = new Set(phones.map(tagOf));
    if (document.visibilityState === "visible") PUSHED.forEach((tag) => over.add(tag));
    takeBack((tag) => over.has(tag)).catch(() => {});
  }

  async function takeBack(isOver: (tag: string) => boolean): Promise<void> {
    if (!isThere) return;
    const registration = await navigator.serviceWorker.getRegistration("/app");
    const all = await registration?.getNotifications() ?? [];
    for (const notification of all) if (isOver(notification.tag)) notification.close();
  }

  return { isThere, isOn, reach, turnOn, turnOff, keepUp, news, nothingNew };
}

/** Whether somebody looks at this window, or at another with the same lock: each holds it for as long as it is seen. */
function createLook(lock: string) {
  const isSeen = () => document.visibilityState === "visible";
  let leave: (() => void) | null = null;
  /** Settles when this window's own lock is given back, which is some time after it was left. */
  let held: Promise<unknown> = Promise.resolve();
  const look = () => {
    leave?.();
    leave = null;
    if (!isSeen()) return;
    const left = new Promise<void>((resolve) => leave = resolve);
    held = navigator.locks.request(lock, { mode: "shared" }, () => left).catch(() => {});
  };
  if ("locks" in navigator) {
    look();
    document.addEventListener("visibilitychange", look);
  }
  return {
    async isAtAny(): Promise<boolean> {
      if (isSeen() || !("locks" in navigator)) return isSeen();
      await held;
      const locks = await navigator.locks.query();
      return locks.held?.some(({ name }) => name === lock) ?? false;
    },
  };
}
