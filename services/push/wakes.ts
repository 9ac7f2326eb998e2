// Who is to be woken: whoever is written to or asked to be a friend, in those of his sessions that have no socket. A send
// costs a place in a set; what was heard goes to the database together, a few times a second at most.

import type { Database } from "../../db/database.ts";
import { oweWakes, type WakeEvent } from "../../db/push_wakes.ts";
import type { Event } from "../events/events.ts";
import { SETTLES_MS } from "./presence.ts";

/** Who comes back within this time, as after a change of network, is not woken. */
const AFTER_MS = 1_500;
/** A session is woken no more often. */
const EVERY_MS = 60_000;
const USERS_AT_ONCE = 2_000;

export interface Wakes {
  /** Takes in what this process has changed. */
  hear(event: Event): void;
  /** Writes down what was heard since the last time. */
  note(): Promise<void>;
}

export function createWakes({ database, now }: { database: Database; now: () => Date }): Wakes {
  let heard = new Map<number, WakeEvent>();

  function add(userId: number, wakeFor: WakeEvent): void {
    if (heard.get(userId) !== "messages_updated") heard.set(userId, wakeFor);
  }

  return {
    hear(event) {
      const wakeFor = newsOf(event);
      if (wakeFor) add(event.to, wakeFor);
    },
    async note() {
      const all = [...heard].map(([user_id, wake_for]) => ({ user_id, wake_for }));
      heard = new Map();
      for (let start = 0; start < all.length; start += USERS_AT_ONCE) {
        const some = all.slice(start, start + USERS_AT_ONCE);
        const rule = { now: now(), afterMs: AFTER_MS, everyMs: EVERY_MS, settlesMs: SETTLES_MS };
        try {
          await database.run((sql) => oweWakes(sql, some, rule));
        } catch (error) {
          all.slice(start).forEach(({ user_id, wake_for }) => add(user_id, wake_for));
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
