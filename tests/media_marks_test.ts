// The status of audio and video messages: seen one by one when they are played, or all up to a message.

import { deepEqual, equal, ok } from "./assert.ts";
import { put, statuses, unread } from "./mark_calls.ts";
import { addMedia, sendMedia } from "./media_calls.ts";
import type { TestSocket } from "./socket.ts";
import {
  ANN,
  BOB,
  CAT,
  eventually,
  friends,
  type Person,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";
import { fixture } from "./upload_calls.ts";

/** Ann has sent Bob a text, a voice message, a text, a film and a text. */
interface Thread {
  ann: Person;
  bob: Person;
  /** The messages' ids, oldest first. */
  ids: [text: number, voice: number, text2: number, film: number, text3: number];
}

function withThread(run: (t: TestApp, thread: Thread) => Promise<void>): Promise<void> {
  return withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const voice = await addMedia(t, ann, fixture("opus.ogg"));
    const film = await addMedia(t, ann, fixture("vp8.webm"), "video");
    const text = async () => (await t.send(ann, bob, "text")).body.messages[0].id;
    const ids: Thread["ids"] = [
      await text(),
      (await sendMedia(t, [ann, bob], voice)).id,
      await text(),
      (await sendMedia(t, [ann, bob], film, "video")).id,
      await text(),
    ];
    await run(t, { ann, bob, ids });
  });
}

/** Cat writes to these people. Resolves with the notices that arrived before those of her messages. */
async function settle(t: TestApp, cat: Person, people: Person[], sockets: TestSocket[]): Promise<string[][]> {
  for (const person of people) succeeded(await t.send(cat, person, "bell"));
  await eventually(() => sockets.every((socket) => socket.told().includes(`messages_updated ${CAT}`)));
  const told = sockets.map((socket) => [
    ...new Set(socket.told().filter((one) => one !== `messages_updated ${CAT}`)),
  ]);
  sockets.forEach((socket) => socket.forget());
  return told;
}

Deno.test("playing media marks only these as seen, and what came before as delivered", () =>
  withThread(async (t, { ann, bob, ids: [, voice] }) => {
    equal(await unread(t, bob, ANN), 5);
    succeeded(await put(t, "read", bob, { message_id: voice }));

    deepEqual(await statuses(t, ann, BOB), ["delivered", "seen", "created", "created", "created"]);
    equal(await unread(t, bob, ANN), 4);
  }));

Deno.test("reading a text marks it and the texts before it as seen, and no media", () =>
  withThread(async (t, { ann, bob, ids: [, , , , last] }) => {
    succeeded(await put(t, "read", bob, { message_id: last }));

    deepEqual(await statuses(t, ann, BOB), ["seen", "delivered", "seen", "delivered", "seen"]);
    equal(await unread(t, bob, ANN), 2);
  }));

Deno.test("read_all_text marks every text as seen, and no media", () =>
  withThread(async (t, { ann, bob }) => {
    succeeded(await put(t, "read_all_text", bob, { phone_number: ANN }));

    deepEqual(await statuses(t, ann, BOB), ["seen", "delivered", "seen", "delivered", "seen"]);
    equal(await unread(t, bob, ANN), 2);
  }));

Deno.test("read_up_to marks texts and media up to a message, itself a text or media, as seen, and nothing later", () =>
  withThread(async (t, { ann, bob, ids: [, , text, film] }) => {
    succeeded(await put(t, "read_up_to", bob, { phone_number: ANN, message_id: text }));
    deepEqual(await statuses(t, ann, BOB), ["seen", "seen", "seen", "created", "created"]);
    equal(await unread(t, bob, ANN), 2);

    succeeded(await put(t, "read_up_to", bob, { phone_number: ANN, message_id: film }));
    deepEqual(await statuses(t, ann, BOB), ["seen", "seen", "seen", "seen", "created"]);
    equal(await unread(t, bob, ANN), 1);
  }));

