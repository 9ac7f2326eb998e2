// After a gap in what other processes announce: nobody knows what was lost, so everybody here is told of whatever
// changed meanwhile, and sessions are looked up again.

import { type ChangedThread, listChangedThreads } from "../db/conversations.ts";
import type { Database } from "../db/connection/database.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { listUndelivered, type Undelivered } from "../db/marks.ts";
import type { Event } from "./events/events.ts";
import type { Hub } from "./events/hub.ts";
import { describeError, log } from "./log.ts";
import type { Newest } from "./messages/newest.ts";
import type { Threads } from "./messages/threads.ts";
import type { Upkeep } from "./upkeep.ts";

/** How long before its commit a change may have got its `changed_at`. */
const COMMIT_MS_MAX = 15_000;
const USERS_AT_ONCE = 500;
const OUTAGE_SETTLES_MS = 1_000;
/** The wait for the next look doubles so often, up to eight seconds. */
const DOUBLINGS_MAX = 3;

export interface Resync {
  /** Rejects when the database went away again meanwhile; to be asked for again then. */
  afterGap(gapMs: number): Promise<void>;
  /**
   * In a moment: after an operation of our own whose outcome nobody knows, because if it was committed, nobody here was told;
   * or after something that other processes told and nobody here understood.
   */
  afterOutage(): void;
  /** Conversations may be gone, and what was in them. */
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
  /** What has changed for these users. Where a fault of ours hides that, they are still told to fetch their lists. */
  async function read(users: number[], gapMs: number): Promise<[ChangedThread[], Undelivered[]]> {
    try {
      return await database.run((sql) =>
        Promise.all([listChangedThreads(sql, users, gapMs + COMMIT_MS_MAX), listUndelivered(sql, users)])
      );
    } catch (error) {
      if (error instanceof DatabaseUnavailable) throw error;
      log.error("Changed threads not found", describeError(error));
      return [[], []];
    }
  }

  function forgetThreads(): void {
    threads.forget();
    newest.forget();
  }

  async function afterGap(gapMs: number): Promise<void> {
    // Another database may have taken the place of the one that is gone, and lack what that had last.
    forgetThreads();
    const users = hub.userIds();
    for (let start = 0; start < users.length; start += USERS_AT_ONCE) {
      const some = users.slice(start, start + USERS_AT_ONCE);
      // Before anybody is told: while the database is away, whoever fetched again would find nothing.
      const [changed, undelivered] = await read(some, gapMs);
      // Cancelled requests leave no trace to find, so every list may have changed.
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
      log.info("Everybody told again", { gap_ms: Math.round(gapMs), users: users.length });
    }
  }

  // Many operations fail at once; one look a second later tells what became of them all, since the first of them. Where the
  // database is still away then, that look is an operation that failed as well, and there is another, later and later.
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
      if (error instanceof DatabaseUnavailable) unknownSince = since;
      else log.error("Nobody told again", describeError(error));
    }
  }

  return { afterGap, afterOutage, forgetThreads };
}

/** Being told of a message this late delivers it, as at any other time. */
function eventOf({ me_id, peer_phone, conversation_id, peer_id, peer_sent_id }: Undelivered): Event {
  const delivery = { conversation_id, message_id: peer_sent_id, sender_id: peer_id };
  return { to: me_id, event: "messages_updated", sender: peer_phone, delivery };
}
