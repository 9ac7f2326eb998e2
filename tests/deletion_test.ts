// Deleting an account: what is gone at once, what is erased later, and what is kept so that deleting gets
// around no refusal and no limit.

import { CHANNEL } from "../db/notify.ts";
import { askToDelete, assertWhole, deleteAccount, untilErased } from "./account_calls.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createCanaries, findInTables } from "./canary.ts";
import { change, listOf, statuses } from "./contact_calls.ts";
import { invitations, invite, invitesOf, join, linkToken, numbers, withInvites } from "./invite_calls.ts";
import { untilWaiting } from "./locks.ts";
import { addMedia, fetchBytes, makeWav, sendMedia } from "./media_calls.ts";
import { complete, DAY_MS } from "./passcode_calls.ts";
import { endsWith4001, visit } from "./session_calls.ts";
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
import { begin } from "./tus_calls.ts";

function read(t: TestApp, me: Person, phone: string) {
  return t.call("GET", `/api/messages/${phone}`, { token: me.token });
}

Deno.test("/delete-account requires my own number, and takes nothing else", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    refused(await t.call("POST", "/api/auth/delete-account", { json: {} }), 401, "unauthenticated");
    const other = await askToDelete(t, ann, BOB);
    refused(other, 400, "invalid_input");
    deepEqual(other.body.issues, [{ path: "phone_number", message: "Must be your own" }]);
    refused(await askToDelete(t, ann, "nobody"), 400, "invalid_phone_number");
    const more = { phone_number: ANN, sure: true };
    const closed = await t.call("POST", "/api/auth/delete-account", { token: ann.token, json: more });
    refused(closed, 400, "invalid_input");

    deepEqual(await statuses(t, bob), { [ANN]: "accepted" });
    // In any spelling, like every number.
    succeeded(await askToDelete(t, ann, "001 (415) 555-0101"));
    deepEqual(await statuses(t, bob), {});
  }));

Deno.test("the row of a deleted account keeps its id, its time of creation and the status deleted: all other columns are empty", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const columns = async () => (await t.sql<Record<string, unknown>[]>`select * from users`)[0]!;
    const { id, created_at } = await columns();
    await deleteAccount(t, ann);
    const { phone_number, ...left } = await columns();
    equal(phone_number, null);
    deepEqual(
      left,
      { id, created_at, status: "deleted" },
      "Whatever a new column holds, forgetUser() has to empty",
    );
  }));

Deno.test("a deleted account is gone at once: sessions, sockets, lists, history, media, the number", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const laptop = await two.signIn(ANN);
    const cat = await one.signUp(CAT);
    await one.befriend(cat, bob);
    succeeded(await change(one, "request", ann, CAT));
    succeeded(await one.send(ann, bob, "from Ann"));
    succeeded(await two.send(bob, ann, "from Bob"));
    const id = await addMedia(one, ann, makeWav(2_000));
    await sendMedia(one, [ann, bob], id);
    const path = `/api/messages/media/${id}`;
    equal((await fetchBytes(two, path, { token: bob.token })).status, 200);
    const sockets = [await one.socket(ann.token), await two.socket(laptop.token)];
    const watchers = [await one.socket(bob.token), await two.socket(cat.token)];
    watchers.forEach((socket) => socket.forget());

    await deleteAccount(one, ann);

    for (const socket of sockets) await endsWith4001(socket);
    // A peer with messages is told about the thread as well: the number may be back in their list before they
    // fetch it.
    const told = [["contacts_updated", `messages_updated ${ANN}`], ["contacts_updated"]];
    for (const [nth, socket] of watchers.entries()) {
      await eventually(() => deepEqual(socket.told(), told[nth]));
    }
    for (const [t, token] of [[one, ann.token], [two, laptop.token]] as const) {
      refused(await visit(t, token), 401, "unauthenticated");
    }
    for (const t of [one, two]) {
      deepEqual(await statuses(t, bob), { [CAT]: "accepted" });
      deepEqual(await statuses(t, cat), { [BOB]: "accepted" });
      refused(await read(t, bob, ANN), 404, "contact_not_found");
      refused(await t.send(bob, ann, "where are you"), 404, "recipient_not_found");
      equal((await fetchBytes(t, path, { token: bob.token })).status, 404);
      refused(
        await t.call("POST", "/api/auth/signin", { json: { phone_number: ANN } }),
        404,
        "not_registered",
      );
      refused(await change(t, "update", bob, ANN, { display_name: "Ann" }), 404, "contact_not_found");
    }
    refused(await askToDelete(one, ann), 401, "unauthenticated");
    await assertWhole(one);
  }));

