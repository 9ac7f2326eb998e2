// Collects which sessions to wake: those without a socket, of users who got a message or a friend request. An
// event only adds to a map in memory; its entries go to the database together, twice a second at most. If
// another process has a socket of the session, the wake is queued for when that process is no longer trusted
// to be alive.

import type { Database } from "../../db/connection/database.ts";
import { type Owed, oweWakes } from "../../db/push/push_wakes.ts";
import type { Event } from "../events/events.ts";
import { newsOf } from "./news.ts";
import { SETTLES_MS } from "./presence.ts";

/** A client that reconnects within this time, as after a change of network, is not woken. */
const AFTER_MS = 1_500;
/** The shortest time between two wakes of a session. */
const EVERY_MS = 60_000;
const USERS_AT_ONCE = 2_000;

export interface Wakes {
  /** Handles an event of a change that this process made. */
  hear(event: Event): void;
  /** Queues a wake for one session that missed something, or may have. */
  add(owed: Owed): void;
  /** Writes the collected wakes to the database. */
  note(): Promise<void>;
}

export function createWakes(
  { database, process, now }: { database: Database; process: string; now: () => Date },
): Wakes {
  /** Collected wakes by user id, or by session id. */
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
    add,
    async note() {
      const all = [...heard.values()];
      heard = new Map();
      for (let start = 0; start < all.length; start += USERS_AT_ONCE) {
        const some = all.slice(start, start + USERS_AT_ONCE);
        const rule = { process, now: now(), afterMs: AFTER_MS, everyMs: EVERY_MS, settlesMs: SETTLES_MS };
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
