// A lost database is replaced by another, which lacks its latest changes: what the service remembers of these
// no longer exists, and ids that they used are used again.

import { deepEqual, equal } from "./assert.ts";

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
} from "./support.ts";

const DAN = "+14155550104";
const EVE = "+14155550105";

/** Cat and Dan talk in the newest conversation, which is then lost; its id will be used again. */
async function loseTalk(t: TestApp): Promise<[cat: Person, dan: Person]> {
  const [cat, dan] = [await t.signUp(CAT), await t.signUp(DAN)];
  await t.befriend(cat, dan);
  succeeded(await t.send(cat, dan, "lost"));
  const [lost] = await t.sql<{ id: number }[]>`
    select max(id) as id
    from conversations`;
  const { id } = lost!;
  await t.sql`delete from messages where conversation_id = ${id}`;
  await t.sql`delete from contacts where conversation_id = ${id}`;
  await t.sql`delete from conversations where id = ${id}`;
  await t.sql`select setval(pg_get_serial_sequence('conversations', 'id'), ${id}, false)`;
  return [cat, dan];
}

async function textsFor(t: TestApp, me: Person, peer: string): Promise<string[]> {
  const { body } = await t.call("GET", `/api/messages/${peer}`, { token: me.token });
  return body.messages.map(({ message }: { message: string }) => message);
}

Deno.test("a send in a lost conversation is refused, and those in the same batch are stored and announced once", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "first"));
    const [cat] = await loseTalk(t);
    const bobSocket = await t.socket(bob.token);
    const [annHere, catHere] = [
      await t.services.sessions.authenticate(ann.token),
      await t.services.sessions.authenticate(cat.token),
    ];
    const send = (me: typeof annHere, to: string, message: string) =>
      t.services.messages.send(me, {
        phone: to as typeof me.phone_number,
        message_type: "text",
        message,
        media_content_id: null,
        client_id: null,
      });
    const sent = await Promise.allSettled([
      send(annHere, BOB, "second"),
      send(catHere, DAN, "lost as well"),
      send(annHere, BOB, "third"),
    ]);

    deepEqual(sent.map((one) => one.status === "fulfilled" ? one.value.message : one.reason.code), [
      "second",
      "unavailable",
      "third",
    ]);
    deepEqual(await textsFor(t, bob, ANN), ["third", "second", "first"]);
    await eventually(() => equal(bobSocket.frames.length, 2));
  }));

Deno.test("a send in a lost conversation does not reach the conversation that has its id now", () =>
  withApp(async (t) => {
    const [cat] = await loseTalk(t);
    const [ann, eve] = [await t.signUp(ANN), await t.signUp(EVE)];
    await t.befriend(ann, eve);

    const send = () => t.send(cat, { phone: DAN, token: "" }, "for Dan alone");
    refused(await send(), 503, "unavailable");
    refused(await send(), 404, "recipient_not_found");
    deepEqual(await textsFor(t, ann, EVE), []);
    const [row] = await t.sql`select count(*)::int as count from messages`;
    equal(row!.count, 0);
  }));

Deno.test("two people who become friends again after their conversation was lost use the new one", () =>
  withApp(async (t) => {
    const [cat, dan] = await loseTalk(t);
    const [ann, eve] = [await t.signUp(ANN), await t.signUp(EVE)];
    await t.befriend(ann, eve);
    await t.befriend(cat, dan);
    await t.services.fromOthers.onGap(0);

    succeeded(await t.send(cat, dan, "found"));
    deepEqual(await textsFor(t, dan, CAT), ["found"]);
  }));

Deno.test("a socket whose session is lost ends with 4001 after the gap, and no other socket ends", () =>
  withApp(async (t) => {
    const socket = await t.socket((await t.signUp(ANN)).token);
    const kept = await t.socket((await t.signUp(BOB)).token);
    await t.sql`delete from sessions where user_id = (select id from users where phone_number = ${ANN})`;
    await t.services.fromOthers.onGap(0);

    equal(await socket.closed, 4001);
    equal(kept.raw.readyState, WebSocket.OPEN);
  }));
