// Stores messages. Sends are group-committed; a client_id makes a send repeatable for ever.

import type { Database } from "../../db/connection/database.ts";
import { type Draft, type DraftOutcome, storeDrafts } from "../../db/drafts.ts";
import * as messages from "../../db/messages.ts";
import { seenBy, statusOf } from "../contacts/contact_state.ts";
import { AppError } from "../errors.ts";
import type { Bus } from "../events/bus.ts";
import { beginAnnouncement, eventsOf, type Sent } from "../events/sent.ts";
import { createGroupCommit } from "../group_commit.ts";
import type { MemoryLimiter } from "../limits/memory_limiter.ts";
import type { PhoneNumber } from "../phone_number.ts";
import type { Actor } from "../sessions/sessions.ts";
import { locksOfPairs, type Thread, type Threads } from "./threads.ts";

/** A message to be sent, by whom and to whom. */
export interface Send extends messages.Content {
  me: Actor;
  thread: Thread;
  phone: PhoneNumber;
}

/** The stored message, and whether it existed before this send. */
export interface Stored {
  row: messages.MessageRow;
  repeated: boolean;
}

type Outcome = Stored | "recipient_not_found" | "not_friends" | "client_id_reused" | "invalid_media";

const BATCH_MAX = 128;
const BATCHES_MAX = 2;

export type Sends = ReturnType<typeof createSends>;

export function createSends(
  { database, threads, bus, limiter, now }: {
    database: Database;
    threads: Pick<Threads, "forget">;
    bus: Bus;
    /** Limits how fast one person may write to another. */
    limiter: MemoryLimiter;
    now: () => Date;
  },
) {
  const commits = createGroupCommit<Send, Outcome>({
    run: store,
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
    locks: locksOfPairs(database),
  });

  /** Sends in progress that have a client_id: a repetition waits for the first one. */
  const underWay = new Map<string, Promise<Outcome>>();

  /**
   * Stores one message and notifies both sides. The same client_id with the same content is the same message:
   * it is not stored again and does not count against limits.
   * @throws AppError recipient_not_found, not_friends, client_id_reused, invalid_media, rate_limited;
   * unavailable if the conversation no longer exists
   */
  async function add(send: Send): Promise<Stored> {
    const key = send.client_id === null ? null : keyOf(send);
    const outcome =
      await (key !== null && underWay.has(key) ? follow(send, key) : storeWithinLimit(send, key));
    if (outcome === "invalid_media") throw notToBeSent(send);
    if (typeof outcome === "string") throw new AppError(outcome);
    return outcome;
  }

  /**
   * Waits for the first send with this client_id. There is no `await` between seeing that none is in progress
   * and becoming the first, so two can never both become it.
   */
  async function follow(send: Send, key: string): Promise<Outcome> {
    for (let first = underWay.get(key); first; first = underWay.get(key)) {
      const outcome = await first;
      // The first may have been refused for its own content, so this one is tried by itself.
      if (typeof outcome !== "string") return judge(send, { ...outcome, repeated: true });
    }
    return await storeWithinLimit(send, key);
  }

  /** @throws AppError rate_limited */
  async function storeWithinLimit(send: Send, key: string | null): Promise<Outcome> {
    const limitKey = `${send.thread.conversation_id} ${send.me.user_id}`;
    const retryAfter = limiter.take(limitKey);
    if (retryAfter !== null) {
      const repeated = await findRepeated(send);
      if (repeated === null) throw new AppError("rate_limited", { retryAfter });
      return repeated;
    }
    const stored = commits.add(send);
    if (key !== null) underWay.set(key, stored);
    let isNew = false;
    try {
      const outcome = await stored;
      isNew = typeof outcome !== "string" && !outcome.repeated;
      return outcome;
    } finally {
      if (key !== null) underWay.delete(key);
      // Also if it is unknown whether the message was stored: a retry must not be held up by the limit.
      if (!isNew) limiter.giveBack(limitKey);
    }
  }

  /** The message that this send repeats, for a send that may not store a new one; null if there is none. */
  async function findRepeated(send: Send): Promise<Outcome | null> {
    const stored = await findStored(send);
    return stored && judge(send, stored);
  }

  async function findStored({ me, thread, client_id }: Send): Promise<Stored | null> {
    if (client_id === null) return null;
    const of = { conversation_id: thread.conversation_id, sender_id: me.user_id, client_id };
    const row = await database.run((sql) => messages.findByClientId(sql, of));
    return row && { row, repeated: true };
  }

  /** No two sends of a batch have the same client_id: `underWay` lets only one through. */
  async function store(sends: Send[]): Promise<(Outcome | Promise<Outcome>)[]> {
    const at = now();
    const drafts = sends.map(draftOf);
    const rows = await database.run(async (sql) => {
      const rows = await storeDrafts(sql, drafts, { now: at, origin: bus.origin });
      // Inside `run`, because a commit that succeeds after its callers gave up still has to be announced.
      sends.forEach((send, index) => {
        const id = rows[index]!.stored_id;
        if (id !== null) bus.deliver(eventsOf(sentOf(send), id));
      });
      return rows;
    });
    return sends.map((send, index) => {
      const row = rows[index]!;
      const { stored_id: id, sent_at, media } = row;
      return id === null
        ? whyNot(send, row)
        : { row: rowOf(send, { id, at: sent_at ?? at, media }), repeated: false };
    });
  }

  async function whyNot(send: Send, { pair, media }: DraftOutcome): Promise<Outcome> {
    if (pair === null) {
      // One of the two has just deleted their account, or the database was replaced by another. The next try
      // looks the conversation up again.
      threads.forget();
      throw new AppError("unavailable", { retryAfter: 1 });
    }
    // A message with this client_id may exist from before, or from a statement that committed since ours
    // began. A new statement sees it.
    const stored = await findStored(send);
    if (stored) return judge(send, stored);
    const status = statusOf(seenBy(send.me.user_id === pair.low_id ? "low" : "high", pair));
    if (status === null) return "recipient_not_found";
    if (status !== "accepted") return "not_friends";
    if (send.media_content_id !== null && media === null) return "invalid_media";
    throw new Error("A message that nothing forbids was not stored");
  }

  return { add };
}

