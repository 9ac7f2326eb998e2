import fc from "fast-check";
import { deepEqual, equal, ok } from "./assert.ts";

import type { Delivery, Event } from "../services/events/events.ts";
import { createHub, type Hub } from "../services/events/hub.ts";
import type { Notice, Socket } from "../services/events/socket.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import { ANN, BOB, eventually } from "./support.ts";

const ANN_ID = 1;
const BOB_ID = 2;
const THREAD = 7;

interface FakeSocket extends Socket {
  busy: boolean;
  /** A socket that is closing takes nothing. */
  closing: boolean;
  told: string[];
  closedWith: number[];
}

function createSocket(user = ANN_ID, session = `session of ${user}`): FakeSocket {
  return {
    actor: { user_id: user, phone_number: ANN as PhoneNumber, session_id: session },
    busy: false,
    closing: false,
    told: [],
    closedWith: [],
    isBusy() {
      return this.busy;
    },
    write(notice) {
      if (!this.closing) this.told.push(spell(notice));
      return !this.closing;
    },
    close(code) {
      this.closedWith.push(code);
    },
    cut() {},
  };
}

function spell(notice: Notice): string {
  return notice.event === "messages_updated" ? `${notice.event} ${notice.sender}` : notice.event;
}

function createTestHub(
  { socketsPerUserMax = Infinity, busyMsMax = Infinity } = {},
): { hub: Hub; delivered: Delivery[] } {
  const delivered: Delivery[] = [];
  const hub = createHub({
    socketsPerUserMax,
    busyMsMax,
    onDelivered: (_to, _sender, delivery) => void delivered.push(delivery),
  });
  return { hub, delivered };
}

function message(id: number, sender = BOB): Event {
  const delivery = { conversation_id: THREAD, message_id: id, sender_id: BOB_ID };
  return { to: ANN_ID, event: "messages_updated", sender, delivery };
}

const contactsUpdated: Event = { to: ANN_ID, event: "contacts_updated" };

Deno.test("join() sends connected before anything else, and the rest as it comes", () => {
  const { hub } = createTestHub();
  const socket = createSocket();
  hub.join(socket);
  hub.tell(contactsUpdated);
  hub.tell(message(1));

  deepEqual(socket.told, ["connected", "contacts_updated", `messages_updated ${BOB}`]);
});

Deno.test("tell() reaches every socket of the user except those of the session that acted", () => {
  const { hub } = createTestHub();
  const [phone, tablet, stranger] = [
    createSocket(ANN_ID, "a"),
    createSocket(ANN_ID, "b"),
    createSocket(BOB_ID),
  ];
  [phone, tablet, stranger].forEach(hub.join);
  hub.tell({ ...contactsUpdated, except: "a" });

  deepEqual([phone, tablet, stranger].map(({ told }) => told.length), [1, 2, 1]);
});

Deno.test("tell() merges the pending events of a busy socket, and sends each once when the socket is free", async () => {
  const { hub, delivered } = createTestHub();
  const socket = createSocket();
  hub.join(socket);
  socket.busy = true;
  for (let id = 1; id <= 5_000; id += 1) {
    hub.tell(message(id));
    hub.tell(contactsUpdated);
  }
  deepEqual([socket.told, delivered], [["connected"], []]);

  socket.busy = false;
  await eventually(() =>
    deepEqual(socket.told.slice(1).sort(), ["contacts_updated", `messages_updated ${BOB}`])
  );
  deepEqual(delivered.map(({ message_id }) => message_id), [5_000]);
});

Deno.test("tell() counts the highest of merged messages as delivered, in whatever order they came", async () => {
  const { hub, delivered } = createTestHub();
  const socket = createSocket();
  hub.join(socket);
  socket.busy = true;
  for (const id of [2, 3, 1]) hub.tell(message(id));
  hub.tell({ to: ANN_ID, event: "messages_updated", sender: BOB });
  socket.busy = false;

  await eventually(() => deepEqual(delivered.map(({ message_id }) => message_id), [3]));
});

Deno.test("tell() counts a message as delivered once, by whichever of a user's sockets takes it first", async () => {
  const { hub, delivered } = createTestHub();
  const sockets = [createSocket(ANN_ID, "a"), createSocket(ANN_ID, "b"), createSocket(ANN_ID, "c")];
  sockets.forEach(hub.join);
  sockets[0]!.busy = true;
  sockets[1]!.closing = true;
  hub.tell(message(1));
  deepEqual(delivered.map(({ message_id }) => message_id), [1]);

  sockets[0]!.busy = false;
  await eventually(() => equal(sockets[0]!.told.length, 2));
  hub.tell(message(2));
  deepEqual(delivered.map(({ message_id }) => message_id), [1, 2]);
});

