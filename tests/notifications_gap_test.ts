// Events while the connection that listens to other processes is lost: they may be late, but are not lost.

import { deepEqual, equal, ok } from "./assert.ts";

import { killWaiting } from "./locks.ts";
import type { TestSocket } from "./socket.ts";
import {
  ANN,
  BOB,
  CAT,
  eventually,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";

/** Ends the listening connections of all services on the database. */
async function killListeners(t: TestApp): Promise<void> {
  await t.sql`
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where datname = current_database() and query in ('listen puffintalk', 'select pg_notification_queue_usage()')`;
}

async function toldEventually(socket: TestSocket, what: string): Promise<void> {
  await eventually(() => ok(socket.told().includes(what), `${what} is not in ${socket.told()}`), 10_000);
}

async function statusesSeenBy(t: TestApp, sender: Person, peer: string): Promise<string[]> {
  const { body } = await t.call("GET", `/api/messages/${peer}`, { token: sender.token });
  return body.messages.map(({ status }: { status: string }) => status);
}

Deno.test("a message that is sent while no process listens is announced once one does, and becomes delivered", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const socket = await two.socket(bob.token);
    for (let round = 0; round < 5; round += 1) {
      await killListeners(one);
      socket.forget();
      succeeded(await one.send(ann, bob, `${round}`));
      await toldEventually(socket, `messages_updated ${ANN}`);
    }

    await eventually(async () =>
      deepEqual(new Set(await statusesSeenBy(one, ann, BOB)), new Set(["delivered"]))
    );
    equal(socket.raw.readyState, WebSocket.OPEN);
  }));

Deno.test("reads, requests and deletions while no process listens are announced once one does", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const cat = await one.signUp(CAT);
    await one.send(ann, bob, "hello");
    const [annSocket, bobSocket] = [await two.socket(ann.token), await two.socket(bob.token)];
    const bobAgain = await one.signIn(BOB);
    const put = (path: string, me: Person, phone_number: string) =>
      one.call("PUT", path, { token: me.token, json: { phone_number } });

    annSocket.forget();
    await killListeners(one);
    succeeded(await put("/api/messages/read_all_text", bobAgain, ANN));
    await toldEventually(annSocket, `messages_updated ${BOB}`);
    await toldEventually(bobSocket, `messages_updated ${ANN}`);
    for (const call of ["request", "delete"]) {
      bobSocket.forget();
      await killListeners(one);
      succeeded(await put(`/api/contacts/${call}`, cat, BOB));
      await toldEventually(bobSocket, "contacts_updated");
    }
  }));

Deno.test("a session that ends while no process listens loses its sockets all the same", () =>
  withTwoApps(async (one, two) => {
    const ann = await one.signUp(ANN);
    const socket = await two.socket(ann.token);
    await killListeners(one);
    succeeded(await one.call("POST", "/api/auth/signout", { token: ann.token }));

    equal(await socket.closed, 4001);
  }));

Deno.test("connections that are lost again and again lose no event, end no socket and fail no send", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const sockets = [await two.socket(ann.token), await two.socket(bob.token)];
    let over = false;
    const storm = (async () => {
      while (!over) {
        await killListeners(two);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    for (let round = 0; round < 100; round += 1) {
      succeeded(await one.send(ann, bob, `${round}`));
      succeeded(await one.send(bob, ann, `${round}`));
    }
    sockets.forEach((socket) => socket.forget());
    succeeded(await one.send(ann, bob, "the last"));
    succeeded(await one.send(bob, ann, "the last"));
    over = true;
    await storm;

    await toldEventually(sockets[0]!, `messages_updated ${BOB}`);
    await toldEventually(sockets[1]!, `messages_updated ${ANN}`);
    ok(sockets.every(({ raw }) => raw.readyState === WebSocket.OPEN));
  }));

Deno.test("after a statement whose outcome was lost with its connection, sockets are notified as after a gap", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "first"));
    const socket = await t.socket(bob.token);
    socket.forget();
    await t.sql.begin(async (sql) => {
      await sql`select from conversations for no key update`;
      const sending = t.send(ann, bob, "second");
      await killWaiting(t);
      refused(await sending, 503, "unavailable");
    });

    await eventually(() => socket.told().includes("contacts_updated"));
  }));

Deno.test("after a gap nobody is notified of a thread in which their request was declined", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const cat = await t.signUp(CAT);
    const put = (call: string, me: Person, phone_number: string) =>
      t.call("PUT", `/api/contacts/${call}`, { token: me.token, json: { phone_number } });
    succeeded(await put("request", ann, BOB));
    const socket = await t.socket(ann.token, "&sessions=true");
    succeeded(await put("delete", bob, ANN));
    socket.forget();
    await t.services.fromOthers.onGap(0);

    succeeded(await put("request", cat, ANN));
    await eventually(() =>
      deepEqual(socket.told(), ["contacts_updated", "sessions_updated", "contacts_updated"])
    );
  }));

Deno.test("after a gap nobody is notified of a thread with somebody whom they have deleted", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    const put = (call: string, me: Person, phone_number: string) =>
      t.call("PUT", `/api/contacts/${call}`, { token: me.token, json: { phone_number } });
    succeeded(await t.send(ann, bob, "one"));
    const socket = await t.socket(bob.token, "&sessions=true");
    await eventually(async () => deepEqual(await statusesSeenBy(t, ann, BOB), ["delivered"]));
    succeeded(await put("delete", bob, ANN));
    // As if the message had been sent while no process listened.
    await t.sql`update conversations set low_delivered_id = 0, high_delivered_id = 0`;
    socket.forget();
    await t.services.fromOthers.onGap(0);

    succeeded(await put("request", cat, BOB));
    await eventually(() =>
      deepEqual(socket.told(), ["contacts_updated", "sessions_updated", "contacts_updated"])
    );
    deepEqual(await statusesSeenBy(t, ann, BOB), ["created"]);
  }));

Deno.test("after a gap a change from before it is announced as well, because it may have been committed during the gap", () =>
  withApp(async (t) => {
    const [, bob] = await friends(t);
    const socket = await t.socket(bob.token);
    await t.sql`update conversations set changed_at = clock_timestamp() - interval '5 seconds'`;
    await t.services.fromOthers.onGap(0);
    await toldEventually(socket, `messages_updated ${ANN}`);
  }));