/** The fields that must be equal in a repetition. The type makes it a compile error to leave one out. */
const COMPARED: Record<Exclude<keyof messages.Content, "client_id">, true> = {
  message_type: true,
  message: true,
  media_content_id: true,
};

/** A stored message with this client_id answers the send only if the content is the same. */
function judge(send: Send, stored: Stored): Outcome {
  const compared = Object.keys(COMPARED) as (keyof typeof COMPARED)[];
  return compared.every((key) => stored.row[key] === send[key]) ? stored : "client_id_reused";
}

/** Media of other people are refused exactly like media that do not exist. */
function notToBeSent({ message_type }: Send): AppError {
  const message = `Must be ${message_type} that is fully uploaded, by you or sent to you`;
  return new AppError("invalid_media", { issues: [{ path: "media_content_id", message }] });
}

function keyOf({ me, thread, client_id }: Send): string {
  return `${thread.conversation_id} ${me.user_id} ${client_id}`;
}

function rowOf(
  { me, message_type, message, media_content_id, client_id }: Send,
  { id, at, media }: { id: number; at: Date; media: DraftOutcome["media"] },
): messages.MessageRow {
  return {
    id,
    sender_id: me.user_id,
    message_type,
    message,
    media_content_id,
    media_type: media?.media_type ?? null,
    duration: media?.duration ?? null,
    seen_at: null,
    client_id,
    created_at: at,
  };
}

function sentOf({ me, thread, phone }: Send): Sent {
  return {
    conversation_id: thread.conversation_id,
    from: me,
    to: { user_id: thread.peer_id, phone_number: phone },
  };
}

function draftOf(send: Send): Draft {
  return {
    conversation_id: send.thread.conversation_id,
    sender_id: send.me.user_id,
    peer_id: send.thread.peer_id,
    message_type: send.message_type,
    message: send.message,
    media_content_id: send.media_content_id,
    client_id: send.client_id,
    announcement: beginAnnouncement(sentOf(send)),
  };
}
