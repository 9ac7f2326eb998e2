// How far a reader has got in a thread: delivered and seen. Only the receiver moves them, only forward, and in groups.

import type { Database } from "../db/database.ts";
import { meetsAll } from "../db/door.ts";
import { findUnseenMedia, listUndelivered, type Move, moveMarks } from "../db/marks.ts";
import { findMessage, findReceived } from "../db/messages.ts";
import { findHeld } from "../db/pairs.ts";
import { statusOf } from "./contact_state.ts";
import { AppError } from "./errors.ts";
import { type Bus, encode } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import { createGroupCommit } from "./group_commit.ts";
import { describeError, log } from "./log.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Actor } from "./sessions.ts";
import type { Sides } from "./sides.ts";
import type { Thread, Threads } from "./threads.ts";

/** A reader's progress: every message up to `delivered_to` has reached him, every text up to `seen_text_to` is seen. */
interface Progress {
  me: Actor;
  thread: Thread;
  peer_phone: string;
  delivered_to: number;
  seen_text_to: number;
  /** Media are seen one by one, or up to an id. */
  seen_media: { from: number; to: number };
}

/** A message that a reader's socket was told of, the newest of its thread. */
interface Told {
  me: Actor;
  thread: Thread;
  peer_phone: string;
  up_to: number;
}

const NO_MEDIA = { from: 1, to: 0 };
/** Above every id; a mark stops at what the peer has sent. */
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/**
 * A message that a socket was told of waits this long for the next of its thread, which makes it delivered as well: longer
 * the more threads there were last time, for some five hundred marks a second, but never longer than TOLD_MS_MAX.
 */
const TOLD_MS = 50;
const TOLD_EACH_MS = 2;
const TOLD_MS_MAX = 250;
/** After so long nobody calls it busy any more. */
const TOLD_FORGOTTEN_MS = 1_000;
/** So many of one call become seen in one statement: who waits for the pair does not wait for all of them. */
const MEDIA_AT_ONCE = 5_000;
const BATCH_MAX = 256;
const BATCHES_MAX = 2;

export type Marks = ReturnType<typeof createMarks>;

