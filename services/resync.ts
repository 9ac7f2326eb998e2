// After a gap in the announcements of other processes it is unknown what was missed. All users with sockets
// here are notified of what may have changed meanwhile, and sessions are checked again.

import type { Database } from "../db/connection/database.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { type ChangedThread, listChangedThreads } from "../db/conversations.ts";
import { listUndelivered, type Undelivered } from "../db/marks.ts";
import type { Event } from "./events/events.ts";
import type { Hub } from "./events/hub.ts";
import { describeError, log } from "./log.ts";
import type { Newest } from "./messages/newest.ts";
import type { Threads } from "./messages/threads.ts";
import type { Upkeep } from "./upkeep.ts";

/** The longest time between setting a row's `changed_at` and its commit. */
const COMMIT_MS_MAX = 15_000;
const USERS_AT_ONCE = 500;
const OUTAGE_SETTLES_MS = 1_000;
/** How often the wait before the next attempt doubles: up to eight seconds. */
const DOUBLINGS_MAX = 3;

export interface Resync {
  /**
   * Notifies everybody of what may have changed within the gap. Rejects if the database goes away meanwhile;
   * then call it again.
   */
  afterGap(gapMs: number): Promise<void>;
  /**
   * Schedules the same. Call it after an operation of this process whose outcome is unknown, because if it
   * was committed, nobody here was notified; or after an announcement that this process did not understand.
   */
  afterOutage(): void;
  /** Drops cached conversations and messages, some of which may have been deleted. */
  forgetThreads(): void;
}

export function createResync(
  { database, threads, newest, hub, upkeep }: {
    database: Database;
    threads: Pick<Threads, "forget">;
    newest: Newest;
    hub: Hub;
    upkeep: Upkeep;
  },
): Resync {
  /**
   * What has changed for these users. If an error other than an outage prevents that, they are still told to
   * fetch their lists.
   */
  async function read(users: number[], gapMs: number): Promise<[ChangedThread[], Undelivered[]]> {
    try {
      return await database.run((sql) =>
        Promise.all([listChangedThreads(sql, users, gapMs + COMMIT_MS_MAX), listUndelivered(sql, users)])
      );
    } catch (error) {
      if (error instanceof DatabaseUnavailable) throw error;
      log.error("Changed conversations not found", describeError(error));
      return [[], []];
    }
  }

  function forgetThreads(): void {
    threads.forget();
    newest.forget();
  }

  async function afterGap(gapMs: number): Promise<void> {
    // The database may have been replaced by one that lacks the latest changes.
    forgetThreads();
    const users = hub.userIds();
    for (let start = 0; start < users.length; start += USERS_AT_ONCE) {
      const some = users.slice(start, start + USERS_AT_ONCE);
      // Read before anybody is notified: while the database is away, clients that fetch again would find
      // nothing.
      const [changed, undelivered] = await read(some, gapMs);
      // Withdrawn requests leave no trace to be found, so any list may have changed.
      for (const to of some) {
        hub.tell({ to, event: "contacts_updated" });
        hub.tell({ to, event: "sessions_updated" });
      }
      changed.forEach(({ me_id, peer_phone }) =>
        hub.tell({ to: me_id, event: "messages_updated", sender: peer_phone })
      );
      undelivered.filter(({ mine }) => mine !== "refuse").map(eventOf).forEach(hub.tell);
    }
    await upkeep.endDeadSockets();
    if (users.length > 0) {
      log.info("Clients told to fetch again", { gap_ms: Math.round(gapMs), users: users.length });
    }
  }

  // Many operations fail at once. One attempt a second later covers them all, going back to the first
  // failure. If the database is still away, that attempt fails too, and the next one follows after a longer
  // wait. It is scheduled here, since nobody else may do so: a database that only refuses connections leaves no
  // outcome unknown.
  let waiting: ReturnType<typeof setTimeout> | null = null;
  let unknownSince: number | null = null;
  let failures = 0;
  function afterOutage(): void {
    unknownSince ??= performance.now();
    waiting ??= setTimeout(look, OUTAGE_SETTLES_MS * 2 ** Math.min(failures, DOUBLINGS_MAX));
    Deno.unrefTimer(waiting);
  }

  async function look(): Promise<void> {
    const since = unknownSince!;
    waiting = unknownSince = null;
    try {
      await afterGap(performance.now() - since);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!(error instanceof DatabaseUnavailable)) {
        return log.error("Clients not told to fetch again", describeError(error));
      }
      unknownSince = since;
      afterOutage();
    }
  }

  return { afterGap, afterOutage, forgetThreads };
}

/** Being notified of a message this late makes it delivered as at any other time. */
function eventOf({ me_id, peer_phone, conversation_id, peer_id, peer_sent_id }: Undelivered): Event {
  const delivery = { conversation_id, message_id: peer_sent_id, sender_id: peer_id };
  return { to: me_id, event: "messages_updated", sender: peer_phone, delivery };
}
