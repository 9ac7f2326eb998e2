// The session of this browser, in local storage: all windows of the profile share it, and it is in no cookie.

import { createListeners } from "./listeners.ts";
import { local } from "./storage.ts";
import { hasTexts } from "./stored_data.ts";

export interface Session {
  token: string;
  expires_at: string;
  /** In E.164, even if the service sends numbers without the plus sign. */
  phone_number: string;
  /** When it was stored, by this device's clock, which may be wrong by days. */
  kept_at?: number;
}

/** A session lasts thirty days from its last renewal; it is renewed once a week. */
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000 - WEEK_MS;

/** The stored session of a profile; null if there is none or it is damaged. */
export function readSession(name: string): Session | null {
  const kept = local.read<Session>(keyOf(name));
  // A token with other characters fits neither into a header nor into a WebSocket protocol.
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

  // Another window signed in or out, or renewed the session.
  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    session = readSession(name);
    changes.tell(session);
  });

  return { current: () => session, keep, onChange: changes.on };
}

/**
 * Whether the session should be renewed. Decided by its age if known, because with a clock that is days off
 * `expires_at` says nothing.
 */
export function isAWeekOld({ expires_at, kept_at }: Session): boolean {
  const now = Date.now();
  if (kept_at === undefined) return Date.parse(expires_at) - now <= RENEW_BEFORE_MS;
  // A time in the future: the clock has been set back since.
  return kept_at > now || now - kept_at >= WEEK_MS;
}