Deno.test("a fetch, a download or a socket makes media delivered, not seen", () =>
  withThread(async (t, { ann, bob }) => {
    const id =
      (await t.call("GET", `/api/messages/${ANN}`, { token: bob.token })).body.messages[1].media_content_id;
    await fetch(`${t.url}/api/messages/media/${id}?token=${bob.token}`).then((response) => response.bytes());
    deepEqual(await statuses(t, ann, BOB), Array(5).fill("delivered"));

    await sendMedia(t, [ann, bob], id, "video");
    await t.socket(bob.token);
    await eventually(async () => deepEqual(await statuses(t, ann, BOB), Array(6).fill("delivered")));
    equal(await unread(t, bob, ANN), 6);
  }));

Deno.test("media are seen in the message that was played, and not in others that carry them", () =>
  withThread(async (t, { ann, bob, ids: [, voice] }) => {
    const cat = await t.signUp(CAT);
    await t.befriend(bob, cat);
    const { body } = await t.call("GET", `/api/messages/${ANN}`, { token: bob.token });
    const id = body.messages.find((one: { id: number }) => one.id === voice).media_content_id;
    await sendMedia(t, [bob, cat], id);
    await sendMedia(t, [bob, ann], id);
    await sendMedia(t, [ann, bob], id);
    succeeded(await put(t, "read", bob, { message_id: voice }));

    deepEqual(
      (await statuses(t, ann, BOB)).map((status) => status === "seen"),
      [0, 1, 0, 0, 0, 0].map(Boolean),
    );
    deepEqual(await statuses(t, bob, CAT), ["created"]);
    deepEqual((await statuses(t, bob, ANN)).includes("seen"), false);
    equal(await unread(t, cat, BOB), 1);
  }));

Deno.test("nobody but the receiver can mark media as seen: not the sender, not a third person", () =>
  withThread(async (t, { ann, bob, ids: [, voice] }) => {
    const cat = await t.signUp(CAT);
    await t.befriend(bob, cat);
    for (const me of [ann, cat]) equal((await put(t, "read", me, { message_id: voice })).status, 404);
    equal((await put(t, "read_up_to", ann, { phone_number: BOB, message_id: voice })).status, 404);
    deepEqual(await statuses(t, ann, BOB), Array(5).fill("created"));
    equal(await unread(t, bob, ANN), 5);
  }));

Deno.test("read_up_to marks nothing that the reader has sent", () =>
  withThread(async (t, { ann, bob }) => {
    await sendMedia(t, [bob, ann], await addMedia(t, bob, fixture("opus.ogg")));
    const { body } = await t.send(ann, bob, "last");
    const message_id = body.messages[0].id;
    succeeded(await put(t, "read_up_to", bob, { phone_number: ANN, message_id }));

    deepEqual(await statuses(t, bob, ANN), ["created"]);
    equal(await unread(t, ann, BOB), 1);
  }));

Deno.test("playing media twice, in two sessions and in parallel with other read calls, is the same as once", () =>
  withThread(async (t, { ann, bob, ids }) => {
    const again = await t.signIn(BOB);
    const answers = await Promise.all([bob, again].flatMap((me) => [
      ...[ids[1], ids[3], ids[1], ids[3]].map((message_id) => put(t, "read", me, { message_id })),
      put(t, "read_up_to", me, { phone_number: ANN, message_id: ids[3] }),
      put(t, "read_all_text", me, { phone_number: ANN }),
    ]));
    answers.forEach(succeeded);

    deepEqual(await statuses(t, ann, BOB), Array(5).fill("seen"));
    equal(await unread(t, bob, ANN), 0);
  }));

