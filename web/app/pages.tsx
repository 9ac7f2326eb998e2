// All screens. Where there is room, the list is shown beside the chosen screen.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { useApp, useModel, useTexts } from "./context.ts";
import { useStore } from "./model.ts";
import { Mark } from "./parts/icons.tsx";
import type { Route } from "./router.ts";
import { Add } from "./screens/add.tsx";
import { Chats } from "./screens/chats.tsx";
import { Enter } from "./screens/enter.tsx";
import { Invites } from "./screens/invites.tsx";
import { Person } from "./screens/person.tsx";
import { Devices, SettingsScreen } from "./screens/settings.tsx";
import { Stranger } from "./screens/stranger.tsx";
import { Thread } from "./screens/thread.tsx";

const WIDE = "(min-width: 48rem)";
const TOAST_MS = 6_000;

export function Pages() {
  return (
    <>
      <ToastBox />
      <Parts />
    </>
  );
}

function Parts() {
  const { router } = useApp();
  const isSignedIn = useModel(({ session }) => session !== null);
  const route = useStore(router.store, (now) => now.route);
  const isWide = useMedia(WIDE);
  const texts = useTexts();
  useTitle();
  if (!isSignedIn) {
    return (
      <main class="narrow">
        <Enter />
      </main>
    );
  }
  const selected = "phone" in route ? route.phone ?? null : null;
  if (!isWide) {
    return (
      <main class="narrow">
        <Shown route={route} />
      </main>
    );
  }
  return (
    <div class="wide">
      <aside aria-label={texts.chats.title}>
        <Chats selected={selected} />
      </aside>
      <main>{route.at === "chats" ? <Pick /> : <Shown route={route} />}</main>
    </div>
  );
}

function Shown({ route }: { route: Route }) {
  const list = useModel(({ contacts, areContactsFresh }) => areContactsFresh ? contacts : null);
  if ((route.at === "thread" || route.at === "person") && list) {
    const { phone } = route;
    if (!list.some(({ phone_number }) => phone_number === phone)) {
      return <Stranger key={phone} phone={phone} />;
    }
  }
  switch (route.at) {
    case "chats":
      return <Chats selected={null} />;
    case "add":
      return <Add key={route.phone} known={route.phone ?? ""} />;
    case "invites":
      return <Invites />;
    case "thread":
      return <Thread key={route.phone} phone={route.phone} />;
    case "person":
      return <Person key={route.phone} phone={route.phone} />;
    case "settings":
      return <SettingsScreen />;
    case "devices":
      return <Devices />;
  }
}

function Pick() {
  const texts = useTexts();
  return (
    <div class="screen empty pick">
      <Mark />
      <p>{texts.chats.pick}</p>
    </div>
  );
}

/**
 * Shown above everything else without covering anything: the focused element moves down and stays in view.
 */
function ToastBox() {
  const { store } = useApp();
  const toast = useModel((model) => model.toast);
  useEffect(() => {
    if (!toast) return;
    const timer = setTimeout(() => store.set({ toast: null }), TOAST_MS);
    return () => clearTimeout(timer);
  }, [toast]);
  useLayoutEffect(() => {
    if (toast) document.activeElement?.scrollIntoView({ block: "nearest" });
  }, [toast]);
  return (
    <div class="toast-box" role={toast?.isError ? "alert" : "status"}>
      {toast && <p class={toast.isError ? "toast error" : "toast"}>{toast.text}</p>}
    </div>
  );
}

/** Shows the number of unread messages in front of the title, without those of deleted contacts. */
function useTitle(): void {
  const unread = useModel(({ contacts }) => {
    const wanted = (contacts ?? []).filter(({ status }) => status !== "deleted");
    return wanted.reduce((sum, { unread_messages }) => sum + unread_messages, 0);
  });
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) PuffinTalk` : "PuffinTalk";
  }, [unread]);
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const look = () => setMatches(list.matches);
    list.addEventListener("change", look);
    return () => list.removeEventListener("change", look);
  }, [query]);
  return matches;
}
