// Tells other processes which sessions have a socket on this one: a session with a socket on any process is
// not woken. Only subscribed sessions are written to the database.

import type { Database } from "../../db/connection/database.ts";
import { noteGone, notePresent } from "../../db/push/push_presence.ts";
import type { Owed } from "../../db/push/push_wakes.ts";
import type { Event } from "../events/events.ts";
import type { Hub } from "../events/hub.ts";
import type { Actor } from "../sessions/sessions.ts";
import { newsOf } from "./news.ts";

/** How often all sessions are written again: a subscription may have been made on another process. */
const AGAIN_MS = 15_000;
/** How long other processes trust an entry, in case this process dies. */
const BELIEVED_MS = 3 * AGAIN_MS;
/** After this, the socket of a newly subscribed session is known to all processes. */
export const SETTLES_MS = AGAIN_MS + 5_000;
const SESSIONS_AT_ONCE = 2_000;
/** A dead connection is noticed within this time; notices sent since then may not have arrived. */
const DOUBTED_MS = 60_000;
/**
 * Events within this time after a session left may have been withheld from it, because other processes still
 * saw it as present.
 */
const LEFT_MS = 2_000;

export interface Presence {
  /** Wraps the hub to observe its sockets and events. */
  watch(hub: Hub): Hub;
  /** A socket of this session was notified of a message. */
  notified(me: Actor): void;
  /** This session has subscribed through this process. */
  subscribed(sessionId: string): void;
  /** Writes changes since the last call to the database. */
  note(): Promise<void>;
}

export function createPresence(
  { database, process, now, onLost }: {
    database: Database;
    process: string;
    now: () => Date;
    /**
     * Called when a session left before it was notified of this event, or its connection broke soon after.
     */
    onLost: (owed: Owed) => void;
  },
): Presence {
  /** Number of sockets per session. */
  const open = new Map<string, number>();
  const changed = new Set<string>();
  /** Sessions that the database has as present here. */
  const noted = new Set<string>();
  /** When each session was last notified of a message. */
  const notifiedAt = new Map<string, number>();
  /** When sessions left, by user and session. */
  const left = new Map<number, Map<string, number>>();
  /** Events that sessions missed or may have missed, by session. */
  const lost = new Map<string, Owed>();
  let notedAllAt = 0;

  function count(sessionId: string, by: 1 | -1): void {
    const sockets = (open.get(sessionId) ?? 0) + by;
    if (sockets > 0) open.set(sessionId, sockets);
    else open.delete(sessionId);
    changed.add(sessionId);
  }

  /** A client that connects fetches everything, so nothing is missed any more. */
  function enter({ user_id, session_id }: Actor): void {
    count(session_id, 1);
    left.get(user_id)?.delete(session_id);
    lost.delete(session_id);
  }

  function leave({ user_id, session_id }: Actor, wasClean: boolean): void {
    count(session_id, -1);
    if (open.has(session_id)) return;
    const at = now().getTime();
    const own = left.get(user_id) ?? new Map();
    left.set(user_id, own.set(session_id, at));
    const wasDoubtful = !wasClean && (notifiedAt.get(session_id) ?? 0) > at - DOUBTED_MS;
    if (wasDoubtful) lose({ user_id, session_id, wake_for: "messages_updated" });
    notifiedAt.delete(session_id);
  }

  function lose(owed: Owed & { session_id: string }): void {
    if (lost.get(owed.session_id)?.wake_for !== "messages_updated") lost.set(owed.session_id, owed);
    changed.add(owed.session_id);
  }

  /**
   * Records events that sessions missed because they had just left: another process may have assumed that
   * they were notified here.
   */
  function miss(event: Event): void {
    const own = left.get(event.to);
    const wakeFor = own ? newsOf(event) : null;
    if (!own || !wakeFor) return;
    for (const id of own.keys()) lose({ user_id: event.to, session_id: id, wake_for: wakeFor });
  }

  function forgetLeft(at: number): void {
    for (const [userId, own] of left) {
      for (const [id, leftAt] of own) {
        if (Math.abs(at - leftAt) > LEFT_MS && !changed.has(id)) own.delete(id);
      }
      if (own.size === 0) left.delete(userId);
    }
  }

  async function note(): Promise<void> {
    const at = now().getTime();
    if (Math.abs(at - notedAllAt) >= AGAIN_MS) {
      for (const id of open.keys()) changed.add(id);
      notedAllAt = at;
    }
    const ids = [...changed];
    changed.clear();
    try {
      for (let start = 0; start < ids.length; start += SESSIONS_AT_ONCE) {
        await noteSome(ids.slice(start, start + SESSIONS_AT_ONCE), new Date(at + BELIEVED_MS));
      }
    } catch (error) {
      ids.forEach((id) => changed.add(id));
      throw error;
    }
    forgetLeft(at);
  }

  async function noteSome(ids: string[], until: Date): Promise<void> {
    const here = ids.filter((id) => open.has(id));
    const away = ids.filter((id) => !open.has(id));
    const gone = away.filter((id) => noted.has(id));
    if (here.length > 0) {
      const subscribed = await database.run((sql) => notePresent(sql, { session_ids: here, process, until }));
      here.forEach((id) => noted.delete(id));
      subscribed.forEach(({ session_id }) => noted.add(session_id));
    }
    if (gone.length > 0) {
      await database.run((sql) => noteGone(sql, gone, process));
      gone.forEach((id) => noted.delete(id));
    }
    away.forEach((id) => {
      const owed = lost.get(id);
      if (owed && lost.delete(id)) onLost(owed);
    });
  }

  return {
    watch: (hub) => ({
      ...hub,
      join(socket) {
        const leaveHub = hub.join(socket);
        let isOpen = true;
        enter(socket.actor);
        return (wasClean = false) => {
          leaveHub(wasClean);
          if (isOpen) leave(socket.actor, wasClean);
          isOpen = false;
        };
      },
      tell(event) {
        hub.tell(event);
        miss(event);
      },
    }),
    notified: ({ session_id }) => {
      if (noted.has(session_id)) notifiedAt.set(session_id, now().getTime());
    },
    subscribed: (sessionId) => void changed.add(sessionId),
    note,
  };
}