Deno.test("delivery and playing of media notify those concerned, and nobody if nothing changes", () =>
  withThread(async (t, { ann, bob, ids: [, voice, , film] }) => {
    const cat = await t.signUp(CAT);
    await t.befriend(cat, ann);
    await t.befriend(cat, bob);
    const [annSocket, annOther] = [await t.socket(ann.token), await t.socket((await t.signIn(ANN)).token)];
    const [bobSocket, bobOther] = [await t.socket(bob.token), await t.socket((await t.signIn(BOB)).token)];
    const sockets = [annSocket, annOther, bobOther];
    const bell = () => settle(t, cat, [ann, bob], [...sockets, bobSocket]).then((told) => told.slice(0, 3));
    await eventually(async () => deepEqual(await statuses(t, ann, BOB), Array(5).fill("delivered")));
    await bell();
    const [ofBob, ofAnn] = [[`messages_updated ${BOB}`], [`messages_updated ${ANN}`]];

    const { body } = await t.call("GET", `/api/messages/${ANN}`, { token: bob.token });
    await sendMedia(t, [ann, bob], body.messages[1].media_content_id, "video");
    await eventually(async () => equal((await statuses(t, ann, BOB)).at(-1), "delivered"));
    deepEqual(await bell(), [ofBob, ofBob, ofAnn]);

    succeeded(await put(t, "read", bob, { message_id: voice }));
    deepEqual(await bell(), [ofBob, ofBob, ofAnn]);
    succeeded(await put(t, "read_up_to", bob, { phone_number: ANN, message_id: film }));
    deepEqual(await bell(), [ofBob, ofBob, ofAnn]);

    succeeded(await put(t, "read", bob, { message_id: film }));
    succeeded(await put(t, "read_up_to", bob, { phone_number: ANN, message_id: film }));
    deepEqual(await bell(), [[], [], []]);
  }));

Deno.test("a sender who has deleted the reader is not notified that their media were played", () =>
  withThread(async (t, { ann, bob, ids: [, voice] }) => {
    const cat = await t.signUp(CAT);
    await t.befriend(cat, ann);
    succeeded(await t.call("PUT", "/api/contacts/delete", { token: ann.token, json: { phone_number: BOB } }));
    const socket = await t.socket(ann.token);
    await settle(t, cat, [ann], [socket]);
    succeeded(await put(t, "read", bob, { message_id: voice }));
    deepEqual(await settle(t, cat, [ann], [socket]), [[]]);
    equal((await statuses(t, ann, BOB))[1], "seen");
  }));

Deno.test("read_up_to marks any number of media, some thousands in each statement, and nothing beyond", () =>
  withThread(async (t, { ann, bob, ids: [, voice] }) => {
    await t.sql`
      insert into messages (conversation_id, id, sender_id, type, body, media_id, created_at)
      select conversation_id, nextval('message_ids'), sender_id, type, body, media_id, created_at
      from messages, generate_series(1, 12000)
      where id = ${voice}`;
    const [newest] = await t.sql<{ id: number }[]>`select max(id) as id from messages`;
    const sent = newest!.id;
    await t.sql`
      update conversations
      set low_sent_id = case when low_sent_id > 0 then ${sent} else 0 end,
        high_sent_id = case when high_sent_id > 0 then ${sent} else 0 end`;
    const readUpTo = () => put(t, "read_up_to", bob, { phone_number: ANN, message_id: sent - 1 });

    // A call that fails midway has marked a first part, and that completely.
    await t.sql.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'No'; end $$;
      create trigger refused before update on conversations for each row
        when (greatest(new.low_seen_text_id, new.high_seen_text_id) = ${
      sent - 1
    }) execute function refuse()`);
    equal((await readUpTo()).status, 500);
    const [marks] = await t.sql<{ delivered: number; seen: number; media: number }[]>`
      select greatest(low_delivered_id, high_delivered_id) as delivered,
        greatest(low_seen_text_id, high_seen_text_id) as seen,
        (select max(id) from messages where seen_at is not null) as media
      from conversations`;
    ok(marks!.media > 0 && marks!.media < sent - 1);
    deepEqual([marks!.delivered, marks!.seen], [marks!.media, marks!.media]);

    await t.sql`drop trigger refused on conversations`;
    succeeded(await readUpTo());
    equal(await unread(t, bob, ANN), 1);
    deepEqual((await statuses(t, ann, BOB)).slice(-2), ["seen", "created"]);

    const statements = await t.sql<{ count: number }[]>`
      select count(*)::int
      from messages
      where seen_at is not null
      group by xmin
      order by min(id)`;
    // The voice message, the film and all copies but the newest.
    deepEqual(statements.map(({ count }) => count), [5_000, 5_000, 2_001]);
  }));
