// How a user's other sessions are notified when one of their sessions begins or ends.

import { deepEqual, equal, ok } from "./assert.ts";

import { submit, visit } from "./page_calls.ts";
import { complete, wrong } from "./passcode_calls.ts";
import { currentId, end, list } from "./session_calls.ts";
import type { TestSocket } from "./socket.ts";
import {
  ANN,
  BOB,
  eventually,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";

const SESSIONS = "&sessions=true";

async function toldOnce(socket: TestSocket): Promise<void> {
  await eventually(() => deepEqual(socket.told(), ["sessions_updated"]));
  socket.forget();
}

/** Asserts that a socket was not notified: sends it another notice, after which no earlier one can arrive. */
async function toldNothing(t: TestApp, socket: TestSocket, to: Person): Promise<void> {
  const { user_id } = await t.services.sessions.authenticate(to.token);
  t.services.hub.tell({ to: user_id, event: "contacts_updated" });
  await eventually(() => deepEqual(socket.told(), ["contacts_updated"]));
  socket.forget();
}

Deno.test("opening a session notifies my other sessions, on every process, and nobody else", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = [await one.signUp(ANN), await one.signUp(BOB)];
    const [here, there] = [await one.socket(ann.token, SESSIONS), await two.socket(ann.token, SESSIONS)];
    const stranger = await one.socket(bob.token, SESSIONS);
    const laptop = await one.signIn(ANN, "laptop");

    await Promise.all([here, there].map(toldOnce));
    await toldNothing(one, stranger, bob);
    deepEqual((await list(two, ann.token)).map(({ device }) => device).includes("laptop"), true);
    const own = await two.socket(laptop.token, SESSIONS);
    await toldNothing(two, own, laptop);
  }));

Deno.test("a sign-in with a wrong code, or by a suspended user, notifies nobody", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token, SESSIONS);
    succeeded(await t.call("POST", "/api/auth/signin", { json: { phone_number: ANN } }));
    const passcode = t.codeFor(ANN);
    refused(await complete(t, "signin", { phone: ANN, passcode: wrong(passcode) }), 400, "invalid_passcode");
    await toldNothing(t, socket, ann);

    await t.sql`alter table users disable trigger users_suspended`;
    await t.sql`update users set status = 'suspended'`;
    refused(await complete(t, "signin", { phone: ANN, passcode }), 403, "suspended");
    await t.sql`update users set status = 'active'`;
    await toldNothing(t, socket, ann);
  }));

Deno.test("signing out notifies my other sessions, on every process", () =>
  withTwoApps(async (one, two) => {
    const ann = await one.signUp(ANN);
    const laptop = await one.signIn(ANN);
    const sockets = [await one.socket(ann.token, SESSIONS), await two.socket(ann.token, SESSIONS)];
    const ending = await two.socket(laptop.token, SESSIONS);
    succeeded(await one.call("POST", "/api/auth/signout", { token: laptop.token }));

    await Promise.all(sockets.map(toldOnce));
    equal(await ending.closed, 4001);
    deepEqual(ending.told(), []);
  }));

Deno.test("ending another session notifies the third one, and ending an unknown one notifies nobody", () =>
  withTwoApps(async (one, two) => {
    const ann = await one.signUp(ANN);
    const [laptop, tablet] = [await one.signIn(ANN), await one.signIn(ANN)];
    const [here, there] = [
      await one.socket(tablet.token, SESSIONS),
      await two.socket(tablet.token, SESSIONS),
    ];
    succeeded(await end(one, ann.token, await currentId(one, laptop.token)));
    await Promise.all([here, there].map(toldOnce));

    refused(await end(one, ann.token, "AAAAAAAAAAAAAAAAAAAAAA"), 404, "session_not_found");
    await toldNothing(one, here, tablet);
  }));

Deno.test("opening a session on the page of an invitation notifies my others", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token, SESSIONS);
    const start = await visit(t, "/i/AAAAAAAAAAAAAAAAAAAAAA");
    const asked = await submit(t, start, "send", { phone_number: ANN });
    equal((await submit(t, asked, "verify", { passcode: t.codeFor(ANN) })).status, 200);

    await toldOnce(socket);
  }));

Deno.test("a socket that did not ask for changes of sessions is not notified of them", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const sockets = [await t.socket(ann.token), await t.socket(ann.token, SESSIONS)];
    await t.signIn(ANN, "laptop");
    await toldOnce(sockets[1]!);
    await toldNothing(t, sockets[0]!, ann);
  }));

Deno.test("after a gap in what other processes announce, everybody is notified that a session may have begun or ended", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const sockets = [await t.socket(ann.token, SESSIONS), await t.socket(bob.token, SESSIONS)];
    await t.services.fromOthers.onGap(1_000);

    for (const socket of sockets) await eventually(() => ok(socket.told().includes("sessions_updated")));
  }));
