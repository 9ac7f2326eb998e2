// Who is signed in here: in the browser's local storage, where every window of this name sees it, and in no cookie.

import { createListeners } from "./listeners.ts";

export interface Session {
  token: string;
  expires_at: string;
  /** As its owner wrote it. */
  phone_number: string;
}

export type SessionKeeper = ReturnType<typeof createSessionKeeper>;

export function createSessionKeeper(name: string) {
  const key = `${name}.session`;
  const changes = createListeners<Session | null>();
  let session = read();

  function read(): Session | null {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  function keep(next: Session | null): void {
    if (next === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(next));
    session = next;
    changes.tell(next);
  }

  // Another window of this browser signed in, out, or renewed.
  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    session = read();
    changes.tell(session);
  });

  return { current: () => session, keep, onChange: changes.on };
}
