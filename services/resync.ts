// After a gap in what other processes announce: nobody knows what was lost, so everybody here is told of whatever
// changed meanwhile, and sessions are looked up again.

import { listChangedThreads } from "../db/conversations.ts";
import type { Database } from "../db/database.ts";
import { listUndelivered, type Undelivered } from "../db/marks.ts";
import type { Event } from "./events/events.ts";
import type { Hub } from "./events/hub.ts";
import { log } from "./log.ts";
import type { Newest } from "./newest.ts";
import type { Upkeep } from "./upkeep.ts";

/** A change is stamped before its commit, and that can take this long. */
const COMMIT_MS_MAX = 15_000;
const USERS_AT_ONCE = 500;
const OUTAGE_SETTLES_MS = 1_000;

export interface Resync {
  /** Rejects when the database went away again meanwhile; to be asked for again then. */
  afterGap(gapMs: number): Promise<void>;
  /**
   * In a moment: after an operation of our own whose outcome nobody knows, because if it was committed, nobody here was told;
   * or after something that other processes told and nobody here understood.
   */
  afterOutage(): void;
}

export function createResync(
  { database, newest, hub, upkeep }: { database: Database; newest: Newest; hub: Hub; upkeep: Upkeep },
): Resync {
  async function afterGap(gapMs: number): Promise<void> {
    // Another database may have taken the place of the one that is gone, and lack what that had last.
    newest.forget();
    const users = hub.userIds();
    for (let start = 0; start < users.length; start += USERS_AT_ONCE) {
      const some = users.slice(start, start + USERS_AT_ONCE);
      // Before anybody is told: while the database is away, whoever fetched again would find nothing.
      const [changed, undelivered] = await database.run((sql) =>
        Promise.all([listChangedThreads(sql, some, gapMs + COMMIT_MS_MAX), listUndelivered(sql, some)])
      );
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
    log.info("Everybody told again", { gap_ms: Math.round(gapMs), users: users.length });
  }

  // Many operations fail at once; one look a second later tells what became of them all. Where the database is still away
  // then, that look is an operation that failed as well, and there is another a second later.
  let waiting: ReturnType<typeof setTimeout> | null = null;
  function afterOutage(): void {
    waiting ??= setTimeout(() => {
      waiting = null;
      afterGap(0).catch(() => {});
    }, OUTAGE_SETTLES_MS);
    Deno.unrefTimer(waiting);
  }

  return { afterGap, afterOutage };
}

/** Who is told of a message this late has it from then on. */
function eventOf({ me_id, peer_phone, conversation_id, peer_id, peer_sent_id }: Undelivered): Event {
  const delivery = { conversation_id, message_id: peer_sent_id, sender_id: peer_id };
  return { to: me_id, event: "messages_updated", sender: peer_phone, delivery };
}
