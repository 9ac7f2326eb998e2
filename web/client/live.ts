// The socket on which the service says that something changed. It is opened again for as long as somebody is signed in;
// after every `connected` everything has to be fetched anew, because what changed in between was told to nobody.

import type { components } from "../api.ts";
import { createBackoff } from "./backoff.ts";
import { createListeners } from "./listeners.ts";

export type Connection = "closed" | "connecting" | "online" | "displaced";

type Untimed<Frame> = Frame extends unknown ? Omit<Frame, "timestamp"> : never;

export type Notice =
  | Untimed<components["schemas"]["Notification"]>
  /** Of this client itself: the service answers calls and not the socket, so that whatever changed was not told. */
  | { event: "unheard" };

const SESSION_ENDED = 4001;
const DISPLACED = 4002;
/** A socket that has not said `connected` by then never will. */
const PATIENCE_MS = 10_000;

export function createLive(
  { origin, token, onSessionEnded, onFailed }: {
    origin: string;
    token: () => string | null;
    onSessionEnded: () => void;
    /** It could not be opened; a browser does not say why. */
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

  /** Null where the browser lets none through: some throw then, Safari until 16 also for a policy that says 'self'. */
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
      // Another session of the same person may have taken its place while this one had the socket.
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

  /** What was open leads nowhere: the device says that it has no network. */
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
    /** Tries at once instead of after the wait; nothing where it is open. */
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
