// The sockets of this process. A slow socket costs one small frame in transit plus the set of notices it has
// not been sent; equal notices merge. Only committed changes are sent here. If a socket closes, its unsent
// notices are lost.

import type { Actor } from "../sessions/sessions.ts";
import type { Delivery, Event } from "./events.ts";
import { CLOSE, type Notice, type Socket } from "./socket.ts";

export interface Hub {
  /**
   * Adds a socket and sends it `connected`. Call the result to remove it; further calls do nothing. Pass
   * `wasClean` as true if the client closed the connection properly; otherwise it is unknown what the client
   * read last.
   */
  join(socket: Socket): (wasClean?: boolean) => void;
  tell(event: Event): void;
  /** Ids of the sessions that have a socket on this process. */
  sessionIds(): string[];
  userIds(): number[];
  countSockets(): number;
  newestFirst(): Socket[];
  closeAll(): void;
}

/** Waits between checks of a busy socket: short at first, then longer. */
const LOOK_AGAIN_MS = [0, 2, 10, 50, 200];
/** A socket that could not be written to for this long is closed, even if its client still sends. */
const BUSY_MS_MAX = 30_000;
/** Distinct unsent notices of a socket; beyond that it is closed, because its client reads nothing. */
const OWED_MAX = 1_000;

/**
 * A token bucket per socket: frames that are sent as fast as the socket takes them, and the time after which
 * one more is allowed. A client that reads nothing is cut when it answers no ping, within 56 s, but not while
 * a frame is stuck on the way to it. The buffers of the operating system hold some 24,000 frames (measured
 * with Linux's tcp_wmem of 4 MB). FRAMES_AT_ONCE_MAX plus one frame every ten milliseconds for 56 s stays
 * below that, so no frame gets stuck.
 */
const FRAMES_AT_ONCE_MAX = 15_000;
const FRAME_EVERY_MS = 10;

interface Seat {
  socket: Socket;
  /** Sequence number: higher for newer sockets. */
  nth: number;
  /** Unsent notices by their merge key; null if there are none. */
  owed: Map<string, { notice: Notice; delivery: Delivery | null }> | null;
  timer: ReturnType<typeof setTimeout> | null;
  looks: number;
  /** Tokens left in the bucket at `roomAt`. */
  room: number;
  roomAt: number;
  /** Since when the socket could not be written to; null if it can be. */
  busySince: number | null;
}

