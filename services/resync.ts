// After a gap in what other processes announce: nobody knows what was lost, so everybody here is told of whatever
// changed meanwhile, and sessions are looked up again.

import { listChangedThreads } from "../db/conversations.ts";
import type { Database } from "../db/database.ts";
import type { Hub } from "./events/hub.ts";
import { log } from "./log.ts";
import type { Upkeep } from "./upkeep.ts";

/** A change is stamped before its commit, and that can take this long. */
const COMMIT_MS_MAX = 15_000;
const USERS_AT_ONCE = 500;

export interface Resync {
  /** Rejects when the database went away again meanwhile; to be asked for again then. */
  afterGap(gapMs: number): Promise<void>;
}

export function createResync(
  { database, hub, upkeep }: { database: Database; hub: Hub; upkeep: Upkeep },
): Resync {
  async function afterGap(gapMs: number): Promise<void> {
    const users = hub.userIds();
    // Cancelled requests leave no trace to find, so every list may have changed.
    users.forEach((to) => hub.tell({ to, event: "contacts_updated" }));
    for (let start = 0; start < users.length; start += USERS_AT_ONCE) {
      const some = users.slice(start, start + USERS_AT_ONCE);
      const threads = await database.run((sql) => listChangedThreads(sql, some, gapMs + COMMIT_MS_MAX));
      threads.forEach(({ me_id, peer_phone }) =>
        hub.tell({ to: me_id, event: "messages_updated", sender: peer_phone })
      );
    }
    await upkeep.endDeadSockets();
    log.info("Listening again", { gap_ms: Math.round(gapMs), users: users.length });
  }

  return { afterGap };
}
