// How a change reaches the sockets: those of other processes through NOTIFY in the transaction that makes the
// change, those of this process by a call after the commit. `announce` and `deliver` are the two places to
// change for another transport.

import type { Sql } from "../../db/connection/database.ts";
import { notify, PAYLOAD_BYTES_MAX } from "../../db/notify.ts";
import { describeError, log } from "../log.ts";
import { type Event, isEventName } from "./events.ts";
import { type Announcement, ANNOUNCEMENT_LENGTH, readAnnouncement } from "./sent.ts";

export interface Bus {
  /** Notifies the other processes when this transaction commits, and never if it does not. */
  announce(sql: Sql, events: Event[]): Promise<void>;
  /** Notifies this process; call it after the commit. */
  deliver(events: Event[]): void;
  /**
   * The prefix of a payload, for statements that call pg_notify themselves and put events behind it: see
   * `encode` and `beginAnnouncement`.
   */
  readonly origin: string;
  /** The payloads that such a statement sends for these events. */
  payloadsOf(events: Event[]): string[];
  /**
   * Call this after an operation of this process whose outcome is unknown: it may still commit, and `deliver`
   * is never called for it. From now on, announcements of operations that began before this call are handled
   * when they arrive, instead of being ignored.
   */
  noteUnknownOutcome(): void;
  /** Handles an announcement of any process. Returns false if part of it was not understood. */
  receive(payload: string): boolean;
}

/**
 * The origin that starts each payload: the name of the process, and how often `noteUnknownOutcome` was
 * called. By it a process recognises and ignores its own announcements.
 */
const ORIGIN_LENGTH = 16;
const NAME_LENGTH = 10;

/** A random name for this process. */
export function createProcessName(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, NAME_LENGTH);
}

/**
 * @param hear is called with events of changes that this process made
 * @param hearOthers is called with events of other processes' changes
 */
export function createBus(name: string, hear: (event: Event) => void, hearOthers = hear): Bus {
  let unknownOutcomes = 0;
  const originNow = () => name + unknownOutcomes.toString(36).padStart(ORIGIN_LENGTH - NAME_LENGTH, "0");
  let origin = originNow();
  const payloadsOf = (events: Event[]) => pack(origin, events.map(encode));
  return {
    get origin() {
      return origin;
    },
    payloadsOf,
    announce: (sql, events) => notify(sql, payloadsOf(events)),
    deliver: (events) => hearEach(events, hear),
    noteUnknownOutcome() {
      unknownOutcomes += 1;
      origin = originNow();
    },
    receive(payload) {
      if (payload.startsWith(origin)) return true;
      const events = decode(payload);
      if (events !== null) hearEach(events, payload.startsWith(name) ? hear : hearOthers);
      return events !== null;
    },
  };
}

/**
 * The change is committed, so an error in one handler must neither fail it nor keep other events from being
 * handled.
 */
function hearEach(events: Event[], hear: (event: Event) => void): void {
  for (const event of events) {
    try {
      hear(event);
    } catch (error) {
      log.error("Event not handled", describeError(error));
    }
  }
}

export function encode(event: Event): string {
  return JSON.stringify(event);
}

/**
 * The events of a payload; null if part of it is not understood, for instance because it comes from a newer
 * version.
 */
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

/** Packs events into as few payloads as PostgreSQL's size limit allows. */
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
