// Closing and cutting a socket whose client reads nothing for a while, or ever.

import { type Around, NotificationSocket } from "../routes/notifications/notification_socket.ts";
import { createHub } from "../services/events/hub.ts";
import { createHeadCount } from "../services/limits/head_count.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { ANN, eventually } from "./support.ts";

const BOB_ID = 2;

/** A WebSocket whose unsent bytes the test sets. */
class FakeWebSocket extends EventTarget {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  readonly closedWith: number[] = [];

  send(frame: string): void {
    this.sent.push(frame);
  }

  close(code: number): void {
    this.readyState = WebSocket.CLOSING;
    this.closedWith.push(code);
  }

  /** Simulates a client that is gone. */
  go(): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new CloseEvent("close", { wasClean: false }));
  }
}

interface Scene {
  fake: FakeWebSocket;
  socket: NotificationSocket;
  around: Around;
  /** How often its place at its address was given back. */
  goneOut: () => number;
}

function open({ stuckMax = 1 } = {}): Scene {
  const fake = new FakeWebSocket();
  const hub = createHub({ onDelivered: () => {}, socketsPerUserMax: Infinity });
  const deliveries = { cameOnline: () => {} } as unknown as Around["deliveries"];
  const around = {
    hub,
    deliveries,
    stuckSockets: createHeadCount(stuckMax),
    toFrame: ({ event }: { event: string }) => event,
    hearSessions: false,
  };
  let count = 0;
  const actor = { user_id: BOB_ID, phone_number: ANN as PhoneNumber, session_id: "session" };
  const socket = new NotificationSocket(fake as unknown as WebSocket, actor, () => count += 1, around);
  fake.dispatchEvent(new Event("open"));
  deepEqual(fake.sent, ["connected"]);
  return { fake, socket, around, goneOut: () => count };
}

function isTaken({ around }: Scene): boolean {
  return around.stuckSockets.isFull(String(BOB_ID));
}

Deno.test("close() waits until a slow client has taken its frames, and no longer", async () => {
  const { fake, socket } = open();
  fake.bufferedAmount = 100;
  socket.close(4001, "Session ended");
  deepEqual(fake.closedWith, []);
  fake.bufferedAmount = 0;
  await eventually(() => deepEqual(fake.closedWith, [4001]));
  fake.go();
});

Deno.test("a client that takes nothing for long has one of its user's places until it is gone, even if it takes something later", async () => {
  for (const end of ["takes something", "is gone"]) {
    const scene = open();
    const { fake, socket, goneOut } = scene;
    fake.bufferedAmount = 100;
    socket.close(1013, "Nothing read");
    ok(!isTaken(scene));
    await eventually(() => isTaken(scene), 10_000);
    equal(goneOut(), 0);

    if (end === "takes something") {
      fake.bufferedAmount = 0;
      await eventually(() => deepEqual(fake.closedWith, [1013]));
      ok(isTaken(scene));
    }
    fake.go();
    ok(!isTaken(scene), end);
    equal(goneOut(), 1);
  }
});

Deno.test("a socket that was cut is not used any more, although it still reports that it is open", () => {
  const { fake, socket, around, goneOut } = open();
  socket.cut();
  // Any call to a real one would crash the process.
  fake.bufferedAmount = 100;
  ok(!socket.isBusy());
  ok(!socket.write({ event: "contacts_updated" }));
  around.hub.tell({ to: BOB_ID, event: "contacts_updated" });
  socket.close(1001, "Service is shutting down");
  fake.bufferedAmount = 0;
  socket.close(1001, "Service is shutting down");
  deepEqual([fake.sent, fake.closedWith], [["connected"], []]);
  fake.go();
  equal(goneOut(), 1);
});
