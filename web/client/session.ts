// Who is signed in here: in the browser's local storage, where every window of this name sees it, and in no cookie.

import { createListeners } from "./listeners.ts";
import { local } from "./storage.ts";

export interface Session {
  token: string;
  expires_at: string;
  /** As its owner wrote it. */
  phone_number: string;
  /** When it came, by this device's clock, which may be wrong by days. */
  kept_at?: number;
}

export type SessionKeeper = ReturnType<typeof createSessionKeeper>;

export function createSessionKeeper(name: string) {
  const key = `${name}.session`;
  const changes = createListeners<Session | null>();
  let session = local.read<Session>(key);

  function keep(next: Session | null): void {
    session = next && { ...next, kept_at: Date.now() };
    local.write(key, session);
    changes.tell(session);
  }

  // Another window of this browser signed in, out, or renewed.
  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    session = local.read(key);
    changes.tell(session);
  });

  return { current: () => session, keep, onChange: changes.on };
}
