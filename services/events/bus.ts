// How a change reaches the sockets: the other processes through the transaction that makes the change, this process
// by a call after its commit. Another carrier between processes can stand in the place of these two methods.

import type { Sql } from "../../db/database.ts";
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
}

/** What a process sends carries its name in front, so that it can ignore its own. */
const ORIGIN_LENGTH = 16;

export function createOrigin(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, ORIGIN_LENGTH);
}

export function createBus(origin: string, hear: (event: Event) => void): Bus {
  const payloadsOf = (events: Event[]) => pack(origin, events.map(encode));
  return {
    origin,
    payloadsOf,
    announce: (sql, events) => notify(sql, payloadsOf(events)),
    deliver: (events) => hearEach(events, hear),
  };
}

/** What is told is committed: one socket that fails must not make it look undone, nor leave out the others. */
export function hearEach(events: Event[], hear: (event: Event) => void): void {
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

/**
 * The events of another process; none where the payload is this process's own, null where not all of it is understood, as
 * when that process is of a newer version.
 */
export function decode(payload: string, ownOrigin: string): Event[] | null {
  if (payload.startsWith(ownOrigin)) return [];
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
