// Marks messages as delivered after a socket was notified of them. This happens a moment later, so that many
// messages of a busy thread share one mark, but before anybody reads the thread through this process (unless
// a lock delays it, see SETTLE_MS_MAX).

import type { Database } from "../../db/connection/database.ts";
import { affectsEveryCall } from "../../db/connection/unavailable.ts";
import { within } from "../../db/connection/within.ts";
import { listUndelivered, type Undelivered } from "../../db/marks.ts";
import { createGroupCommit } from "../group_commit.ts";
import { describeError, log } from "../log.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { Marks } from "./marks.ts";
import type { Thread } from "./threads.ts";

/** The newest message of a thread that a socket of the reader was notified of. */
interface Notified {
  me: Actor;
  thread: Thread;
  peer_phone: string;
  up_to: number;
}

/**
 * How long a message waits to be marked delivered together with later ones of its thread. The wait is WAIT_MS
 * plus WAIT_EACH_MS for each thread in the last flush, which limits marks to some five hundred a second, and
 * at most WAIT_MS_MAX.
 */
const WAIT_MS = 50;
const WAIT_EACH_MS = 2;
const WAIT_MS_MAX = 250;
/** After a pause of this length the wait is back at WAIT_MS. */
const BUSY_FORGOTTEN_MS = 1_000;
/**
 * Readers per statement when many come online together, as they do after a restart, and such statements at a
 * time.
 */
const LOOKS_MAX = 100;
const LOOKS_AT_ONCE_MAX = 2;
/**
 * If the pair is locked by somebody else, a reader of the thread waits this long at most, and then sees the
 * old status.
 */
const SETTLE_MS_MAX = 500;

export type Deliveries = ReturnType<typeof createDeliveries>;

export function createDeliveries({ database, marks }: { database: Database; marks: Marks }) {
  const waiting = new Map<string, Notified>();
  let last = { threads: 0, at: 0 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  /**
   * Writes in progress: of single marks, by thread and reader; and of everything that waits for a reader who
   * came online, by reader id.
   */
  const underWay = new Map<string, Promise<void>>();

  const looks = createGroupCommit<number, Undelivered[]>({
    run: async (readers) => {
      const threads = await database.run((sql) => listUndelivered(sql, [...new Set(readers)]));
      const byReader = Map.groupBy(threads, ({ me_id }) => me_id);
      return readers.map((reader) => byReader.get(reader) ?? []);
    },
    jobsMax: LOOKS_MAX,
    batchesMax: LOOKS_AT_ONCE_MAX,
  });

  /**
   * A socket of this reader was notified of this message, which becomes delivered in a moment, together with
   * any later ones of the thread.
   */
  function notified(me: Actor, thread: Thread, peerPhone: string, upTo: number): void {
    if (waiting.size === 0) {
      const isBusy = performance.now() - last.at < BUSY_FORGOTTEN_MS;
      const ms = WAIT_MS + (isBusy ? last.threads * WAIT_EACH_MS : 0);
      timer = setTimeout(flush, Math.min(ms, WAIT_MS_MAX));
    }
    const key = keyOf(thread, me.user_id);
    const up_to = Math.max(upTo, waiting.get(key)?.up_to ?? 0);
    waiting.set(key, { me, thread, peer_phone: peerPhone, up_to });
  }

  /** Marks everything at once; also called when the service stops. */
  function flush(): void {
    clearTimeout(timer);
    last = { threads: waiting.size, at: performance.now() };
    for (const [key, one] of waiting) mark(key, one);
    waiting.clear();
  }

  function mark(key: string, { me, thread, peer_phone, up_to }: Notified): void {
    follow(key, marks.delivered(me, thread, peer_phone, up_to));
  }

  /** This reader has opened a socket: all their undelivered messages become delivered. */
  function cameOnline(me: Actor): void {
    follow(String(me.user_id), markAll(me));
  }

  async function markAll(me: Actor): Promise<void> {
    for (const { peer_phone, peer_sent_id, ...thread } of await looks.add(me.user_id)) {
      mark(keyOf(thread, me.user_id), { me, thread, peer_phone, up_to: peer_sent_id });
    }
  }

  /** Keeps the promise for `settle`. Nothing else awaits it, so a failure is only logged. */
  function follow(key: string, marked: Promise<void>): void {
    underWay.set(key, marked);
    marked
      .catch((error) => log.warn("Message not marked as delivered", describeError(error)))
      .finally(() => underWay.get(key) === marked && underWay.delete(key));
  }

  /**
   * Resolves when all messages that sockets of this process were notified of, for this reader and thread, are
   * marked, or after SETTLE_MS_MAX. So anybody who saw such a frame arrive and then reads the thread finds
   * the message delivered.
   * @throws DatabaseUnavailable in an outage, which the following read would meet anyway
   */
  async function settle(thread: Thread, readerId: number): Promise<void> {
    const key = keyOf(thread, readerId);
    if (!waiting.has(key) && !underWay.has(key) && !underWay.has(String(readerId))) return;
    try {
      await within(SETTLE_MS_MAX, markNow(key, readerId));
    } catch (error) {
      if (affectsEveryCall(error)) throw error;
    }
  }

  async function markNow(key: string, readerId: number): Promise<void> {
    await underWay.get(String(readerId));
    const one = waiting.get(key);
    if (one) {
      waiting.delete(key);
      if (waiting.size === 0) clearTimeout(timer);
      mark(key, one);
    }
    await underWay.get(key);
  }

  return { notified, flush, cameOnline, settle };
}

function keyOf({ conversation_id }: Pick<Thread, "conversation_id">, readerId: number): string {
  return `${conversation_id} ${readerId}`;
}
