// Wires the web client and renders its pages.

import { render } from "preact";
import { createClient } from "../client.ts";
import { arrive } from "./arrival.ts";
import { type App, AppContext } from "./context.ts";
import { keepFocus, listenToKeys } from "./keys.ts";
import { createStore, EMPTY } from "./model.ts";
import { createNotices } from "./notices.ts";
import { Pages } from "./pages.tsx";
import { createRouter } from "./router.ts";
import { createSettings } from "./settings.ts";
import { createSync } from "./sync.ts";

const { name, handover } = arrive();
const settings = createSettings();
const client = createClient({ origin: location.origin, name });
const store = createStore({ ...EMPTY, session: client.session() });
const notices = createNotices(client, settings, name);
const sync = createSync(client, store, { onNews: notices.news, onNothingNew: notices.nothingNew });
const router = createRouter(() => client.session()?.phone_number);
const app: App = { client, store, sync, notices, router, settings };

/** A function, because top-level await is too new for some phones. */
async function open(): Promise<void> {
  if (handover) await client.adopt(handover);
  let owner = client.session()?.phone_number;
  // Another user starts at the first screen.
  client.onSession((session) => {
    if (owner !== undefined && owner !== session?.phone_number) router.begin();
    owner = session?.phone_number;
  });
  await sync.begin();
  client.live.onNotice(({ event }) => event === "connected" && notices.keepUp());
  listenToKeys({ back: router.back });
  const root = document.getElementById("app")!;
  root.textContent = "";
  keepFocus(root);
  render(
    <AppContext.Provider value={app}>
      <Pages />
    </AppContext.Provider>,
    root,
  );
}

open();
if ("serviceWorker" in navigator) {
  // The user has pressed a notification.
  navigator.serviceWorker.addEventListener("message", ({ data }) => router.goTo(data.hash));
  navigator.serviceWorker.register("/app/worker.js", { scope: "/app" }).catch(() => {});
}
