// The status of messages (created, delivered, seen), and who is notified when it changes.

import { deepEqual, equal, ok } from "./assert.ts";

import { put, statuses, unread } from "./mark_calls.ts";
import type { TestSocket } from "./socket.ts";
import {
  ANN,
  type Answer,
  BOB,
  CAT,
  eventually,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

async function idOf(sent: Promise<Answer>): Promise<number> {
  const answer = await sent;
  succeeded(answer);
  return answer.body.messages[0].id;
}

/** How many `messages_updated` frames it was sent. */
function messagesOf({ frames }: TestSocket): number {
  return frames.filter(({ event }) => event === "messages_updated").length;
}

function remove(t: TestApp, me: Person, peer: Person): Promise<Answer> {
  return t.call("PUT", "/api/contacts/delete", { token: me.token, json: { phone_number: peer.phone } });
}

/** Two friends with two sessions each, and a socket per session; their first sessions make the calls. */
async function watched(t: TestApp) {
  const [ann, bob] = await friends(t);
  const [annAgain, bobAgain] = [await t.signIn(ANN), await t.signIn(BOB)];
  const sockets = {
    annActs: await t.socket(ann.token),
    annOther: await t.socket(annAgain.token),
    bobActs: await t.socket(bob.token),
    bobOther: await t.socket(bobAgain.token),
  };
  return { ann, bob, sockets };
}

/** Sends a marker to everybody and waits for it: by then everything sent before has arrived. */
async function settle(t: TestApp, sockets: TestSocket[]): Promise<void> {
  const bell = `+1555${String(Math.floor(Math.random() * 1e7)).padStart(7, "0")}`;
  for (const to of t.services.hub.userIds()) {
    t.services.hub.tell({ to, event: "messages_updated", sender: bell });
  }
  await eventually(() => sockets.every(({ frames }) => frames.some(({ sender }) => sender === bell)));
  for (const socket of sockets) {
    const others = socket.frames.filter(({ sender }) => !sender?.startsWith("+1555"));
    socket.frames.splice(0, Infinity, ...others);
  }
}

Deno.test("a message stays created until the receiver's fetch makes it delivered", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.send(ann, bob, "one");
    await t.send(ann, bob, "two");
    deepEqual(await statuses(t, ann, BOB), ["created", "created"]);

    const page = await t.call("GET", `/api/messages/${ANN}?count=1`, { token: bob.token });
    equal(page.body.messages[0].status, "delivered");
    deepEqual(await statuses(t, ann, BOB), ["delivered", "delivered"]);
  }));

Deno.test("a fetch delivers the messages that it returned and nothing newer", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.send(ann, bob, "one");
    const second = await idOf(t.send(ann, bob, "two"));
    await t.call("GET", `/api/messages/${ANN}?before=${second}`, { token: bob.token });

    deepEqual(await statuses(t, ann, BOB), ["delivered", "created"]);
  }));

Deno.test("a message becomes delivered when a socket notifies its receiver, or when they open one later", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.send(ann, bob, "before the socket");
    deepEqual(await statuses(t, ann, BOB), ["created"]);
    const socket = await t.socket(bob.token);
    deepEqual(await statuses(t, ann, BOB), ["delivered"]);
    for (let nth = 1; nth <= 5; nth += 1) {
      await t.send(ann, bob, "to the socket");
      await eventually(() => messagesOf(socket) === nth);
      deepEqual(await statuses(t, ann, BOB), Array(1 + nth).fill("delivered"));
    }
  }));

Deno.test("pending deliveries of one thread do not delay those who fetch others", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(cat, bob);
    const id = await idOf(t.send(ann, bob, "to Bob"));
    const me = await t.services.sessions.authenticate(bob.token);
    const [thread] = await t.sql<{ conversation_id: number; peer_id: number }[]>`
      select v.id as conversation_id, u.id as peer_id
      from conversations v
      join users u on u.id in (v.low_id, v.high_id)
      where u.phone_number = ${ANN}`;
    await t.sql.begin(async (sql) => {
      await sql`select from conversations where id = ${thread!.conversation_id} for update`;
      t.services.deliveries.notified(me, thread!, ANN, id);
      const order: string[][] = [];
      await Promise.all([ann, cat].map(async (one) => order.push(await statuses(t, one, BOB))));
      // Cat is answered first. Ann's fetch waits for the delivery in vain, and then shows the old status.
      deepEqual(order, [[], ["created"]]);
      // Nor does the lock delay Cat's thread when Bob comes online.
      succeeded(await t.send(cat, bob, "from Cat"));
      t.services.deliveries.cameOnline(me);
      await eventually(async () => deepEqual(await statuses(t, cat, BOB), ["delivered"]));
    });
    t.services.deliveries.notified(me, thread!, ANN, id);
    deepEqual(await statuses(t, ann, BOB), ["delivered"]);
  }));

