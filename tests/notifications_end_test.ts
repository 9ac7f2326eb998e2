// How a WebSocket ends, for which reasons, and that a client which does not read delays nobody.

import { deepEqual, equal, notEqual, ok } from "./assert.ts";

import type { Socket } from "../services/events/socket.ts";
import { clientPorts } from "./process_state.ts";
import { handshake, shakeHands } from "./raw_socket.ts";
import type { TestSocket } from "./socket.ts";
import {
  ANN,
  BOB,
  eventually,
  type Person,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";

async function toldEventually(t: TestApp, socket: TestSocket, to: Person): Promise<void> {
  const { user_id } = await t.services.sessions.authenticate(to.token);
  socket.forget();
  t.services.hub.tell({ to: user_id, event: "contacts_updated" });
  await eventually(() => socket.told().includes("contacts_updated"));
}

Deno.test("a user may have 20 sockets: one more ends the oldest with 4002, and nobody else's", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const other = await t.socket(bob.token);
    const sockets: TestSocket[] = [];
    for (let place = 0; place < 22; place += 1) sockets.push(await t.socket(ann.token));

    equal(await sockets[0]!.closed, 4002);
    equal(await sockets[1]!.closed, 4002);
    for (const socket of sockets.slice(2)) await toldEventually(t, socket, ann);
    await toldEventually(t, other, bob);
  }, { env: { LIMITS: "sockets_user=20" } }));

Deno.test("a client may send 60 frames of 4096 bytes a minute; with one more the socket ends with 1008", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token);
    for (let sent = 0; sent < 60; sent += 1) socket.raw.send("\u00e9".repeat(2048));
    await toldEventually(t, socket, ann);
    socket.raw.send("");

    equal(await socket.closed, 1008);
  }));

Deno.test("a burst of up to a thousand frames ends with 1008, and so do two large frames at once", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const frames of [62, 100, 1_000]) {
      const socket = await t.socket(ann.token);
      for (let sent = 0; sent < frames; sent += 1) socket.raw.send("x");
      equal(await socket.closed, 1008, `${frames} frames`);
    }
    const socket = await t.socket(ann.token);
    for (let sent = 0; sent < 2; sent += 1) socket.raw.send("x".repeat(5_000));
    equal(await socket.closed, 1008);
  }));

Deno.test("a client that sends thousands of frames too many is cut off at once, without a close frame", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token);
    for (let sent = 0; sent < 5_000; sent += 1) socket.raw.send("x");
    notEqual(await socket.closed, 1008);
    deepEqual(t.services.hub.userIds(), []);
  }));

Deno.test("a client that never stops sending is cut off, even if there are events for it meanwhile", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { user_id } = await t.services.sessions.authenticate(ann.token);
    const socket = await t.socket(ann.token);
    const sending = setInterval(() => {
      if (socket.raw.readyState === WebSocket.OPEN) socket.raw.send("x".repeat(100));
      t.services.hub.tell({ to: user_id, event: "contacts_updated" });
    }, 1);
    await socket.closed.finally(() => clearInterval(sending));
    deepEqual(t.services.hub.userIds(), []);
  }));

for (
  const [what, frame] of [["text", "\u00e9".repeat(2048) + "x"], ["binary", new Uint8Array(4097)]] as const
) {
  Deno.test(`a ${what} frame of 4097 bytes ends the socket with 1008, and no other`, () =>
    withApp(async (t) => {
      const ann = await t.signUp(ANN);
      const [socket, other] = [await t.socket(ann.token), await t.socket(ann.token)];
      socket.raw.send(frame);

      equal(await socket.closed, 1008);
      await toldEventually(t, other, ann);
    }));
}

Deno.test("the end of a session ends its sockets with 4001 on every service, and no others", () =>
  withTwoApps(async (one, two) => {
    const ann = await one.signUp(ANN);
    const [phone, tablet] = [await one.signIn(ANN, "phone"), await one.signIn(ANN, "tablet")];
    const stays = await two.socket(ann.token);
    const [here, there] = [await one.socket(phone.token), await two.socket(phone.token)];
    const far = await two.socket(tablet.token);
    succeeded(await one.call("POST", "/api/auth/signout", { token: phone.token }));
    deepEqual(await Promise.all([here.closed, there.closed]), [4001, 4001]);

    const { body } = await one.call("GET", "/api/auth/sessions", { token: ann.token });
    const { id } = body.sessions.find(({ device }: { device: string }) => device === "tablet");
    succeeded(await one.call("DELETE", `/api/auth/sessions/${id}`, { token: ann.token }));
    equal(await far.closed, 4001);
    await toldEventually(two, stays, ann);
  }));