Deno.test("the number of a deleted account can sign up again as a stranger; old friends start anew, at every process", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    for (const t of [one, two]) {
      succeeded(await t.send(bob, ann, "before"));
      succeeded(await read(t, bob, ANN));
    }
    await deleteAccount(one, ann);
    const again = await two.signUp(ANN);
    deepEqual(await statuses(two, again), {});
    refused(await read(two, again, BOB), 404, "contact_not_found");
    await one.befriend(bob, again);
    for (const t of [one, two]) {
      deepEqual(
        (await read(t, again, BOB)).body.messages.map(({ message }: { message: string }) => message),
        [],
      );
    }
    for (const t of [one, two]) {
      succeeded(await t.send(bob, again, "after"));
      succeeded(await t.send(again, bob, "after"));
    }
    const messages = (await read(one, bob, ANN)).body.messages;
    deepEqual(messages.map(({ message }: { message: string }) => message), Array(4).fill("after"));
    await untilErased(one);
    equal((await read(one, bob, ANN)).body.messages.length, 4);
  }));

Deno.test("everything written, sent and named is erased from every table, and so is the number", () =>
  withApp(async (t) => {
    const canaries = createCanaries();
    const [ann, bob] = await friends(t);
    const note = (kind: "text" | "label", value: string) => canaries.note(kind, value);
    for (let nth = 0; nth < 30; nth += 1) {
      succeeded(
        await t.send(ann, bob, note("text", `canary by Ann ${nth}`), {
          client_id: note("text", `client ${nth} x`),
        }),
      );
      succeeded(await t.send(bob, ann, note("text", `canary by Bob ${nth}`)));
    }
    succeeded(await change(t, "update", bob, ANN, { display_name: note("label", "Ann the canary") }));
    succeeded(await change(t, "update", ann, BOB, { display_name: note("label", "Bob the canary") }));
    await sendMedia(t, [ann, bob], await addMedia(t, ann, makeWav(300_000)));
    await addMedia(t, ann, makeWav(3_000));
    await begin(t, ann, 5_000);
    const bobs = await addMedia(t, bob, makeWav(4_000));
    await sendMedia(t, [bob, ann], bobs);
    canaries.note("number", ANN);
    ok((await findInTables(t.sql, canaries.all())).length > 60, "the search finds them");

    await deleteAccount(t, ann);
    await untilErased(t);

    // A passcode's row is kept for a day, to count how many were sent.
    t.clock.advance(2 * DAY_MS);
    await t.services.upkeep.deleteOldRows();
    deepEqual(await findInTables(t.sql, canaries.all()), []);
    const kept = await t.sql`select id from media`;
    deepEqual(kept.map(({ id }) => id), [bobs], "what is Bob's he may send for another day");
    equal((await t.sql`select from pg_largeobject_metadata`).length, 1);
  }));

Deno.test("media that somebody else has forwarded remain for the two people of that message", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(bob, cat);
    const id = await addMedia(t, ann, makeWav(2_000));
    await sendMedia(t, [ann, bob], id);
    await sendMedia(t, [bob, cat], id);
    await deleteAccount(t, ann);
    await untilErased(t);
    for (const { token } of [bob, cat]) {
      equal((await fetchBytes(t, `/api/messages/media/${id}`, { token })).status, 200);
    }
    await deleteAccount(t, cat);
    await untilErased(t);
    equal((await t.sql`select from pg_largeobject_metadata`).length, 0, "nobody sends them any more");
  }));

