// A socket as the services see it, independent of its transport.

import type { Actor } from "../sessions/sessions.ts";

/** What a client is notified of; routes/ encodes it. */
export type Notice =
  | { event: "connected" }
  | { event: "contacts_updated" }
  | { event: "sessions_updated" }
  | { event: "messages_updated"; sender: string };

/** Why the service ends a socket; the numbers are WebSocket close codes (RFC 6455, section 7.4). */
export const CLOSE = {
  shutdown: 1001,
  flood: 1008,
  overflow: 1013,
  session_ended: 4001,
  displaced: 4002,
} as const;

export interface Socket {
  readonly actor: Actor;
  /** Whether a frame is still in transit to the client. */
  isBusy(): boolean;
  /** Sends a notice. Returns false if the socket is closing and does not take it. */
  write(notice: Notice): boolean;
  close(code: number, reason: string): void;
  /** Ends the connection at once, without a close frame. */
  cut(): void;
}
