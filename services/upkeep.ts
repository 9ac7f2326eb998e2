// Background jobs: closing sockets of sessions that ended elsewhere, deleting old rows, erasing what deleted
// accounts leave behind.

import { CLOCKS_APART_MS } from "../db/clocks.ts";
import type { Database } from "../db/connection/database.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { eraseSome } from "../db/erasures.ts";
import { listDeadSessions, listEndedSince } from "../db/sessions.ts";
import { deleteOld, type OldTable, ROWS_AT_ONCE } from "../db/upkeep.ts";
import type { Event } from "./events/events.ts";
import type { Hub } from "./events/hub.ts";
import { describeError, log } from "./log.ts";
import { type MediaSweep, NOBODYS_MS } from "./media/sweep.ts";
import { EXPIRED_KEPT_MS } from "./passcodes/passcode_rules.ts";

const SECOND_MS = 1000;
const HOUR_MS = 60 * 60 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
const ENDED_EVERY_MS = 4 * SECOND_MS;
const DEAD_EVERY_MS = 60 * SECOND_MS;
const LEAVING_EVERY_MS = 60 * SECOND_MS;
/** The process that deletes an account starts erasing at once; this covers what it did not finish. */
const ERASE_EVERY_MS = 60 * SECOND_MS;
const SESSIONS_KEPT_MS = 30 * DAY_MS;
/** Kept for the breaker, which looks at the latest ones of a prefix. */
const PAID_KEPT_MS = 30 * DAY_MS;

export interface Upkeep {
  start(): void;
  stop(): void;
  /** Closes sockets whose sessions are not live any more. */
  endDeadSockets(): Promise<void>;
  /** Deletes rows that no rule needs any more. What fails is left to the next run. */
  deleteOldRows(): Promise<void>;
  /** Starts erasing what a deleted account leaves behind, in the background. */
  eraseSoon(): void;
}

export function createUpkeep(
  { database, hub, hear, mediaSweep, deleteLeaving, now }: {
    database: Database;
    hub: Hub;
    hear: (event: Event) => void;
    mediaSweep: MediaSweep;
    /** Deletes the accounts that are marked for it, and returns how many. */
    deleteLeaving: () => Promise<number>;
    now: () => Date;
  },
): Upkeep {
  const ago = (ms: number) => new Date(now().getTime() - ms);
  const end = ({ id, user_id }: { id: string; user_id: number }) =>
    hear({ to: user_id, event: "session_ended", session_id: id });

  // The bus announces ended sessions at once; this covers lost announcements, and sessions that expired.
  async function endEndedSockets(): Promise<void> {
    if (hub.sessionIds().length === 0) return;
    const around = { since: ago(CLOCKS_APART_MS), now: now(), aheadOf: ago(-CLOCKS_APART_MS) };
    const ended = await database.run((sql) => listEndedSince(sql, around));
    ended.forEach(end);
  }

  async function endDeadSockets(): Promise<void> {
    const owners = new Map(hub.newestFirst().map(({ actor }) => [actor.session_id, actor.user_id]));
    if (owners.size === 0) return;
    // A session may also be missing altogether: the database may have been replaced by one that lacks the
    // latest changes.
    const dead = await database.run((sql) => listDeadSessions(sql, [...owners.keys()], now()));
    for (const { id } of dead) end({ id, user_id: owners.get(id)! });
  }

  async function deleteOldRows(): Promise<void> {
    const keptMs: Record<OldTable, number> = {
      passcodes: EXPIRED_KEPT_MS,
      limits: DAY_MS,
      buckets: CLOCKS_APART_MS,
      paid_passcodes: PAID_KEPT_MS,
      tickets: CLOCKS_APART_MS,
      sessions: SESSIONS_KEPT_MS,
    };
    for (const [table, ms] of Object.entries(keptMs) as [OldTable, number][]) {
      // One table that fails must not keep the others from being cleaned.
      await quietly(() => deleteAllOld(table, ago(ms)));
    }
  }

  async function deleteAllOld(table: OldTable, before: Date): Promise<void> {
    let deleted = ROWS_AT_ONCE;
    while (deleted === ROWS_AT_ONCE) {
      deleted = await database.run((sql) => deleteOld(sql, table, before));
    }
  }

  async function deleteOldMedia(): Promise<void> {
    const { abandoned, unsent } = await mediaSweep.recent();
    if (abandoned + unsent > 0) log.info("Leftover media deleted", { abandoned, unsent });
  }

  let isErasing = false;
  let isStopped = false;

  /**
   * Erases messages without a conversation, until none is left that no other process is working on; then
   * their media.
   */
  async function erase({ hasMedia = false } = {}): Promise<void> {
    // The run in progress, or the next one, also takes what was added meanwhile.
    if (isErasing) return;
    isErasing = true;
    let messages = 0;
    try {
      for (let some: number | null = 0; some !== null && !isStopped; messages += some ?? 0) {
        some = await database.begin((sql) => eraseSome(sql, { now: now(), old: ago(NOBODYS_MS) }));
      }
    } finally {
      isErasing = false;
    }
    if (messages > 0) log.info("Messages of deleted accounts erased", { messages });
    if (messages > 0 || hasMedia) await deleteOldMedia();
  }

  async function deleteMarked(): Promise<void> {
    const accounts = await deleteLeaving();
    if (accounts > 0) log.info("Accounts deleted", { accounts });
  }

  const jobs = [
    { run: endEndedSockets, everyMs: ENDED_EVERY_MS },
    { run: endDeadSockets, everyMs: DEAD_EVERY_MS },
    { run: deleteOldRows, everyMs: HOUR_MS },
    { run: deleteOldMedia, everyMs: HOUR_MS },
    { run: deleteMarked, everyMs: LEAVING_EVERY_MS },
    { run: erase, everyMs: ERASE_EVERY_MS },
  ];
  const timers = new Set<ReturnType<typeof setInterval>>();

  return {
    start() {
      for (const { run, everyMs } of jobs) timers.add(setInterval(() => quietly(run), everyMs));
      // Finishes what a killed process has begun.
      quietly(erase);
    },
    stop() {
      isStopped = true;
      timers.forEach(clearInterval);
      timers.clear();
    },
    endDeadSockets,
    deleteOldRows,
    eraseSoon: () => void quietly(() => erase({ hasMedia: true })),
  };
}

/** The next run repeats what failed. Outages are reported elsewhere. */
async function quietly(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) log.error("Upkeep failed", describeError(error));
  }
}
