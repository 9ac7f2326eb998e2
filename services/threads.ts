import { LRUCache } from "lru-cache";
import { findThread } from "../db/conversations.ts";
import type { Database } from "../db/database.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Actor } from "./sessions.ts";

/** The conversation of two people; once there, it stays what it is. */
export interface Thread {
  conversation_id: number;
  peer_id: number;
}

export interface Threads {
  /** Null before the first request between the two. Says nothing of what either wants. */
  find(me: Actor, phone: PhoneNumber): Promise<Thread | null>;
}

const THREADS_MAX = 100_000;

export function createThreads({ database }: { database: Database }): Threads {
  const known = new LRUCache<string, Thread>({ max: THREADS_MAX });
  return {
    async find(me, phone) {
      const key = `${me.user_id} ${phone}`;
      const thread = known.get(key) ?? await database.run((sql) => findThread(sql, me.user_id, phone));
      if (thread) known.set(key, thread);
      return thread;
    },
  };
}
