import type { Hub } from "../../services/events/hub.ts";
import { CLOSE, type Notice, type Socket } from "../../services/events/socket.ts";
import type { HeadCount } from "../../services/limits/head_count.ts";
import type { Deliveries } from "../../services/messages/deliveries.ts";
import type { Actor } from "../../services/sessions/sessions.ts";
import { terminate } from "./terminate.ts";

/** How much a client may send, although nothing is expected of it. */
export const FRAME_BYTES_MAX = 4096;
export const FRAMES_A_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;
const GOODBYE_MS_MAX = 5_000;
const LOOK_AGAIN_MS = 50;
const LOOK_STUCK_MS = 1_000;
/**
 * A client that sends too much is told so once it has been silent for `PAUSE_MS`, or soon after
 * `PAUSE_MS_MAX`.
 */
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 1_000;
const OPENING_MS_MAX = 10_000;
/**
 * A client that sends more than this after that is cut without a close frame: each frame costs everybody else
 * some microseconds.
 */
const FLOOD_FRAMES_MAX = 2_000;

/** Shared by all sockets of this process that hear the same events. */
export interface Around {
  hub: Hub;
  deliveries: Deliveries;
  stuckSockets: HeadCount;
  toFrame: (notice: Notice) => string;
  /** Whether these sockets asked for `sessions_updated`. The others are never told of it. */
  hearSessions: boolean;
}

/**
 * Joins a WebSocket to the hub for as long as it is open. Thousands of phones wait on idle sockets, so the
 * state of each is this single object, which is also the listener of all its events: closures and separate
 * handlers take more memory.
 */
export class NotificationSocket implements Socket {
  /** First the deadline of the opening, later the delay before a flooding client is told why it is closed. */
  #timer: ReturnType<typeof setTimeout> | null;
  #floodedAt: number | null = null;
  #isCut = false;
  #unstick: (() => void) | null = null;
  #leave: ReturnType<Hub["join"]> | null = null;
  #minuteEndsAt = 0;
  #frames = 0;

  /** @param goOut is called when the socket is gone, possibly twice */
  constructor(
    private readonly socket: WebSocket,
    readonly actor: Actor,
    private readonly goOut: () => void,
    private readonly around: Around,
  ) {
    // A socket that neither opens nor reports a close gives its place back after a while.
    this.#timer = setTimeout(goOut, OPENING_MS_MAX);
    for (const type of ["open", "message", "close", "error"]) socket.addEventListener(type, this);
  }

  /** The listener is an object (DOM, section 2.8). `close` may arrive twice, which is harmless. */
  handleEvent(event: Event): void {
    if (event instanceof MessageEvent) this.#hear(event.data);
    else if (event.type === "open") this.#open();
    else this.#gone(event);
  }

  isBusy(): boolean {
    return !this.#isCut && this.socket.bufferedAmount > 0;
  }

  write(notice: Notice): boolean {
    // A closing socket would drop the frame silently. Nothing is lost: the change is committed, and the
    // client fetches it after it reconnects.
    if (this.#isCut || this.socket.readyState !== WebSocket.OPEN) return false;
    if (notice.event === "sessions_updated" && !this.around.hearSessions) return true;
    this.socket.send(this.around.toFrame(notice));
    return true;
  }

  /**
   * Cuts the connection. Until its `close` event the socket still reports that it is open, but Deno 2.9.6
   * crashes on any call to it, so none is made after this.
   */
  cut(): void {
    this.#isCut = true;
    terminate(this.socket);
  }

  /** Closes once all earlier frames are sent, and does not wait long for the client's answer. */
  close(code: number, reason: string): void {
    const { socket } = this;
    if (this.#isCut || socket.readyState > WebSocket.OPEN) return;
    if (this.isBusy()) return this.#closeLater(code, reason);
    const timer = setTimeout(() => terminate(socket), GOODBYE_MS_MAX);
    socket.addEventListener("close", () => clearTimeout(timer));
    socket.close(code, reason);
  }

  /**
   * A connection with a frame stuck in it can only be ended by its client. Until then it takes one of its
   * user's places.
   */
  #closeLater(code: number, reason: string, deadline = performance.now() + GOODBYE_MS_MAX): void {
    const isStuck = performance.now() > deadline;
    if (isStuck) this.#unstick ??= this.around.stuckSockets.enter(String(this.actor.user_id));
    const timer = setTimeout(() => {
      if (this.isBusy()) this.#closeLater(code, reason, deadline);
      else this.close(code, reason);
    }, isStuck ? LOOK_STUCK_MS : LOOK_AGAIN_MS);
    Deno.unrefTimer(timer);
  }

  #open(): void {
    clearTimeout(this.#timer!);
    this.#timer = null;
    // From here on an error is always followed by `close`. Two listeners fewer save half a kilobyte for each
    // idle socket.
    for (const type of ["open", "error"]) this.socket.removeEventListener(type, this);
    const { hub, deliveries } = this.around;
    this.#leave = hub.join(this);
    deliveries.cameOnline(this.actor);
  }

  #hear(data: unknown): void {
    if (this.#isCut || this.#floodedAt === null && !this.#isTooMuch(data)) return;
    const at = performance.now();
    if (this.#floodedAt === null) this.#leave?.(true);
    this.#floodedAt ??= at;
    this.#frames += 1;
    if (this.#frames > FLOOD_FRAMES_MAX) return this.cut();
    if (at - this.#floodedAt > PAUSE_MS_MAX) return;
    // Not before the client pauses: if more of its frames have already arrived, Deno hangs up without our
    // close frame.
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(CLOSE.flood, "Too much sent"), PAUSE_MS);
  }

  #gone(event: Event): void {
    this.#leave?.(event instanceof CloseEvent && event.wasClean);
    this.#unstick?.();
    this.goOut();
  }

  /** Counts the frame, and tells whether it is too large or one too many within the minute. */
  #isTooMuch(data: unknown): boolean {
    const at = performance.now();
    if (at >= this.#minuteEndsAt) [this.#minuteEndsAt, this.#frames] = [at + MINUTE_MS, 0];
    this.#frames += 1;
    return this.#frames > FRAMES_A_MINUTE_MAX || byteLength(data) > FRAME_BYTES_MAX;
  }
}

function byteLength(data: unknown): number {
  if (typeof data === "string") return new TextEncoder().encode(data).length;
  return data instanceof Blob ? data.size : data instanceof ArrayBuffer ? data.byteLength : 0;
}
