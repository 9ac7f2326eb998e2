// A WebSocket that records its frames.

import { equal } from "./assert.ts";

export interface Frame {
  event: "connected" | "contacts_updated" | "messages_updated" | "sessions_updated";
  sender?: string;
  timestamp: string;
}

export interface TestSocket {
  /** All frames so far, after `connected`. */
  frames: Frame[];
  connected: Frame;
  /** The frames as `event` or `event sender`, without repetitions in a row. */
  told(): string[];
  /** Clears the recorded frames. */
  forget(): void;
  /** Resolves with the close code. */
  closed: Promise<number>;
  raw: WebSocket;
  end(): Promise<void>;
}

/** Opens a socket and waits for `connected`. */
export async function openSocket(url: string, protocols: string[] = []): Promise<TestSocket> {
  const raw = new WebSocket(url, protocols);
  const frames: Frame[] = [];
  const first = Promise.withResolvers<Frame>();
  const closed = Promise.withResolvers<number>();
  raw.onmessage = ({ data }) => {
    frames.push(JSON.parse(data));
    first.resolve(frames[0]!);
  };
  raw.onerror = () => first.reject(new Error("WebSocket refused"));
  raw.onclose = ({ code }) => {
    first.reject(new Error(`WebSocket closed with ${code}`));
    closed.resolve(code);
  };
  const connected = await first.promise;
  equal(connected.event, "connected");
  frames.shift();
  return {
    frames,
    connected,
    raw,
    told: () =>
      frames.map(({ event, sender }) => sender === undefined ? event : `${event} ${sender}`)
        .filter((told, place, all) => told !== all[place - 1]),
    forget: () => void frames.splice(0),
    closed: closed.promise,
    async end() {
      if (raw.readyState <= WebSocket.OPEN) raw.close();
      await closed.promise;
    },
  };
}
