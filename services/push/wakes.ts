// Who is to be woken: whoever is written to or asked to be a friend, in those of his sessions that have no socket. A send
// costs a place in a set; what was heard goes to the database together, a few times a second at most.

import type { Database } from "../../db/database.ts";
import { type Owed, oweWakes, type WakeEvent } from "../../db/push_wakes.ts";
import type { Event } from "../events/events.ts";
import type { Actor } from "../sessions.ts";
import { SETTLES_MS } from "./presence.ts";

/** Who comes back within this time, as after a change of network, is not woken. */
const AFTER_MS = 1_500;
/** A session is woken no more often. */
const EVERY_MS = 60_000;
const USERS_AT_ONCE = 2_000;

export interface Wakes {
  /** Takes in what this process has changed. */
  hear(event: Event): void;
  /** This session alone may have missed a message. */
  doubt(me: Actor): void;
  /** Writes down what was heard since the last time. */
  note(): Promise<void>;
}

export function createWakes({ database, now }: { database: Database; now: () => Date }): Wakes {
  /** By user, or by session. */
  let heard = new Map<number | string, Owed>();

  function add(owed: Owed): void {
    const key = owed.session_id ?? owed.user_id;
    if (heard.get(key)?.wake_for !== "messages_updated") heard.set(key, owed);
  }

  return {
    hear(event) {
      const wakeFor = newsOf(event);
      if (wakeFor) add({ user_id: event.to, session_id: null, wake_for: wakeFor });
    },
    doubt: ({ user_id, session_id }) => add({ user_id, session_id, wake_for: "messages_updated" }),
    async note() {
      const all = [...heard.values()];
      heard = new Map();
      for (let start = 0; start < all.length; start += USERS_AT_ONCE) {
        const some = all.slice(start, start + USERS_AT_ONCE);
        const rule = { now: now(), afterMs: AFTER_MS, everyMs: EVERY_MS, settlesMs: SETTLES_MS };
        try {
          await database.run((sql) => oweWakes(sql, some, rule));
        } catch (error) {
          all.slice(start).forEach(add);
          throw error;
        }
      }
    },
  };
}

/** A message to this user, or somebody who asks; all else is no reason to take out a phone. */
function newsOf(event: Event): WakeEvent | null {
  if (event.event === "messages_updated") return event.delivery ? "messages_updated" : null;
  return event.event === "contacts_updated" && event.asks ? "contacts_updated" : null;
}
