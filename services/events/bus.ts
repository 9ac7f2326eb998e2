// How a change reaches the sockets: the other processes through the transaction that makes the change, this process
// by a call after its commit. Another carrier between processes can stand in the place of these two methods.

import type { Sql } from "../../db/connection/database.ts";
import { notify, PAYLOAD_BYTES_MAX } from "../../db/notify.ts";
import { describeError, log } from "../log.ts";
import { type Event, isEventName } from "./events.ts";
import { type Announcement, ANNOUNCEMENT_LENGTH, readAnnouncement } from "./sent.ts";

export interface Bus {
  /** Tells the other processes once this transaction commits, and never if it does not. */
  announce(sql: Sql, events: Event[]): Promise<void>;
  /** Tells this process; to be called after the commit. */
  deliver(events: Event[]): void;
  /** What a statement that announces by itself puts before its events: see `encode` and `beginAnnouncement`. */
  readonly origin: string;
  /** The events as what such a statement tells. */
  payloadsOf(events: Event[]): string[];
  /**
   * After an operation of this process whose outcome nobody knows. It may be committed at any time, and nobody here calls
   * `deliver` then: what was begun until now is heard when it is announced, as if another process had done it.
   */
  doubt(): void;
  /** Takes in what was announced, by whichever process. False where not all of it is understood. */
  takeIn(payload: string): boolean;
}

/** What a process sends carries its origin in front: its name, and how often it has been in doubt. So it can ignore its own. */
const ORIGIN_LENGTH = 16;
const NAME_LENGTH = 10;

/** The name of a process. */
export function createProcessName(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, NAME_LENGTH);
}

/**
 * @param hear what this process has changed
 * @param hearOthers what others have
 */
export function createBus(name: string, hear: (event: Event) => void, hearOthers = hear): Bus {
  let doubts = 0;
  const originNow = () => name + doubts.toString(36).padStart(ORIGIN_LENGTH - NAME_LENGTH, "0");
  let origin = originNow();
  const payloadsOf = (events: Event[]) => pack(origin, events.map(encode));
  return {
    get origin() {
      return origin;
    },
    payloadsOf,
    announce: (sql, events) => notify(sql, payloadsOf(events)),
    deliver: (events) => hearEach(events, hear),
    doubt() {
      doubts += 1;
      origin = originNow();
    },
    takeIn(payload) {
      if (payload.startsWith(origin)) return true;
      const events = decode(payload);
      if (events !== null) hearEach(events, payload.startsWith(name) ? hear : hearOthers);
      return events !== null;
    },
  };
}

/** What is told is committed: one socket that fails must not make it look undone, nor leave out the others. */
function hearEach(events: Event[], hear: (event: Event) => void): void {
  for (const event of events) {
    try {
      hear(event);
    } catch (error) {
      log.error("Event not told", describeError(error));
    }
  }
}

export function encode(event: Event): string {
  return JSON.stringify(event);
}

/** The events of a payload; null where not all of it is understood, as when its process is of a newer version. */
export function decode(payload: string): Event[] | null {
  try {
    const told: unknown[] = JSON.parse(`[${payload.slice(ORIGIN_LENGTH)}]`);
    if (told.every(isTold)) return told.flatMap((one) => Array.isArray(one) ? readAnnouncement(one) : one);
  } catch { /* not even JSON */ }
  log.warn("Notification not understood", { length: payload.length });
  return null;
}

function isTold(one: unknown): one is Event | Announcement {
  if (Array.isArray(one)) return one.length === ANNOUNCEMENT_LENGTH;
  return typeof one === "object" && one !== null && "event" in one && isEventName(one.event);
}

/** Packs events into as few payloads as PostgreSQL takes. */
function pack(origin: string, events: string[]): string[] {
  const packed: string[] = [];
  let current = "";
  for (const event of events) {
    if (current !== "" && origin.length + current.length + event.length + 1 > PAYLOAD_BYTES_MAX) {
      packed.push(origin + current);
      current = "";
    }
    current += current === "" ? event : `,${event}`;
  }
  return current === "" ? packed : [...packed, origin + current];
}