Deno.test("a refusal applies to the number: deleting the account does not get around it", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await change(t, "update", bob, ANN, { display_name: "Never" }));
    succeeded(await t.send(ann, bob, "hello"));
    succeeded(await change(t, "delete", bob, ANN));
    const before = await listOf(t, bob);
    const socket = await t.socket(bob.token);

    await deleteAccount(t, ann);
    await untilErased(t);
    deepEqual((await listOf(t, bob)).map((row) => ({ ...row, unread_messages: 1 })), before);
    deepEqual((await read(t, bob, ANN)).body.messages, []);

    const again = await t.signUp(ANN);
    deepEqual(await statuses(t, again), {});
    succeeded(await change(t, "request", again, BOB));
    deepEqual(await statuses(t, again), { [BOB]: "requesting" });
    deepEqual(await statuses(t, bob), { [ANN]: "deleted" });
    refused(await t.send(again, bob, "hello"), 403, "not_friends");
    deepEqual(socket.told(), []);
    // Until Bob requests it himself.
    succeeded(await change(t, "request", bob, ANN));
    deepEqual(await statuses(t, again), { [BOB]: "accepted" });
    await assertWhole(t);
  }));

Deno.test("limits of a number outlive its account: requests, invitations, SMS to invited numbers", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const [first, ...others] = numbers(11) as [string, ...string[]];
    const beyond = others[9]!;
    for (const phone of [first, ...others.slice(0, 9), beyond]) await invite(t, ann, phone);
    equal((await invitesOf(t, ann)).remaining_today, 0);
    const link = `/i/${linkToken(invitations(twilio, first)[0]!)}`;
    ok((await fetchBytes(t, link)).bytes.length > 0);
    equal((await fetchBytes(t, link)).status, 200);

    await deleteAccount(t, ann);
    equal((await fetchBytes(t, link)).status, 404, "the link tells nobody's number");
    const again = await join(t, twilio, ANN);
    deepEqual(await invitesOf(t, again), { invites: [], remaining_today: 0 });
    await invite(t, again, beyond);
    equal(invitations(twilio, beyond).length, 0);
    deepEqual((await invitesOf(t, again)).invites.map((one) => one.phone_number), [beyond]);

    t.clock.advance(DAY_MS);
    equal((await invitesOf(t, again)).remaining_today, 10);
    await invite(t, again, first);
    equal(invitations(twilio, first).length, 1, "one SMS a number in seven days");
  }));

Deno.test("requests_user, requests_pair: a number has what is left of its limits when it signs up again", () =>
  withApp(async (t) => {
    const [ann] = [await t.signUp(ANN), await t.signUp(BOB), await t.signUp(CAT)];
    succeeded(await change(t, "request", ann, BOB));
    await deleteAccount(t, ann);
    const again = await t.signUp(ANN);
    refused(await change(t, "request", again, BOB), 429, "rate_limited");
    succeeded(await change(t, "request", again, CAT));
    await deleteAccount(t, again);
    refused(await change(t, "request", await t.signUp(ANN), "+14155550104"), 429, "rate_limited");
  }, { env: { LIMITS: "requests_user=2/d,requests_pair=1/d" } }));

Deno.test("an inviter no longer sees an invitation to somebody whose account is deleted, and inviting them again sends no SMS", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const [phone] = numbers(1) as [string];
    await invite(t, ann, phone);
    const joined = await join(t, twilio, phone);
    equal((await invitesOf(t, ann)).invites[0]?.status, "joined");
    await deleteAccount(t, joined);
    deepEqual((await invitesOf(t, ann)).invites, []);
    deepEqual(await statuses(t, ann), {});
    await invite(t, ann, phone);
    equal(invitations(twilio, phone).length, 1);
    deepEqual((await invitesOf(t, ann)).invites.map((one) => one.status), ["sent"]);
  }));