Deno.test("a session that ended without an announcement loses its sockets at the next check", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token);
    await t.sql`update users set status = 'suspended' where phone_number = ${ANN}`;
    await t.services.upkeep.endDeadSockets();

    equal(await socket.closed, 4001);
  }));

Deno.test("a shutdown ends every socket with 1001", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const sockets = await Promise.all([t.socket(ann.token), t.socket(ann.token)]);
    t.services.hub.closeAll();

    deepEqual(await Promise.all(sockets.map(({ closed }) => closed)), [1001, 1001]);
  }));

/** The hub's sockets in the order in which they join. */
function watchSockets({ services: { hub } }: TestApp): Socket[] {
  const sockets: Socket[] = [];
  const { join } = hub;
  hub.join = (socket) => {
    sockets.push(socket);
    return join(socket);
  };
  return sockets;
}

Deno.test("clients that leave before they are answered leave no connection behind", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { hostname, port } = new URL(t.url);
    for (let count = 0; count < 50; count += 1) {
      const { body } = await t.call("POST", "/api/notifications/ticket", { token: ann.token });
      const conn = await Deno.connect({ hostname, port: Number(port) });
      await conn.write(handshake(t.url, `/api/notifications?ticket=${body.ticket}`));
      if (count % 2 === 0) conn.close();
      else {
        await conn.closeWrite();
        setTimeout(() => conn.close(), 100);
      }
    }
    // The remaining ones are those of this test's own calls.
    await eventually(() => ok(clientPorts(t).size <= 2, `${clientPorts(t).size} are left`));
  }, { env: { LIMITS: "off" } }));

Deno.test("a client that never reads delays nobody else", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    const sockets = watchSockets(t);
    const { conn } = await shakeHands(t.url, `/api/notifications?token=${bob.token}`);
    try {
      await eventually(() => equal(sockets.length, 1));
      const [stuck] = sockets;
      const other = await t.socket(ann.token);
      const { user_id } = await t.services.sessions.authenticate(bob.token);
      let turns = 0;
      const deadline = performance.now() + 20_000;
      while (turns < 100) {
        ok(performance.now() < deadline, "The socket took everything");
        t.services.hub.tell({ to: user_id, event: "messages_updated", sender: ANN });
        turns = stuck!.isBusy() ? turns + 1 : 0;
        await new Promise((resolve) => setImmediate(resolve));
      }

      const startedAt = performance.now();
      for (let round = 0; round < 20; round += 1) {
        other.forget();
        succeeded(await t.send(ann, bob, `to who does not read ${round}`));
        succeeded(await t.send(bob, ann, `from who does not read ${round}`));
        await eventually(() => other.told().includes(`messages_updated ${BOB}`));
      }
      ok(performance.now() - startedAt < 5_000);
    } finally {
      conn.close();
    }
    await eventually(() => equal(t.services.hub.userIds().length, 1));
  }));

Deno.test("a socket whose client does not answer the close frame loses its connection all the same", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const { conn } = await shakeHands(t.url, `/api/notifications?token=${ann.token}`);
    await eventually(() => equal(t.services.hub.userIds().length, 1));
    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    const endedIn = performance.now();
    const buffer = new Uint8Array(1_024);
    while (await conn.read(buffer).catch(() => null) !== null) { /* earlier frames, and the close frame */ }
    ok(performance.now() - endedIn < 10_000, "It was left open");
    conn.close();
    // It does not count as stuck: the only place for such sockets is free.
    const { user_id } = await t.services.sessions.authenticate((await t.signIn(ANN)).token);
    await eventually(() => !t.services.stuckSockets.isFull(String(user_id)));
  }, { env: { LIMITS: "sockets_user=1" } }));

Deno.test("a user whose stuck sockets take all places gets no other until one is gone", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const { user_id } = await t.services.sessions.authenticate(ann.token);
    const places = [1, 2].map(() => t.services.stuckSockets.enter(String(user_id))!);
    const { status, headers, conn } = await shakeHands(t.url, `/api/notifications?token=${ann.token}`);
    conn.close();
    deepEqual([status, headers.get("retry-after")], [429, "30"]);
    const { body } = await t.call("POST", "/api/notifications/ticket", { token: ann.token });
    const byTicket = () => shakeHands(t.url, `/api/notifications?ticket=${body.ticket}`);
    const refusal = await byTicket();
    refusal.conn.close();
    equal(refusal.status, 429);
    await (await t.socket(bob.token)).end();
    places[0]!();
    // The refusals have not used up the ticket.
    const opened = await byTicket();
    opened.conn.close();
    equal(opened.status, 101);
  }, { env: { LIMITS: "sockets_user=2" } }));
