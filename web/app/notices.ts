// System notifications: by this window while it is open but hidden, and by Web Push when none is open. Only
// with the user's permission, and never with the text of a message. They are closed once there is nothing
// unread behind them.

import { CLIENT_TEXTS } from "../../services/texts/client.ts";
import { type Client, type Contact } from "../client.ts";
import { nameOf } from "./context.ts";
import { createStore, type Store } from "./model.ts";
import type { Settings } from "./settings.ts";

/** The cache from which the service worker, which cannot read the settings, takes its texts. */
const WORDS = "puffintalk-words";
/** Tags of notifications by push, one for each event. They are closed when the user looks at a window. */
const PUSHED = ["messages_updated", "contacts_updated"];
/** Some browsers never answer a subscription while their push service is unreachable. */
const PATIENCE_MS = 8_000;

export interface Reach {
  /** Whether news arrives while no window is open; null if not known yet. */
  isWoken: boolean | null;
}

export type Notices = ReturnType<typeof createNotices>;

/** @param name of the profile whose windows these are */
export function createNotices(client: Client, settings: Store<Settings>, name: string) {
  const isThere = "Notification" in globalThis && "serviceWorker" in navigator;
  const texts = () => CLIENT_TEXTS[settings.get().language];
  const reach = createStore<Reach>({ isWoken: null });
  const looked = createLook(`${name}.looked`);
  /** Numbers with unread news. */
  const unseen = new Set<string>();
  /** Contains the profile: another window may belong to somebody else with news of the same contact. */
  const tagOf = (phone: string) => `${name} ${phone}`;
  let owner = client.session()?.phone_number;
  let isSubscribing = false;

  settings.subscribe(() => keepWords().catch(() => {}));
  // The next user of this device must not see them.
  client.onSession((session) => {
    if (session?.phone_number === owner) return;
    owner = session?.phone_number;
    unseen.clear();
    takeBack((tag) => PUSHED.includes(tag) || tag.startsWith(tagOf(""))).catch(() => {});
  });

  function isOn(): boolean {
    return isThere && settings.get().notices === "on" && Notification.permission === "granted";
  }

  /** Turns notifications on, asking for permission if needed. False if the browser denies it. */
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

  /**
   * Renews the push subscription, which a new session or the browser may have invalidated. A browser without
   * push is no error.
   */
  async function keepUp(): Promise<void> {
    if (!isOn() || isSubscribing) return;
    isSubscribing = true;
    const impatience = setTimeout(() => isOn() && reach.set({ isWoken: false }), PATIENCE_MS);
    try {
      await keepWords();
      const isWoken = await client.push.subscribe();
      // Notifications may have been turned off in the meantime.
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

  /** Shows a notification of a new message, unless the user is looking at a window. */
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
    // The message may have been read elsewhere meanwhile, or the user may have left.
    if (!unseen.has(phone)) await takeBack((tag) => tag === tagOf(phone));
  }

  /** Closes the notifications of these numbers: everything of theirs was seen, here or on another device. */
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

/**
 * Tells whether any window of this profile is visible. Each holds a shared lock of this name for as long as
 * it is.
 */
function createLook(lock: string) {
  const isSeen = () => document.visibilityState === "visible";
  let leave: (() => void) | null = null;
  /** Settles when this window's own lock is released, which is a moment after the window was hidden. */
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
