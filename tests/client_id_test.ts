// What a client_id guarantees: a message that is sent again remains one message.

import { deepEqual, equal } from "./assert.ts";

import { ANN, BOB, CAT, friends, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";

async function stored(t: TestApp): Promise<number> {
  const [row] = await t.sql<{ count: number }[]>`select count(*)::int as count from messages`;
  return row!.count;
}

function withKey(t: TestApp, me: Person, key: string, more: Record<string, unknown> = {}) {
  return t.call("POST", "/api/messages/send", {
    token: me.token,
    json: { phone_number: BOB, message_type: "text", message: "hello", ...more },
    headers: { "idempotency-key": key },
  });
}

Deno.test("the same client_id with the same content is the same message, with its current status", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const first = await t.send(ann, bob, "hello", { client_id: "one" });
    deepEqual((await t.send(ann, bob, "hello", { client_id: "one" })).body, first.body);
    const [message] = first.body.messages;
    await t.call("PUT", "/api/messages/read", { token: bob.token, json: { message_id: message.id } });

    const again = await t.send(ann, bob, "hello", { client_id: "one" });
    succeeded(again);
    deepEqual(again.body.messages, [{ ...message, status: "seen" }]);
    equal(await stored(t), 1);
  }));

Deno.test("the same client_id with other content is refused, and the message stays as it was", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const first = await t.send(ann, bob, "hello", { client_id: "one" });

    refused(await t.send(ann, bob, "hello!", { client_id: "one" }), 409, "client_id_reused");
    deepEqual((await t.send(ann, bob, "hello", { client_id: "one" })).body, first.body);
    equal(await stored(t), 1);
  }));

Deno.test("a repeated send is answered even if the two are no longer friends; a new one is refused", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const first = await t.send(ann, bob, "hello", { client_id: "one" });
    const remove = (me: Person, peer: Person) =>
      t.call("PUT", "/api/contacts/delete", { token: me.token, json: { phone_number: peer.phone } });

    for (const [me, peer] of [[bob, ann], [ann, bob]] as const) {
      succeeded(await remove(me, peer));
      deepEqual((await t.send(ann, bob, "hello", { client_id: "one" })).body, first.body);
      refused(await t.send(ann, bob, "hello!", { client_id: "one" }), 409, "client_id_reused");
      refused(await t.send(ann, bob, "hello", { client_id: "two" }), 403, "not_friends");
    }
  }));

Deno.test("a client_id identifies a message only within one sender and one receiver", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    const ids = [];
    for (const [from, to] of [[ann, bob], [bob, ann], [ann, cat]] as const) {
      const answer = await t.send(from, to, `to ${to.phone}`, { client_id: "one" });
      succeeded(answer);
      ids.push(answer.body.messages[0].id);
    }

    equal(new Set(ids).size, 3);
    const seen = await t.call("GET", `/api/messages/${ANN}`, { token: bob.token });
    deepEqual(seen.body.messages.map(({ client_id }: { client_id?: string }) => client_id), [
      "one",
      undefined,
    ]);
  }));

Deno.test("sends without client_id are never merged", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const answers = await Promise.all(Array.from({ length: 20 }, () => t.send(ann, bob, "hello")));

    equal(new Set(answers.map(({ body }) => body.messages[0].id)).size, 20);
    deepEqual(answers[0]!.body.messages[0].client_id, null);
  }));

Deno.test("client_id has 1 to 64 code points, all of which the database can store", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (const client_id of ["x", "x".repeat(64), "\u{1F600}".repeat(64), " ", "a b/c"]) {
      const answer = await t.send(ann, bob, "hello", { client_id });
      succeeded(answer);
      equal(answer.body.messages[0].client_id, client_id);
    }
    for (const client_id of ["", "x".repeat(65), "\u{1F600}".repeat(65), "a\0", "\ud800", 5]) {
      refused(await t.send(ann, bob, "hello", { client_id }), 400, "invalid_input");
    }
  }));

Deno.test("Idempotency-Key is the client_id, and both may be given when they are the same", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const first = await withKey(t, ann, "one");
    succeeded(first);
    equal(first.body.messages[0].client_id, "one");

    deepEqual((await t.send(ann, bob, "hello", { client_id: "one" })).body, first.body);
    deepEqual((await withKey(t, ann, "one", { client_id: "one" })).body, first.body);
    deepEqual((await withKey(t, ann, "one", { client_id: null })).body, first.body);
    refused(await withKey(t, ann, "one", { client_id: "two" }), 400, "invalid_input");
    refused(await withKey(t, ann, "x".repeat(65)), 400, "invalid_input");
    refused(await withKey(t, ann, ""), 400, "invalid_input");
    equal(await stored(t), 1);
  }));

Deno.test("sends with equal client_ids that arrive together store one message for each id", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, place) => t.send(ann, bob, "hello", { client_id: `${place % 5}` })),
    );
    answers.forEach(succeeded);

    const ids = answers.map(({ body }) => body.messages[0].id);
    ids.forEach((id, place) => equal(id, ids[place % 5]));
    deepEqual([new Set(ids).size, await stored(t)], [5, 5]);
  }));

Deno.test("different texts that arrive together under one client_id: exactly one is stored", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (let round = 0; round < 5; round += 1) {
      const client_id = `round ${round}`;
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, place) => t.send(ann, bob, `text ${place % 3}`, { client_id })),
      );
      const [row, ...more] = await t.sql<{ body: string }[]>`
        select body from messages where client_id = ${client_id}`;

      equal(more.length, 0);
      answers.forEach((answer, place) => {
        if (`text ${place % 3}` === row!.body) succeeded(answer);
        else refused(answer, 409, "client_id_reused");
      });
    }
  }));
