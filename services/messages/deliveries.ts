// What readers' sockets were told of, on its way to becoming delivered: in a moment, so that a busy thread has one mark for
// many messages, but before anybody who has seen a socket of this process told looks.

import type { Database } from "../../db/connection/database.ts";
import { affectsEveryCall } from "../../db/connection/unavailable.ts";
import { listUndelivered, type Undelivered } from "../../db/marks.ts";
import { within } from "../../db/connection/within.ts";
import { createGroupCommit } from "../group_commit.ts";
import { describeError, log } from "../log.ts";
import type { Marks } from "./marks.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { Thread } from "./threads.ts";

/** The newest message of its thread that a reader's socket was told of. */
interface Notified {
  me: Actor;
  thread: Thread;
  peer_phone: string;
  up_to: number;
}

/**
 * A message that a socket was told of waits this long for the next of its thread, which makes it delivered as well: longer
 * the more threads there were last time, for some five hundred marks a second, but never longer than WAIT_MS_MAX.
 */
const WAIT_MS = 50;
const WAIT_EACH_MS = 2;
const WAIT_MS_MAX = 250;
/** How long the last flush counts: after a pause the first wait is the shortest again. */
const BUSY_FORGOTTEN_MS = 1_000;
/** Readers who come online together are looked at together: after a restart all of them do. */
const LOOKS_MAX = 100;
const LOOKS_AT_ONCE_MAX = 2;
/** Where somebody holds a pair, whoever looks waits no longer than this, and is shown what there is. */
const SETTLE_MS_MAX = 500;

export type Deliveries = ReturnType<typeof createDeliveries>;

export function createDeliveries({ database, marks }: { database: Database; marks: Marks }) {
  const waiting = new Map<string, Notified>();
  let last = { threads: 0, at: 0 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Marks on their way to the database, by thread and reader; and looks for all that waits for a reader, by the reader. */
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

  /** A socket of this reader was told of this message: it becomes delivered in a moment, with what follows until then. */
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

  /** At once: nothing may wait when the service ends. */
  function flush(): void {
    clearTimeout(timer);
    last = { threads: waiting.size, at: performance.now() };
    for (const [key, one] of waiting) mark(key, one);
    waiting.clear();
  }

  function mark(key: string, { me, thread, peer_phone, up_to }: Notified): void {
    follow(key, marks.delivered(me, thread, peer_phone, up_to));
  }

  /** This reader has opened a socket: all that waits for him counts as delivered. */
  function cameOnline(me: Actor): void {
    follow(String(me.user_id), markAll(me));
  }

  async function markAll(me: Actor): Promise<void> {
    for (const { peer_phone, peer_sent_id, ...thread } of await looks.add(me.user_id)) {
      mark(keyOf(thread, me.user_id), { me, thread, peer_phone, up_to: peer_sent_id });
    }
  }

  /** Remembers it for `settle`; nobody else waits for it, so a failure is only logged. */
  function follow(key: string, marked: Promise<void>): void {
    underWay.set(key, marked);
    marked
      .catch((error) => log.warn("Delivery not marked", describeError(error)))
      .finally(() => underWay.get(key) === marked && underWay.delete(key));
  }

  /**
   * What sockets of this process were told for a reader counts from here on: whoever has seen a frame come, and looks at the
   * thread, finds its message delivered.
   * @throws DatabaseUnavailable in an outage, which whoever looks would meet anyway
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
