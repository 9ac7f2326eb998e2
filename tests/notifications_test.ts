// The WebSocket: who gets one, and which events it sends to whom. Its end is tested in
// notifications_end_test.ts, gaps in notifications_gap_test.ts.

import { deepEqual, equal, match, ok, rejects } from "./assert.ts";

import { shakeHands } from "./raw_socket.ts";
import { openSocket, type TestSocket } from "./socket.ts";
import {
  ANN,
  type Answer,
  BOB,
  eventually,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";

const PATH = "/api/notifications";

function put(t: TestApp, path: string, me: Person, json: unknown): Promise<Answer> {
  return t.call("PUT", path, { token: me.token, json });
}

async function toldEventually(socket: TestSocket, what: string): Promise<void> {
  await eventually(() => ok(socket.told().includes(what), `${what} is not in ${socket.told()}`));
}

Deno.test("the first frame is connected, with the time", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    const { connected } = await t.socket(ann.token);

    deepEqual(connected, { event: "connected", timestamp: t.clock.now().toISOString() });
  }));

Deno.test("the token may be in the query, in the Authorization header, or in an offered protocol, which is then selected", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const ways: [string, Record<string, string>, string | null][] = [
      [`${PATH}?token=${token}`, {}, null],
      [PATH, { authorization: `Bearer ${token}` }, null],
      [PATH, { "sec-websocket-protocol": `bearer, ${token}` }, "bearer"],
      // As Node's clients write it.
      [PATH, { "sec-websocket-protocol": `bearer,${token}` }, "bearer"],
    ];
    for (const [path, headers, protocol] of ways) {
      const answer = await shakeHands(t.url, path, headers);
      deepEqual([answer.status, answer.headers.get("sec-websocket-protocol")], [101, protocol]);
      answer.conn.close();
    }
    const socket = await openSocket(`${t.url.replace("http", "ws")}${PATH}`, ["bearer", token]);
    equal(socket.raw.protocol, "bearer");
    await socket.end();
  }));

Deno.test("a handshake without a valid session is 401 before any upgrade", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    for (const query of ["", "?token=", "?token=wrong", `?token=${ann.token}`]) {
      const { status, conn } = await shakeHands(t.url, PATH + query);
      equal(status, 401);
      conn.close();
      refused(await t.call("GET", PATH + query), 401, "unauthenticated");
    }
    await rejects(openSocket(`${t.url.replace("http", "ws")}${PATH}`, ["bearer", ann.token]));
  }));

Deno.test("a request that is no handshake is 426 and names the upgrade that is needed", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const answer = await t.call("GET", PATH, { token });
    refused(answer, 426, "upgrade_required");
    match(answer.headers.get("upgrade") ?? "", /websocket/i);

    for (const headers of [{ upgrade: "h2c" }, { connection: "keep-alive" }]) {
      const { status, conn } = await shakeHands(t.url, `${PATH}?token=${token}`, { ...headers });
      equal(status, 426, JSON.stringify(headers));
      conn.close();
    }
  }));

Deno.test("a message notifies the receiver's sessions and the sender's other ones, on every service of the database", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const annAgain = await one.signIn(ANN);
    const bobAgain = await one.signIn(BOB);
    const mine = [await one.socket(annAgain.token), await two.socket(annAgain.token)];
    const peers = [
      await one.socket(bob.token),
      await two.socket(bob.token),
      await two.socket(bobAgain.token),
    ];
    await one.send(ann, bob, "hello");

    await Promise.all(peers.map((socket) => toldEventually(socket, `messages_updated ${ANN}`)));
    await Promise.all(mine.map((socket) => toldEventually(socket, `messages_updated ${BOB}`)));
    [...mine, ...peers].forEach((socket) => socket.forget());
    succeeded(await put(two, "/api/messages/read_all_text", bob, { phone_number: ANN }));
    await Promise.all(mine.map((socket) => toldEventually(socket, `messages_updated ${BOB}`)));
    await toldEventually(peers[2]!, `messages_updated ${ANN}`);
  }));

Deno.test("a change of a contact notifies both, and a message is no change of a contact", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = [await one.signUp(ANN), await one.signUp(BOB)];
    const other = await two.socket((await one.signIn(ANN)).token);
    const peer = await two.socket(bob.token);
    await one.befriend(ann, bob);
    await toldEventually(other, "contacts_updated");
    await toldEventually(peer, "contacts_updated");
    for (const text of ["behind all that was told before", "on its own"]) {
      [other, peer].forEach((socket) => socket.forget());
      await one.send(ann, bob, text);
      await toldEventually(peer, `messages_updated ${ANN}`);
      await toldEventually(other, `messages_updated ${BOB}`);
    }

    deepEqual([...other.told(), ...peer.told()].filter((told) => told === "contacts_updated"), []);
  }));

Deno.test("a refused send notifies nobody", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await put(t, "/api/contacts/delete", bob, { phone_number: ANN });
    const sockets = [await t.socket(bob.token), await t.socket((await t.signIn(ANN)).token)];
    refused(await t.send(ann, bob, "hello"), 403, "not_friends");
    succeeded(await put(t, "/api/contacts/request", bob, { phone_number: ANN }));
    await toldEventually(sockets[1]!, "contacts_updated");

    const told = sockets.flatMap((socket) => socket.told());
    deepEqual(told.filter((told) => told.startsWith("messages")), []);
  }));

Deno.test("after the connected frame a fetch returns all that was committed before, and later changes are announced", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    let acknowledged = 0;
    const sending = (async () => {
      for (let place = 0; place < 150; place += 1) {
        acknowledged = (await one.send(ann, bob, `${place}`)).body.messages[0].id;
      }
    })();
    const newest = async () => {
      const { body } = await two.call("GET", `/api/messages/${ANN}?count=1`, { token: bob.token });
      return body.messages[0]?.id ?? 0;
    };
    for (let round = 0; round < 10; round += 1) {
      const before = acknowledged;
      const socket = await two.socket(bob.token);
      const fetched = await newest();
      ok(fetched >= before, `${fetched} was fetched after ${before} was committed`);
      if (acknowledged > fetched) await toldEventually(socket, `messages_updated ${ANN}`);
    }
    await sending;
  }));

Deno.test("many sockets of many people are all notified", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const people: Person[] = [];
    for (let place = 10; place < 25; place += 1) people.push(await t.signUp(`+141555503${place}`));
    for (const person of people) await t.befriend(ann, person);
    const annSockets = await Promise.all(Array.from({ length: 40 }, () => t.socket(ann.token)));
    const sockets = await Promise.all(people.map((person) => t.socket(person.token)));
    await Promise.all(people.flatMap((person) => [t.send(person, ann, "in"), t.send(ann, person, "out")]));

    await Promise.all(sockets.map((socket) => toldEventually(socket, `messages_updated ${ANN}`)));
    for (const socket of annSockets) {
      await eventually(() =>
        equal(new Set(socket.told().filter((told) => told.startsWith("messages"))).size, 15)
      );
    }
  }));

Deno.test("events write numbers as PHONE_WIRE_FORMAT says", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const socket = await t.socket(bob.token);
    await t.send(ann, bob, "hello");
    await toldEventually(socket, `messages_updated ${ANN.slice(1)}`);
  }, { env: { PHONE_WIRE_FORMAT: "digits" } }));