export function createHub(
  { onDelivered, socketsPerUserMax, busyMsMax = BUSY_MS_MAX }: {
    /** Called when a socket of this user was sent a notice of this message, from this number. */
    onDelivered: (to: Actor, sender: string, delivery: Delivery) => void;
    socketsPerUserMax: number;
    busyMsMax?: number;
  },
): Hub {
  const seats = new Map<number, Set<Seat>>();
  let joined = 0;
  // A message is delivered when the first socket of its receiver is notified; the others are not reported.
  const reported = new WeakSet<Delivery>();

  function leave(seat: Seat): void {
    if (seat.timer !== null) clearTimeout(seat.timer);
    seat.timer = null;
    seat.owed?.clear();
    const own = seats.get(seat.socket.actor.user_id);
    own?.delete(seat);
    if (own?.size === 0) seats.delete(seat.socket.actor.user_id);
  }

  function end(seat: Seat, code: number, reason: string): void {
    leave(seat);
    seat.socket.close(code, reason);
  }

  /** Sends unsent notices while the socket takes them, and comes back later when it does not. */
  function flush(seat: Seat): void {
    const { owed } = seat;
    if (owed === null) return;
    for (const [key, { notice, delivery }] of owed) {
      if (seat.socket.isBusy()) return lookAgain(seat);
      if (!takeRoom(seat)) return flushIn(seat, FRAME_EVERY_MS);
      owed.delete(key);
      seat.looks = 0;
      seat.busySince = null;
      send(seat, notice, delivery);
    }
    seat.owed = null;
  }

  function send({ socket }: Seat, notice: Notice, delivery: Delivery | null): void {
    const told = socket.write(notice);
    if (told && delivery && notice.event === "messages_updated" && !reported.has(delivery)) {
      reported.add(delivery);
      onDelivered(socket.actor, notice.sender, delivery);
    }
  }

  function lookAgain(seat: Seat): void {
    if (seat.timer !== null) return;
    seat.busySince ??= performance.now();
    if (performance.now() - seat.busySince > busyMsMax) return end(seat, CLOSE.overflow, "Nothing read");
    const ms = LOOK_AGAIN_MS[Math.min(seat.looks, LOOK_AGAIN_MS.length - 1)]!;
    seat.looks += 1;
    flushIn(seat, ms);
  }

  function flushIn(seat: Seat, ms: number): void {
    seat.timer ??= setTimeout(() => {
      seat.timer = null;
      flush(seat);
    }, ms);
  }

  function owe(seat: Seat, notice: Notice, delivery: Delivery | null): void {
    // Usually nothing is pending, and the notice is sent without storing it.
    if (seat.owed === null && !seat.socket.isBusy() && takeRoom(seat)) return send(seat, notice, delivery);
    const owed = seat.owed ??= new Map();
    const key = keyOf(notice);
    owed.set(key, { notice, delivery: later(owed.get(key)?.delivery ?? null, delivery) });
    if (owed.size > OWED_MAX) end(seat, CLOSE.overflow, "Too much unread");
    else flush(seat);
  }

  function hear(seat: Seat, event: Event, notice: Notice | null): void {
    const { session_id } = seat.socket.actor;
    if (event.event === "session_ended") {
      if (event.session_id === session_id) end(seat, CLOSE.session_ended, "Session ended");
    } else if (notice !== null && event.except !== session_id) {
      owe(seat, notice, event.event === "messages_updated" && event.delivery || null);
    }
  }

  const all = () => [...seats.values()].flatMap((own) => [...own]);

  return {
    join(socket) {
      const own = seats.get(socket.actor.user_id) ?? new Set();
      seats.set(socket.actor.user_id, own);
      const seat: Seat = {
        socket,
        nth: joined += 1,
        owed: null,
        timer: null,
        looks: 0,
        room: FRAMES_AT_ONCE_MAX,
        roomAt: performance.now(),
        busySince: null,
      };
      own.add(seat);
      const [oldest] = own;
      if (own.size > socketsPerUserMax && oldest) end(oldest, CLOSE.displaced, "Displaced by newer sockets");
      socket.write({ event: "connected" });
      return () => leave(seat);
    },
    tell(event) {
      const own = seats.get(event.to);
      if (!own) return;
      const notice = noticeOf(event);
      // The set may shrink while it is iterated, but never grows.
      for (const seat of own) hear(seat, event, notice);
    },
    sessionIds: () => [...new Set(all().map(({ socket }) => socket.actor.session_id))],
    userIds: () => [...seats.keys()],
    countSockets: () => all().length,
    newestFirst: () => all().sort((one, other) => other.nth - one.nth).map(({ socket }) => socket),
    closeAll() {
      all().forEach((seat) => end(seat, CLOSE.shutdown, "Service is shutting down"));
    },
  };
}

/**
 * Events of several processes and batches may arrive out of order; delivering the later message covers the
 * earlier one.
 */
function later(one: Delivery | null, other: Delivery | null): Delivery | null {
  return one && other ? one.message_id > other.message_id ? one : other : one ?? other;
}

function takeRoom(seat: Seat): boolean {
  const at = performance.now();
  seat.room = Math.min(FRAMES_AT_ONCE_MAX, seat.room + (at - seat.roomAt) / FRAME_EVERY_MS);
  seat.roomAt = at;
  if (seat.room < 1) return false;
  seat.room -= 1;
  return true;
}

/** The notice of an event, the same for all sockets of the user; null if clients are not notified. */
function noticeOf(event: Event): Notice | null {
  switch (event.event) {
    case "session_ended":
    case "account_deleted":
      return null;
    case "messages_updated":
      return { event: event.event, sender: event.sender };
    default:
      return { event: event.event };
  }
}

/** Pending notices with the same key merge into one. */
function keyOf(notice: Notice): string {
  return "sender" in notice ? `${notice.event} ${notice.sender}` : notice.event;
}