Deno.test("tell() sends a socket 15,000 frames as fast as it takes them, then one every 10 ms, and always the newest of each kind", async () => {
  const { hub } = createTestHub();
  const socket = createSocket();
  hub.join(socket);
  const startedAt = performance.now();
  for (let frame = 0; frame < 15_000; frame += 1) hub.tell(message(1));
  ok(socket.told.length > 15_000, `${socket.told.length} frames`);
  while (performance.now() - startedAt < 300) {
    hub.tell(message(1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  hub.tell(contactsUpdated);
  await eventually(() => socket.told.includes("contacts_updated"));
  const most = 15_001 + (performance.now() - startedAt) / 10;
  ok(socket.told.length <= most + 1, `${socket.told.length} frames`);
});

Deno.test("tell() loses no notice and never writes to a busy socket", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom("busy", "free")), { maxLength: 60 }),
      async (steps) => {
        const { hub } = createTestHub();
        const socket = createSocket();
        hub.join(socket);
        const write = socket.write;
        socket.write = (notice) => {
          ok(!socket.busy, "Written to a busy socket");
          return write.call(socket, notice);
        };
        const owed = new Set<string>();
        for (const step of steps) {
          if (step === "busy") socket.busy = true;
          else if (step === "free") socket.busy = false;
          else {
            const sender = `${BOB}${step}`;
            socket.told = socket.told.filter((told) => told !== `messages_updated ${sender}`);
            owed.add(`messages_updated ${sender}`);
            hub.tell(message(1, sender));
          }
        }
        socket.busy = false;
        await eventually(() => ok(owed.isSubsetOf(new Set(socket.told))));
        hub.closeAll();
      },
    ),
    { numRuns: 40 },
  ));

Deno.test("a socket that has taken nothing for too long is ended with 1013, and one that takes something is not", async () => {
  const { hub } = createTestHub({ busyMsMax: 40 });
  const [stuck, slow] = [createSocket(ANN_ID, "stuck"), createSocket(ANN_ID, "slow")];
  [stuck, slow].forEach((socket) => {
    hub.join(socket);
    socket.busy = true;
  });
  hub.tell(contactsUpdated);
  setTimeout(() => slow.busy = false, 10);

  await eventually(() => stuck.closedWith.length > 0);
  deepEqual([stuck.closedWith, stuck.told], [[1013], ["connected"]]);
  deepEqual([slow.closedWith, slow.told], [[], ["connected", "contacts_updated"]]);
});

Deno.test("tell() ends a busy socket with more than a thousand unsent notices with 1013, and forgets it", () => {
  const { hub } = createTestHub();
  const socket = createSocket();
  hub.join(socket);
  socket.busy = true;
  for (let peer = 0; peer < 3_000; peer += 1) {
    hub.tell(message(1, `+1415555${String(peer).padStart(4, "0")}`));
  }

  deepEqual(socket.closedWith, [1013]);
  deepEqual([hub.userIds(), hub.sessionIds()], [[], []]);
});

Deno.test("tell() counts nothing as delivered that a closing socket did not take", () => {
  const { hub, delivered } = createTestHub();
  const socket = createSocket();
  hub.join(socket);
  socket.closing = true;
  hub.tell(message(1));

  deepEqual(delivered, []);
});

Deno.test("join() ends the oldest socket of a user with 4002 when there is one too many, and no one else's", () => {
  const { hub } = createTestHub({ socketsPerUserMax: 2 });
  const mine = [createSocket(), createSocket(), createSocket(), createSocket()];
  const other = createSocket(BOB_ID);
  hub.join(other);
  mine.forEach(hub.join);

  deepEqual(mine.map(({ closedWith }) => closedWith), [[4002], [4002], [], []]);
  deepEqual(other.closedWith, []);
  ok(mine.every(({ told }) => told.includes("connected")));
});

Deno.test("leaving twice is leaving once, even if another socket joined meanwhile", () => {
  const { hub } = createTestHub();
  const first = createSocket();
  const leave = hub.join(first);
  leave();
  const second = createSocket();
  hub.join(second);
  leave();
  hub.tell(contactsUpdated);

  equal(first.told.includes("contacts_updated"), false);
  equal(second.told.includes("contacts_updated"), true);
  deepEqual(hub.userIds(), [ANN_ID]);
});

Deno.test("leaving after the hub ended the socket leaves the others of the user alone", () => {
  const { hub } = createTestHub();
  const first = createSocket();
  const leave = hub.join(first);
  hub.tell({ event: "session_ended", to: ANN_ID, session_id: first.actor.session_id });
  const second = createSocket();
  hub.join(second);
  leave();
  hub.tell(contactsUpdated);

  equal(second.told.includes("contacts_updated"), true);
  deepEqual([hub.countSockets(), hub.userIds()], [1, [ANN_ID]]);
});

Deno.test("a socket that left while it was busy is sent nothing more", async () => {
  const { hub } = createTestHub();
  const [left, stayed] = [createSocket(), createSocket()];
  const leave = hub.join(left);
  hub.join(stayed);
  left.busy = stayed.busy = true;
  hub.tell(contactsUpdated);
  leave();
  left.busy = stayed.busy = false;

  await eventually(() => ok(stayed.told.includes("contacts_updated")));
  deepEqual(left.told, ["connected"]);
});

Deno.test("session_ended ends only the sockets of that session with 4001; closeAll() ends the rest with 1001", () => {
  const { hub } = createTestHub();
  const [ended, other] = [createSocket(ANN_ID, "a"), createSocket(ANN_ID, "b")];
  hub.join(ended);
  hub.join(other);
  hub.tell({ to: ANN_ID, event: "session_ended", session_id: "a" });
  deepEqual([ended.closedWith, other.closedWith], [[4001], []]);
  hub.closeAll();

  deepEqual([ended.closedWith, other.closedWith], [[4001], [1001]]);
  deepEqual(hub.userIds(), []);
});

Deno.test("newestFirst() lists the sockets of all users in the reverse order of joining, and none that left", () => {
  const { hub } = createTestHub();
  const sockets = [createSocket(), createSocket(BOB_ID), createSocket(), createSocket(BOB_ID)];
  const leave = sockets.map((socket) => hub.join(socket));
  leave[2]!();

  deepEqual(hub.newestFirst().map((socket) => sockets.indexOf(socket as FakeSocket)), [3, 1, 0]);
});
