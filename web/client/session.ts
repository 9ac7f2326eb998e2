// Who is signed in here: in the browser's local storage, where every window of this name sees it, and in no cookie.

import { hasTexts } from "./kept.ts";
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

/** A session lasts thirty days from its last renewal: so it is renewed once a week. */
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000 - WEEK_MS;

/** Who is signed in under this name. */
export function readSession(name: string): Session | null {
  const kept = local.read<Session>(keyOf(name));
  // With another token no socket can be asked for, and no call made.
  return hasTexts(kept, ["token", "phone_number"]) && /^[\w.-]+$/.test(kept!.token) ? kept : null;
}

const keyOf = (name: string) => `${name}.session`;

export function createSessionKeeper(name: string) {
  const key = keyOf(name);
  const changes = createListeners<Session | null>();
  let session = readSession(name);

  function keep(next: Session | null): void {
    session = next && { ...next, kept_at: Date.now() };
    local.write(key, session);
    changes.tell(session);
  }

  // Another window of this browser signed in, out, or renewed.
  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    session = readSession(name);
    changes.tell(session);
  });

  return { current: () => session, keep, onChange: changes.on };
}

/** By its age, where that is known: of a clock that is days behind or ahead the end of a session says nothing. */
export function isAWeekOld({ expires_at, kept_at }: Session): boolean {
  const now = Date.now();
  if (kept_at === undefined) return Date.parse(expires_at) - now <= RENEW_BEFORE_MS;
  // One that comes from the future was kept before somebody set the clock.
  return kept_at > now || now - kept_at >= WEEK_MS;
}
