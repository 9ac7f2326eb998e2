// The context and hooks that all components share.

import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useState } from "preact/hooks";
import { CLIENT_TEXTS, type ClientError, type ClientTexts } from "../../services/texts/client.ts";
import { waitText } from "../../services/texts/waits.ts";
import { ApiError, type Client, type Contact } from "../client.ts";
import { type Model, type Store, useStore } from "./model.ts";
import type { Notices } from "./notices.ts";
import { todayHere } from "./parts/time.ts";
import type { Router } from "./router.ts";
import type { Settings } from "./settings.ts";
import type { Sync } from "./sync.ts";

/** How often to check whether the day has changed. */
const LOOK_MS = 60_000;

export interface App {
  client: Client;
  store: Store<Model>;
  sync: Sync;
  notices: Notices;
  router: Router;
  settings: Store<Settings>;
}

export const AppContext = createContext<App>(null!);

export function useApp(): App {
  return useContext(AppContext);
}

export function useModel<Part>(select: (model: Model) => Part): Part {
  return useStore(useApp().store, select);
}

export function useTexts(): ClientTexts {
  return CLIENT_TEXTS[useStore(useApp().settings, ({ language }) => language)];
}

/** As `todayHere`, and redraws the component when it changes: pages stay open overnight. */
export function useToday(): string {
  const [, setSeen] = useState(todayHere);
  useEffect(() => {
    const look = () => setSeen(todayHere());
    const timer = setInterval(look, LOOK_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return todayHere();
}

/** The contact of this number; null if it is not in the list or the list is not loaded. */
export function useContact(phone: string): Contact | null {
  const contacts = useModel(({ contacts }) => contacts);
  return contacts?.find(({ phone_number }) => phone_number === phone) ?? null;
}

export function nameOf(contact: Contact | null, phone: string): string {
  return contact?.display_name || phone;
}

/** An error as a sentence for the user, with how long to wait. */
export function sentenceOf(texts: ClientTexts, error: unknown): string {
  const { code = "unexpected", retryAfter = null } = error instanceof ApiError ? error : {};
  const sentence = texts.errors[code as ClientError] ?? texts.errors.unexpected;
  return retryAfter !== null && retryAfter > 1
    ? `${sentence} ${texts.tryIn(waitText(texts, retryAfter))}`
    : sentence;
}

/** Runs one action at a time and reports its error: by `say` if given, otherwise as a toast. */
export function useAction(say?: (sentence: string | null) => void) {
  const { store } = useApp();
  const texts = useTexts();
  const [isBusy, setBusy] = useState(false);
  const act = async (work: () => Promise<unknown>) => {
    if (isBusy) return;
    setBusy(true);
    say?.(null);
    try {
      await work();
    } catch (error) {
      if (error instanceof ApiError && error.code === "cancelled") return;
      const sentence = sentenceOf(texts, error);
      if (say) say(sentence);
      else store.set({ toast: { text: sentence, isError: true } });
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, act };
}

/**
 * While `isOpen`, the next step back calls `close` instead of leaving the screen. Applied in the same frame
 * in which the part is drawn or removed.
 */
export function useGuard(isOpen: boolean, close: () => void): void {
  const { router } = useApp();
  useLayoutEffect(() => isOpen ? router.guard(close) : undefined, [isOpen]);
}