Deno.test("messages that a socket was notified of out of order are all delivered", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const [first, last] = [await idOf(t.send(ann, bob, "one")), await idOf(t.send(ann, bob, "two"))];
    const me = await t.services.sessions.authenticate(bob.token);
    const [thread] = await t.sql<{ conversation_id: number; peer_id: number }[]>`
      select c.id as conversation_id, u.id as peer_id from conversations c, users u where phone_number = ${ANN}`;
    for (const id of [last, first]) t.services.deliveries.notified(me, thread!, ANN, id);
    await eventually(async () => deepEqual(await statuses(t, ann, BOB), ["delivered", "delivered"]));
  }));

Deno.test("the sender's own fetches and sockets deliver nothing to the receiver", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const socket = await t.socket(ann.token);
    await t.socket((await t.signIn(ANN)).token);
    await t.send(ann, bob, "one");
    await t.send(bob, ann, "back");
    await eventually(() => socket.frames.length > 0);

    deepEqual(await statuses(t, ann, BOB), ["created"]);
  }));

Deno.test("read marks a text and the texts before it as seen, and no later one", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const ids = [];
    for (const text of ["one", "two", "three"]) ids.push(await idOf(t.send(ann, bob, text)));
    await t.send(bob, ann, "mine");
    equal(await unread(t, bob, ANN), 3);

    succeeded(await put(t, "read", bob, { message_id: ids[1] }));
    deepEqual(await statuses(t, ann, BOB), ["seen", "seen", "created"]);
    equal(await unread(t, bob, ANN), 1);
    equal(await unread(t, ann, BOB), 1);
    deepEqual(await statuses(t, bob, ANN), ["delivered"]);
  }));

Deno.test("a status never moves backwards", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const first = await idOf(t.send(ann, bob, "one"));
    const second = await idOf(t.send(ann, bob, "two"));
    succeeded(await put(t, "read", bob, { message_id: second }));
    await Promise.all([
      put(t, "read", bob, { message_id: first }),
      put(t, "read_up_to", bob, { phone_number: ANN, message_id: first }),
      t.call("GET", `/api/messages/${ANN}`, { token: bob.token }),
      t.socket(bob.token),
    ]);

    deepEqual(await statuses(t, ann, BOB), ["seen", "seen"]);
  }));

Deno.test("reading an older text does not undo later deliveries, whichever of the two reads", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (const [sender, reader] of [[ann, bob], [bob, ann]] as const) {
      const first = await idOf(t.send(sender, reader, "one"));
      await t.send(sender, reader, "two");
      succeeded(await t.call("GET", `/api/messages/${sender.phone}`, { token: reader.token }));
      succeeded(await put(t, "read", reader, { message_id: first }));

      deepEqual(await statuses(t, sender, reader.phone), ["seen", "delivered"]);
    }
  }));

Deno.test("read_all_text marks every text sent so far as seen, and none that comes later", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await put(t, "read_all_text", bob, { phone_number: ANN }));
    await t.send(ann, bob, "one");
    await t.send(ann, bob, "two");
    await t.send(bob, ann, "mine");
    succeeded(await put(t, "read_all_text", bob, { phone_number: "0014155550101" }));
    await t.send(ann, bob, "three");

    deepEqual(await statuses(t, ann, BOB), ["seen", "seen", "created"]);
    deepEqual([await unread(t, bob, ANN), await unread(t, ann, BOB)], [1, 1]);
  }));

Deno.test("read_up_to marks everything up to a message from that number as seen", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.send(ann, bob, "one");
    const second = await idOf(t.send(ann, bob, "two"));
    await t.send(ann, bob, "three");

    succeeded(await put(t, "read_up_to", bob, { phone_number: ANN, message_id: second }));
    deepEqual(await statuses(t, ann, BOB), ["seen", "seen", "created"]);
  }));

Deno.test("only the receiver can read: unknown, own and other people's messages are all not found", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(cat, bob);
    const toBob = await idOf(t.send(ann, bob, "one"));
    const catToBob = await idOf(t.send(cat, bob, "two"));

    for (const [me, message_id] of [[ann, toBob], [cat, toBob], [bob, 4711], [bob, -1], [bob, 0]] as const) {
      refused(await put(t, "read", me, { message_id }), 404, "message_not_found");
    }
    for (
      const [me, phone_number, message_id] of [[ann, BOB, toBob], [bob, ANN, catToBob], [
        bob,
        ANN,
        4711,
      ]] as const
    ) {
      refused(await put(t, "read_up_to", me, { phone_number, message_id }), 404, "message_not_found");
    }
    deepEqual(await statuses(t, ann, BOB), ["created"]);
  }));

