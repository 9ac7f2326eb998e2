import type { Deliveries } from "../../services/messages/deliveries.ts";
import type { Hub } from "../../services/events/hub.ts";
import { CLOSE, type Notice, type Socket } from "../../services/events/socket.ts";
import type { HeadCount } from "../../services/limits/head_count.ts";
import type { Actor } from "../../services/sessions/sessions.ts";
import { terminate } from "./terminate.ts";

/** What a client may send although nothing is expected of it. */
export const FRAME_BYTES_MAX = 4096;
export const FRAMES_A_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;
const GOODBYE_MS_MAX = 5_000;
const LOOK_AGAIN_MS = 50;
const LOOK_STUCK_MS = 1_000;
/** A client that sends too much is told so once nothing has come for this long, or after the longest wait for that. */
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 1_000;
const OPENING_MS_MAX = 10_000;
/** Who sends more than this after that is told nothing: each frame costs all others some microseconds. */
const FLOOD_FRAMES_MAX = 2_000;

/** What all sockets of this process that hear the same have in common. */
export interface Around {
  hub: Hub;
  deliveries: Deliveries;
  stuckSockets: HeadCount;
  toFrame: (notice: Notice) => string;
  /** Whether they asked for `sessions_updated`; the others know nothing of it. */
  hearSessions: boolean;
}

/**
 * Ties a WebSocket to the hub for as long as it is open. Most phones only wait, by the thousand: all that is known of one is
 * in this one object, which is the listener of all its events too, because closures and handlers cost more.
 */
export class NotificationSocket implements Socket {
  /** Of its opening, and later of its end for too much that was sent. */
  #timer: ReturnType<typeof setTimeout> | null;
  #floodedAt: number | null = null;
  #isCut = false;
  #unstick: (() => void) | null = null;
  #leave: ReturnType<Hub["join"]> | null = null;
  #minuteEndsAt = 0;
  #frames = 0;

  /** @param goOut is called when the socket is gone, perhaps twice */
  constructor(
    private readonly socket: WebSocket,
    readonly actor: Actor,
    private readonly goOut: () => void,
    private readonly around: Around,
  ) {
    // Whatever never opens, nor ever says that it is closed, takes no place for long.
    this.#timer = setTimeout(goOut, OPENING_MS_MAX);
    for (const type of ["open", "message", "close", "error"]) socket.addEventListener(type, this);
  }

  /** As DOM, 2.8, has it: a listener may be an object. Closing comes twice at times, and is welcome to. */
  handleEvent(event: Event): void {
    if (event instanceof MessageEvent) this.#hear(event.data);
    else if (event.type === "open") this.#open();
    else this.#gone(event);
  }

  isBusy(): boolean {
    return !this.#isCut && this.socket.bufferedAmount > 0;
  }

  write(notice: Notice): boolean {
    // One that is closing would drop it silently. The change is committed, and the client will fetch it.
    if (this.#isCut || this.socket.readyState !== WebSocket.OPEN) return false;
    if (notice.event === "sessions_updated" && !this.around.hearSessions) return true;
    this.socket.send(this.around.toFrame(notice));
    return true;
  }

  /** Until it says that it is closed it calls itself open, and Deno 2.9.6 dies of whatever it is asked to do or tell then. */
  cut(): void {
    this.#isCut = true;
    terminate(this.socket);
  }

  /** Says goodbye once all before it is taken, and does not wait long for the answer. */
  close(code: number, reason: string): void {
    const { socket } = this;
    if (this.#isCut || socket.readyState > WebSocket.OPEN) return;
    if (this.isBusy()) return this.#closeLater(code, reason);
    const timer = setTimeout(() => terminate(socket), GOODBYE_MS_MAX);
    socket.addEventListener("close", () => clearTimeout(timer));
    socket.close(code, reason);
  }

  /** Nothing ends a connection with a frame stuck in it but its client: until then it takes a place of its user's. */
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
    // From here on an error is followed by `close`. Two listeners less are half a kilobyte of one that waits.
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
    // In a pause: where more of the client's has come in already, Deno hangs up without our close frame.
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(CLOSE.flood, "Too much sent"), PAUSE_MS);
  }

  #gone(event: Event): void {
    this.#leave?.(event instanceof CloseEvent && event.wasClean);
    this.#unstick?.();
    this.goOut();
  }

  /** Whether a frame is one too many, or too large. */
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
