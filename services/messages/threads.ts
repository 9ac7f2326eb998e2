import type { Database } from "../../db/connection/database.ts";
import { findThread } from "../../db/conversations.ts";
import { findHeld } from "../../db/pairs.ts";
import type { Locks } from "../group_commit.ts";
import type { PhoneNumber } from "../phone_number.ts";
import { createRecent } from "../recent.ts";
import type { Actor } from "../sessions/sessions.ts";

/**
 * The conversation of two people, from the view of one of them. Its ids never change while both accounts
 * exist and the database is not replaced by another, so they may be cached.
 */
export interface Thread {
  conversation_id: number;
  peer_id: number;
}

export interface Threads {
  /**
   * Null before the first request between the two. Finding a thread does not mean that they are friends.
   * @returns a value, not a promise, if it is cached
   */
  find(me: Actor, phone: PhoneNumber): Thread | Promise<Thread | null>;
  /** Drops the cache: later lookups go to the database. */
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

/** Every change in a thread locks the row of its pair. */
export function locksOfPairs(database: Database): Locks<{ thread: Thread }> {
  const of = ({ thread }: { thread: Thread }) => thread.conversation_id;
  return { of, held: (jobs) => database.run((sql) => findHeld(sql, jobs.map(of))) };
}