Deno.test("read_all_text and read_up_to accept only numbers on the caller's list", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    const message_id = await idOf(t.send(ann, bob, "one"));
    for (const phone_number of [ANN, BOB, CAT, "+14155550199"]) {
      refused(await put(t, "read_all_text", cat, { phone_number }), 404, "contact_not_found");
      refused(await put(t, "read_up_to", cat, { phone_number, message_id }), 404, "contact_not_found");
    }
  }));

Deno.test("read_all_text and read_up_to do not reveal a request that was withdrawn", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const request = { token: bob.token, json: { phone_number: ANN } };
    succeeded(await t.call("PUT", "/api/contacts/request", request));
    succeeded(await remove(t, bob, ann));
    const phone_number = BOB;
    refused(await put(t, "read_all_text", ann, { phone_number }), 404, "contact_not_found");
    refused(await put(t, "read_up_to", ann, { phone_number, message_id: 1 }), 404, "contact_not_found");
  }));

Deno.test("the read calls refuse invalid input", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const message_id of ["1", 1.5, 2 ** 53, null, undefined, true]) {
      refused(await put(t, "read", ann, { message_id }), 400, "invalid_input");
      refused(await put(t, "read_up_to", ann, { phone_number: BOB, message_id }), 400, "invalid_input");
    }
    refused(await put(t, "read", ann, { message_id: 1, more: 1 }), 400, "invalid_input");
    refused(await put(t, "read_all_text", ann, {}), 400, "invalid_input");
    refused(await put(t, "read_all_text", ann, { phone_number: "x" }), 400, "invalid_phone_number");
  }));

Deno.test("a read notifies the reader's other sessions and all of the sender's, with the other party's number", () =>
  withApp(async (t) => {
    const { ann, bob, sockets } = await watched(t);
    const all = Object.values(sockets);
    const message_id = await idOf(t.send(ann, bob, "one"));
    await eventually(async () => deepEqual(await statuses(t, ann, BOB), ["delivered"]));
    await settle(t, all);
    const told = all.map((socket) => new Set(socket.told()));
    deepEqual(told.slice(0, 2).map((one) => [...one]), Array(2).fill([`messages_updated ${BOB}`]));
    deepEqual([...told[3]!], [`messages_updated ${ANN}`]);

    all.forEach((socket) => socket.forget());
    succeeded(await put(t, "read", bob, { message_id }));
    await settle(t, all);
    deepEqual(sockets.annActs.told(), [`messages_updated ${BOB}`]);
    deepEqual(sockets.annOther.told(), [`messages_updated ${BOB}`]);
    deepEqual(sockets.bobOther.told(), [`messages_updated ${ANN}`]);

    all.forEach((socket) => socket.forget());
    succeeded(await put(t, "read", bob, { message_id }));
    succeeded(await put(t, "read_all_text", bob, { phone_number: ANN }));
    await settle(t, all);
    deepEqual(all.flatMap((socket) => socket.told()), [], "Told of what changed nothing");
  }));

Deno.test("a sender who has deleted the reader is notified neither of reads nor of the reader's sockets", () =>
  withApp(async (t) => {
    const { ann, bob, sockets } = await watched(t);
    const all = Object.values(sockets);
    await Promise.all([sockets.bobActs.end(), sockets.bobOther.end()]);
    await t.send(ann, bob, "one");
    await t.send(ann, bob, "two");
    succeeded(await remove(t, ann, bob));
    const here = [sockets.annActs, sockets.annOther];
    await settle(t, here);
    all.forEach((socket) => socket.forget());
    const back = await t.socket(bob.token);
    const other = await t.socket((await t.signIn(BOB)).token);
    succeeded(await put(t, "read_all_text", bob, { phone_number: ANN }));
    await eventually(() => other.told().includes(`messages_updated ${ANN}`));
    await settle(t, [...here, back, other]);
    // The same notice may come any number of times.
    const readers = () => [...new Set([back, other].flatMap((socket) => socket.told()))];

    deepEqual(here.flatMap((socket) => socket.told()), []);
    deepEqual(await statuses(t, ann, BOB), ["seen", "seen"]);
    [...all, back, other].forEach((socket) => socket.forget());

    succeeded(
      await t.call("PUT", "/api/contacts/request", { token: ann.token, json: { phone_number: BOB } }),
    );
    await settle(t, [...here, back, other]);
    here.forEach((socket) =>
      ok(socket.told().includes(`messages_updated ${BOB}`), "Not made up for once he is no longer refused")
    );
    deepEqual(readers(), ["contacts_updated"]);
  }));
