// Who is to be woken: whoever is written to or asked to be a friend, in those of his sessions that have no socket. A send
// costs a place in a set; what was heard goes to the database together, a few times a second at most. Where another
// process has the socket, the wake is owed for when that process is believed no more.

import type { Database } from "../../db/connection/database.ts";
import { type Owed, oweWakes } from "../../db/push/push_wakes.ts";
import type { Event } from "../events/events.ts";
import { newsOf } from "./news.ts";
import { SETTLES_MS } from "./presence.ts";

/** Who comes back within this time, as after a change of network, is not woken. */
const AFTER_MS = 1_500;
/** A session is woken no more often. */
const EVERY_MS = 60_000;
const USERS_AT_ONCE = 2_000;

export interface Wakes {
  /** Takes in what this process has changed. */
  hear(event: Event): void;
  /** This session alone has missed something, or may have. */
  add(owed: Owed): void;
  /** Writes down what was heard since the last time. */
  note(): Promise<void>;
}

export function createWakes(
  { database, process, now }: { database: Database; process: string; now: () => Date },
): Wakes {
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