export function createMarks(
  { database, bus, threads, sides, now }: {
    database: Database;
    bus: Bus;
    threads: Threads;
    sides: Sides;
    now: () => Date;
  },
) {
  const commits = createGroupCommit<Progress, void>({
    run: move,
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
    locks: {
      of: ({ thread }) => thread.conversation_id,
      held: (batch) =>
        database.run((sql) => findHeld(sql, batch.map(({ thread }) => thread.conversation_id))),
    },
  });

  async function move(batch: Progress[]): Promise<void[]> {
    await database.run(async (sql) => {
      const moved = await moveMarks(sql, batch.map(moveOf), { now: now(), origin: bus.origin });
      // In here, because a commit that comes after everybody gave it up has to be told too.
      for (const { index, tell_peer } of moved) {
        const { own, peer } = eventsOf(batch[index]!);
        bus.deliver(tell_peer ? [own, peer] : [own]);
      }
    });
    return batch.map(() => undefined);
  }

  /** The reader has been given everything up to this message. */
  async function delivered(me: Actor, thread: Thread, peerPhone: string, upTo: number): Promise<void> {
    const progress = { delivered_to: upTo, seen_text_to: 0, seen_media: NO_MEDIA };
    await commits.add({ me, thread, peer_phone: peerPhone, ...progress });
  }

  const told = new Map<string, Told>();
  /** What is on its way of a reader's thread, or of all that waited for a reader. */
  const underWay = new Map<string, Promise<void>>();
  let toldLast = { threads: 0, at: 0 };
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** The reader's socket was told of this message: it becomes delivered in a moment, with what follows until then. */
  function deliveredSoon(me: Actor, thread: Thread, peerPhone: string, upTo: number): void {
    if (told.size === 0) {
      const isBusy = performance.now() - toldLast.at < TOLD_FORGOTTEN_MS;
      const ms = TOLD_MS + (isBusy ? toldLast.threads * TOLD_EACH_MS : 0);
      timer = setTimeout(deliverTold, Math.min(ms, TOLD_MS_MAX));
    }
    const key = keyOf(thread, me.user_id);
    const up_to = Math.max(upTo, told.get(key)?.up_to ?? 0);
    told.set(key, { me, thread, peer_phone: peerPhone, up_to });
  }

  /** At once: nothing may wait when the service ends. */
  function deliverTold(): void {
    clearTimeout(timer);
    toldLast = { threads: told.size, at: performance.now() };
    for (const [key, one] of told) deliver(key, one);
    told.clear();
  }

  function deliver(key: string, { me, thread, peer_phone, up_to }: Told): void {
    follow(key, delivered(me, thread, peer_phone, up_to));
  }

  /** The reader has come online: all that waits for him counts as delivered. */
  function deliverWaiting(me: Actor): void {
    follow(String(me.user_id), deliverAll(me));
  }

  async function deliverAll(me: Actor): Promise<void> {
    const waiting = await database.run((sql) => listUndelivered(sql, [me.user_id]));
    await Promise.all(waiting.map((thread) => delivered(me, thread, thread.peer_phone, thread.peer_sent_id)));
  }

  /** Nobody waits for it but who settles. */
  function follow(key: string, marked: Promise<void>): void {
    underWay.set(key, marked);
    marked
      .catch((error) => log.warn("Delivery not marked", describeError(error)))
      .finally(() => underWay.get(key) === marked && underWay.delete(key));
  }

  /**
   * What sockets of this process were told for a reader counts from here on: whoever has seen a frame come, and looks at the
   * thread, finds its message delivered.
   * @throws DatabaseUnavailable where whoever looks would find the same
   */
  async function settle(thread: Thread, readerId: number): Promise<void> {
    if (told.size + underWay.size === 0) return;
    const key = keyOf(thread, readerId);
    try {
      await underWay.get(String(readerId));
      const waiting = told.get(key);
      if (waiting) {
        told.delete(key);
        if (told.size === 0) clearTimeout(timer);
        deliver(key, waiting);
      }
      await underWay.get(key);
    } catch (error) {
      if (meetsAll(error)) throw error;
    }
  }

  /** Sees a message: a text with all texts before it, media alone. @throws AppError message_not_found */
  async function read(me: Actor, messageId: number): Promise<void> {
    const message = await database.run((sql) => findReceived(sql, me.user_id, messageId));
    if (!message) throw new AppError("message_not_found");
    const seen = message.message_type === "text"
      ? { seen_text_to: messageId, seen_media: NO_MEDIA }
      : { seen_text_to: 0, seen_media: { from: messageId, to: messageId } };
    await commits.add({
      me,
      thread: message,
      peer_phone: message.peer_phone,
      delivered_to: messageId,
      ...seen,
    });
  }

  /** Sees every text that this person has sent. @throws AppError contact_not_found */
  async function readAllText(me: Actor, phone: PhoneNumber): Promise<void> {
    const thread = await shownThread(me, phone);
    const seen = { delivered_to: EVERYTHING, seen_text_to: EVERYTHING, seen_media: NO_MEDIA };
    await commits.add({ me, thread, peer_phone: phone, ...seen });
  }

  /**
   * Sees everything up to a message that I received; where that fails a beginning of it may be done.
   * @throws AppError contact_not_found, message_not_found
   */
  async function readUpTo(me: Actor, phone: PhoneNumber, messageId: number): Promise<void> {
    const thread = await shownThread(me, phone);
    const message = await database.run((sql) => findMessage(sql, thread.conversation_id, messageId));
    if (message?.sender_id !== thread.peer_id) throw new AppError("message_not_found");
    const see = (from: number, to: number) => {
      const seen = { delivered_to: to, seen_text_to: to, seen_media: { from, to } };
      return commits.add({ me, thread, peer_phone: phone, ...seen });
    };
    let from = 0;
    for (;;) {
      const range = { ...thread, from, to: messageId, nth: MEDIA_AT_ONCE };
      const to = await database.run((sql) => findUnseenMedia(sql, range));
      if (to === null) return await see(from, messageId);
      await see(from, to);
      from = to + 1;
    }
  }

  async function shownThread(me: Actor, phone: PhoneNumber): Promise<Thread> {
    const thread = await threads.find(me, phone);
    const side = thread && await sides.read(thread.conversation_id, me.user_id);
    if (!side || statusOf(side) === null) throw new AppError("contact_not_found");
    return thread;
  }

  return { delivered, deliveredSoon, deliverTold, deliverWaiting, settle, read, readAllText, readUpTo };
}

/** Told are the reader's other sessions and, unless he refuses the reader, the peer. */
function eventsOf({ me, thread, peer_phone }: Progress): { own: Event; peer: Event } {
  return {
    own: { to: me.user_id, event: "messages_updated", sender: peer_phone, except: me.session_id },
    peer: { to: thread.peer_id, event: "messages_updated", sender: me.phone_number },
  };
}

function moveOf(progress: Progress): Move {
  const { own, peer } = eventsOf(progress);
  return {
    conversation_id: progress.thread.conversation_id,
    reader_id: progress.me.user_id,
    delivered_to: progress.delivered_to,
    seen_text_to: progress.seen_text_to,
    seen_media: progress.seen_media,
    event: { own: encode(own), peer: encode(peer) },
  };
}

/** Of what is told to a reader of a thread. */
function keyOf({ conversation_id }: Thread, readerId: number): string {
  return `${conversation_id} ${readerId}`;
}
