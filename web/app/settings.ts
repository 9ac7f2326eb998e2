// The settings of this browser.

import { CLIENT_TEXTS } from "../../services/texts/client.ts";
import type { Language } from "../../services/texts/language.ts";
import { local } from "../client/storage.ts";
import { createStore, type Store } from "./model.ts";

export const LANGUAGES = Object.keys(CLIENT_TEXTS) as Language[];
export const COLOURS = ["auto", "light", "dark"] as const;

export interface Settings {
  language: Language;
  colours: (typeof COLOURS)[number];
  notices: "on" | "off";
}

const KEY = "puffintalk.settings";

/** Stores every change and applies it to the document. Changes in other windows are taken over. */
export function createSettings(): Store<Settings> {
  const store = createStore(stored());
  const apply = () => {
    const { language, colours } = store.get();
    const root = document.documentElement;
    root.lang = language;
    root.dataset["colours"] = colours;
  };
  apply();
  store.subscribe(() => {
    local.write(KEY, store.get());
    apply();
  });
  // Storing the same text again causes no event, so two windows do not answer each other for ever.
  addEventListener("storage", ({ key }) => key === KEY && store.set(stored()));
  return store;
}

function stored(): Settings {
  return { language: preferred(), colours: "auto", notices: "off", ...remembered() };
}

function remembered(): Partial<Settings> {
  const { language, colours, notices } = local.read<Partial<Settings>>(KEY) ?? {};
  return {
    ...(language && LANGUAGES.includes(language) ? { language } : {}),
    ...(colours && COLOURS.includes(colours) ? { colours } : {}),
    ...(notices === "on" ? { notices } : {}),
  };
}

/** The first of the browser's languages that the client has; otherwise English. */
function preferred(): Language {
  const names = navigator.languages.map((tag) => tag.split("-")[0]);
  return names.map((name) => LANGUAGES.find((known) => known === name)).find(Boolean) ?? "en";
}
