import { findThread } from "../../db/conversations.ts";
import type { Database } from "../../db/connection/database.ts";
import { findHeld } from "../../db/pairs.ts";
import type { Locks } from "../group_commit.ts";
import type { PhoneNumber } from "../phone_number.ts";
import { createRecent } from "../recent.ts";
import type { Actor } from "../sessions/sessions.ts";

/** The conversation of two people, as one of them names it. Its ids never change while both accounts exist, so they may be kept. */
export interface Thread {
  conversation_id: number;
  peer_id: number;
}

export interface Threads {
  /**
   * Null before the first request between the two. Says nothing of what either wants: the two need not be friends.
   * @returns a value, not a promise, where it was found lately
   */
  find(me: Actor, phone: PhoneNumber): Thread | Promise<Thread | null>;
  /** Looks everything up anew from here on. */
  forget(): void;
}

const THREADS_MAX = 50_000;
const THREADS_KEPT_MS = 10 * 60_000;

export function createThreads({ database }: { database: Database }): Threads {
  const known = createRecent<Thread>({ turnMs: THREADS_KEPT_MS, max: THREADS_MAX });
  let forgotten = 0;

  async function lookUp(key: string, me: Actor, phone: PhoneNumber): Promise<Thread | null> {
    const before = forgotten;
    const thread = await database.run((sql) => findThread(sql, me.user_id, phone));
    if (thread && before === forgotten) known.set(key, thread);
    return thread;
  }

  return {
    find(me, phone) {
      const key = `${me.user_id} ${phone}`;
      return known.get(key) ?? lookUp(key, me, phone);
    },
    forget() {
      forgotten += 1;
      known.clear();
    },
  };
}

/** Whatever is done in a thread locks the row of its pair. */
export function locksOfPairs(database: Database): Locks<{ thread: Thread }> {
  const of = ({ thread }: { thread: Thread }) => thread.conversation_id;
  return { of, held: (jobs) => database.run((sql) => findHeld(sql, jobs.map(of))) };
}
