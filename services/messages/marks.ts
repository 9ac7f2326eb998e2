// The delivered and seen marks of a reader in a thread. Only the receiver moves them, only forward, and many
// at a time in one statement.

import type { Database } from "../../db/connection/database.ts";
import { findUnseenMedia, type Move, moveMarks } from "../../db/marks.ts";
import { findMessage, findReceived } from "../../db/messages.ts";
import { statusOf } from "../contacts/contact_state.ts";
import { AppError } from "../errors.ts";
import { type Bus, encode } from "../events/bus.ts";
import type { Event } from "../events/events.ts";
import { createGroupCommit } from "../group_commit.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { SideReader } from "../side_reader.ts";
import { locksOfPairs, type Thread, type Threads } from "./threads.ts";

/**
 * Progress of a reader: every message up to `delivered_to` is delivered, every text up to `seen_text_to` is
 * seen.
 */
interface Progress {
  me: Actor;
  thread: Thread;
  peer_phone: string;
  delivered_to: number;
  seen_text_to: number;
  /** Media messages from this id to that one become seen: a single one or a range. */
  seen_media: { from: number; to: number };
}

const NO_MEDIA = { from: 1, to: 0 };
/** Higher than any id: a mark never exceeds the newest message that the peer has sent. */
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/**
 * Media messages of one call that become seen per statement, so that others who need the pair's lock do not
 * wait for the whole call.
 */
const MEDIA_AT_ONCE = 5_000;
const BATCH_MAX = 256;
const BATCHES_MAX = 2;

export type Marks = ReturnType<typeof createMarks>;

export function createMarks(
  { database, bus, threads, sideReader, now }: {
    database: Database;
    bus: Bus;
    threads: Threads;
    sideReader: SideReader;
    now: () => Date;
  },
) {
  const commits = createGroupCommit<Progress, void>({
    run: move,
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
    locks: locksOfPairs(database),
  });

  async function move(batch: Progress[]): Promise<void[]> {
    await database.run(async (sql) => {
      const moved = await moveMarks(sql, batch.map(moveOf), { now: now(), origin: bus.origin });
      // Inside `run`, because a commit that succeeds after its callers gave up still has to be announced.
      for (const { index, tell_peer } of moved) {
        const { own, peer } = eventsOf(batch[index]!);
        bus.deliver(tell_peer ? [own, peer] : [own]);
      }
    });
    return batch.map(() => undefined);
  }

  /** Marks everything up to this message as delivered. */
  async function delivered(me: Actor, thread: Thread, peerPhone: string, upTo: number): Promise<void> {
    const progress = { delivered_to: upTo, seen_text_to: 0, seen_media: NO_MEDIA };
    await commits.add({ me, thread, peer_phone: peerPhone, ...progress });
  }

  /**
   * Marks a message as seen: a text together with all texts before it, a media message alone.
   * @throws AppError message_not_found
   */
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

  /** Marks every text that this person has sent as seen. @throws AppError contact_not_found */
  async function readAllText(me: Actor, phone: PhoneNumber): Promise<void> {
    const thread = await shownThread(me, phone);
    const seen = { delivered_to: EVERYTHING, seen_text_to: EVERYTHING, seen_media: NO_MEDIA };
    await commits.add({ me, thread, peer_phone: phone, ...seen });
  }

  /**
   * Marks everything up to a message that I received as seen. If it fails midway, the oldest part may already
   * be marked.
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
    const side = thread && await sideReader.read(thread.conversation_id, me.user_id);
    if (!side || statusOf(side) === null) throw new AppError("contact_not_found");
    return thread;
  }

  return { delivered, read, readAllText, readUpTo };
}

/**
 * The events of a move: one for the reader's other sessions, and one for the peer, which is sent unless the
 * peer refuses the reader.
 */
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