Deno.test("somebody who is suspended cannot delete the account", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.sql`update users set status = 'suspended' where phone_number = ${ANN}`;
    const answer = await askToDelete(t, ann);
    equal(answer.status, 401);
    deepEqual(await statuses(t, bob), { [ANN]: "accepted" });
  }));

Deno.test("an operator marks an account as leaving: its sessions end at once, and it is deleted soon", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    succeeded(await one.send(bob, ann, "hello"));
    succeeded(await one.call("POST", "/api/auth/signin", { json: { phone_number: ANN } }));
    const socket = await two.socket(bob.token);
    await one.sql`update users set status = 'leaving' where phone_number = ${ANN}`;
    refused(await visit(two, ann.token), 401, "unauthenticated");
    const passcode = one.codeFor(ANN);
    refused(await complete(one, "signin", { phone: ANN, passcode }), 403, "suspended");

    const deleted = await Promise.all([one, two].map((t) => t.services.deletion.deleteLeaving()));
    deepEqual(deleted.sort(), [0, 1]);
    await eventually(() => deepEqual(socket.told(), ["contacts_updated", `messages_updated ${ANN}`]));
    deepEqual(await statuses(two, bob), {});
    refused(
      await one.call("POST", "/api/auth/signin", { json: { phone_number: ANN } }),
      404,
      "not_registered",
    );
    await untilErased(one);
    await assertWhole(one);
  }));

Deno.test("a process of an older version, which does not know deletion, makes no pair or invitation with an account that is being deleted", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    await t.signUp(BOB);
    const ids = await t.sql<{ id: number }[]>`select id from users order by phone_number`;
    const [annId, bobId] = ids.map(({ id }) => id) as [number, number];
    const outcomeOf = (insert: Promise<unknown>) => insert.then(() => "made", ({ code }) => code);
    const inviteOf = (inviter: number, invitee: number) =>
      outcomeOf(t.sql`
        insert into invites (inviter_id, invitee_id, token_hash, sms, created_at, expires_at)
        values (${inviter}, ${invitee}, sha256('a token'), 'none', now(), now() + interval '1 day')`);
    const { waited } = await t.sql.begin(async (sql) => {
      await sql`update users set status = 'deleted', phone_number = null where id = ${annId}`;
      const waited = [
        outcomeOf(t.sql`insert into conversations (low_id, high_id) values (${annId}, ${bobId})`),
        inviteOf(annId, bobId),
      ];
      await untilWaiting(t, waited.length);
      return { waited };
    });
    // The older version takes this code for a concurrent change, and retries.
    deepEqual(await Promise.all([...waited, inviteOf(bobId, annId)]), ["PT001", "PT001", "PT001"]);
  }));

Deno.test("a process of an older version, which ignores payloads with an event that it does not know, receives all other events", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "hello"));
    const payloads: string[] = [];
    const { unlisten } = await t.sql.listen(CHANNEL, (payload) => payloads.push(payload));
    await deleteAccount(t, ann);
    await eventually(() => ok(payloads.some((payload) => payload.includes('"account_deleted"'))));
    await unlisten();
    const understood = payloads.filter((payload) => !payload.includes('"account_deleted"')).join();
    for (const event of ["session_ended", "contacts_updated", "messages_updated"]) {
      ok(understood.includes(`"event":"${event}"`), event);
    }
  }));

Deno.test("two processes erase many messages together, and leave none", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    const cat = await one.signUp(CAT);
    await one.befriend(bob, cat);
    succeeded(await one.send(bob, cat, "stays"));
    await one.sql`
      insert into messages (conversation_id, id, sender_id, type, body, created_at)
      select v.id, nextval('message_ids'), low_id, 'text', 'many', now()
      from conversations v, generate_series(1, 6000)
      where low_id = (select id from users where phone_number = ${ANN})`;
    await one.sql`update conversations set last_message_at = now()`;
    await deleteAccount(one, ann);
    two.services.upkeep.eraseSoon();
    await untilErased(one);
    equal((await one.sql`select from messages`).length, 1);
    equal((await read(two, cat, BOB)).body.messages.length, 1);
  }));
