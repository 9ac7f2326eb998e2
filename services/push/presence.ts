// Which sessions have a socket here, for the other processes to know: who has one anywhere is not woken. Only those with
// a subscription leave a trace in the database.

import type { Database } from "../../db/database.ts";
import { noteGone, notePresent } from "../../db/push_presence.ts";
import type { Hub } from "../events/hub.ts";
import type { Actor } from "../sessions.ts";

/** How often all are noted again: a subscription may have been made on another process. */
const AGAIN_MS = 15_000;
/** How long a note is believed, should this process die. */
const BELIEVED_MS = 3 * AGAIN_MS;
/** A new subscription's socket is known everywhere after this. */
export const SETTLES_MS = AGAIN_MS + 5_000;
const SESSIONS_AT_ONCE = 2_000;
/** A dead connection is found out within this time: what it was told since then may have reached nobody. */
const DOUBTED_MS = 60_000;

export interface Presence {
  /** The same hub, watched. */
  watch(hub: Hub): Hub;
  /** A socket of this session was told of a message. */
  told(me: Actor): void;
  /** This session has subscribed here. */
  subscribed(sessionId: string): void;
  /** Writes down what has changed since the last time. */
  note(): Promise<void>;
}

export function createPresence(
  { database, process, now, onLost }: {
    database: Database;
    process: string;
    now: () => Date;
    /** The last socket of this session broke off soon after it was told of a message. */
    onLost: (me: Actor) => void;
  },
): Presence {
  /** How many sockets each session has here. */
  const open = new Map<string, number>();
  const changed = new Set<string>();
  /** Those that the database knows of. */
  const noted = new Set<string>();
  /** When each session was last told of a message. */
  const toldAt = new Map<string, number>();
  /** Those that broke off soon after they had been told. */
  const lost = new Map<string, Actor>();
  let notedAllAt = 0;

  function count(sessionId: string, by: 1 | -1): void {
    const sockets = (open.get(sessionId) ?? 0) + by;
    if (sockets > 0) open.set(sessionId, sockets);
    else open.delete(sessionId);
    if (by > 0) lost.delete(sessionId);
    changed.add(sessionId);
  }

  function leave(me: Actor, wasClean: boolean): void {
    count(me.session_id, -1);
    if (open.has(me.session_id)) return;
    const doubtedSince = now().getTime() - DOUBTED_MS;
    if (!wasClean && (toldAt.get(me.session_id) ?? 0) > doubtedSince) lost.set(me.session_id, me);
    toldAt.delete(me.session_id);
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
  }

  async function noteSome(ids: string[], until: Date): Promise<void> {
    const here = ids.filter((id) => open.has(id));
    const gone = ids.filter((id) => !open.has(id) && noted.has(id));
    if (here.length > 0) {
      const subscribed = await database.run((sql) => notePresent(sql, { session_ids: here, process, until }));
      here.forEach((id) => noted.delete(id));
      subscribed.forEach(({ session_id }) => noted.add(session_id));
    }
    if (gone.length > 0) {
      await database.run((sql) => noteGone(sql, gone, process));
      gone.forEach((id) => noted.delete(id));
      gone.forEach((id) => {
        const me = lost.get(id);
        if (me && lost.delete(id)) onLost(me);
      });
    }
  }

  return {
    watch: (hub) => ({
      ...hub,
      join(socket) {
        const leaveHub = hub.join(socket);
        let isOpen = true;
        count(socket.actor.session_id, 1);
        return (wasClean = false) => {
          leaveHub(wasClean);
          if (isOpen) leave(socket.actor, wasClean);
          isOpen = false;
        };
      },
    }),
    told: ({ session_id }) => {
      if (noted.has(session_id)) toldAt.set(session_id, now().getTime());
    },
    subscribed: (sessionId) => void changed.add(sessionId),
    note,
  };
}
