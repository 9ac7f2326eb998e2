// The WebSocket on which the service announces changes. It is reopened for as long as somebody is signed in.
// After every `connected` everything has to be fetched again, because nobody was told what changed in
// between.

import type { components } from "../api.ts";
import { createBackoff } from "./backoff.ts";
import { createListeners } from "./listeners.ts";

export type Connection = "closed" | "connecting" | "online" | "displaced";

type Untimed<Frame> = Frame extends unknown ? Omit<Frame, "timestamp"> : never;

export type Notice =
  | Untimed<components["schemas"]["Notification"]>
  /**
   * From this client itself: the service answers calls but no socket gets through, so changes are not
   * announced.
   */
  | { event: "unheard" };

const SESSION_ENDED = 4001;
const DISPLACED = 4002;
/** How long to wait for `connected`. */
const PATIENCE_MS = 10_000;

export function createLive(
  { origin, token, onSessionEnded, onFailed }: {
    origin: string;
    token: () => string | null;
    onSessionEnded: () => void;
    /** Called when a socket cannot be opened; browsers do not say why. */
    onFailed: () => void;
  },
) {
  const notices = createListeners<Notice>();
  const states = createListeners<Connection>();
  const backoff = createBackoff();
  let state: Connection = "closed";
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function become(next: Connection): void {
    if (state === next) return;
    state = next;
    states.tell(next);
  }

  function open(): void {
    clearTimeout(timer);
    const used = token();
    if (used === null || socket) return;
    become("connecting");
    const opened = begin(`${origin.replace(/^http/, "ws")}/api/notifications?sessions=true`, used);
    if (!opened) return lost(0, used);
    socket = opened;
    const impatience = setTimeout(() => opened.close(), PATIENCE_MS);
    opened.onmessage = ({ data }) => {
      const notice: Notice = JSON.parse(data);
      if (notice.event === "connected") {
        clearTimeout(impatience);
        backoff.reset();
        become("online");
      }
      notices.tell(notice);
    };
    opened.onclose = ({ code }) => {
      clearTimeout(impatience);
      if (socket === opened) lost(code, used);
    };
  }

  /**
   * Null if the browser refuses: some throw, and so does Safari before 16 under a policy that says only
   * 'self'.
   */
  function begin(address: string, used: string): WebSocket | null {
    try {
      return new WebSocket(address, ["bearer", used]);
    } catch {
      return null;
    }
  }

  function lost(code: number, used: string): void {
    const failed = state !== "online";
    socket = null;
    if (code === SESSION_ENDED) {
      become("closed");
      // The same user may have got a new session while this socket was open.
      return used === token() ? onSessionEnded() : open();
    }
    if (code === DISPLACED) return become("displaced");
    become("connecting");
    if (failed) onFailed();
    timer = setTimeout(open, backoff.nextMs());
  }

  function close(): void {
    clearTimeout(timer);
    const closing = socket;
    socket = null;
    closing?.close();
    become("closed");
  }

  /** Drops the socket when the device reports that it is offline. */
  function drop(): void {
    if (!socket) return;
    const dropped = socket;
    socket = null;
    dropped.close();
    become("connecting");
    timer = setTimeout(open, backoff.nextMs());
  }

  return {
    open,
    close,
    drop,
    /** Reconnects now instead of after the delay; does nothing if connected. */
    hurry() {
      if (state !== "connecting" || socket) return;
      backoff.reset();
      open();
    },
    state: () => state,
    tell: notices.tell,
    onNotice: notices.on,
    onState: states.on,
  };
}
