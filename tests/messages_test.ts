// Sending and reading messages. Their order is tested in order_test.ts, their statuses in marks_test.ts.

import { deepEqual, equal } from "./assert.ts";

import {
  ANN,
  type Answer,
  BOB,
  CAT,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

const EMOJI = "\u{1F600}";
const STRANGER = "+14155550199";

function history(t: TestApp, me: Person, peer: string, query = ""): Promise<Answer> {
  return t.call("GET", `/api/messages/${encodeURIComponent(peer)}${query}`, { token: me.token });
}

function remove(t: TestApp, me: Person, peer: Person): Promise<Answer> {
  return t.call("PUT", "/api/contacts/delete", { token: me.token, json: { phone_number: peer.phone } });
}

function post(t: TestApp, me: Person, json: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return t.call("POST", "/api/messages/send", { token: me.token, json, headers });
}

/** Sends these texts one after the other, and returns their ids. */
async function sendAll(t: TestApp, from: Person, to: Person, texts: string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const text of texts) ids.push((await t.send(from, to, text)).body.messages[0].id);
  return ids;
}

Deno.test("send returns the stored message, and both read the same, but only the sender gets client_id", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const sent = await t.send(ann, bob, "hello", { client_id: "one" });
    succeeded(sent);
    const { id, created_at, ...message } = sent.body.messages[0];

    deepEqual(message, {
      sender: ANN,
      receiver: BOB,
      message: "hello",
      message_type: "text",
      media_type: null,
      media_content_id: null,
      duration: null,
      status: "created",
      client_id: "one",
    });
    const { client_id: _, ...common } = message;
    const read = await history(t, bob, ANN);
    deepEqual(read.body.messages, [{ id, created_at, ...common, status: "delivered" }]);
    equal(read.body.has_more, false);
    const reread = await history(t, ann, BOB);
    deepEqual(reread.body.messages, [{ id, created_at, ...message, status: "delivered" }]);
  }));

Deno.test("history accepts every spelling of the number and returns one", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.send(ann, { ...bob, phone: "0014155550102" }, "hello");

    for (const spelling of ["+14155550102", "%2B14155550102", "%201-415-555-0102", "14155550102"]) {
      const answer = await t.call("GET", `/api/messages/${spelling}`, { token: ann.token });
      succeeded(answer);
      deepEqual(answer.body.messages.map(({ receiver }: { receiver: string }) => receiver), [BOB]);
    }
    refused(await history(t, ann, "12"), 400, "invalid_phone_number");
  }));

Deno.test("history pages newest first, back by before and forth by after, and has_more is exact", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const ids = await sendAll(t, ann, bob, ["a", "b", "c", "d", "e"]);
    const [a, b, c, d, e] = ids;
    const page = async (query: string) => {
      const { body } = await history(t, bob, ANN, query);
      return [body.messages.map(({ id }: { id: number }) => id), body.has_more];
    };

    deepEqual(await page(""), [[e, d, c, b, a], false]);
    deepEqual(await page("?count=5"), [[e, d, c, b, a], false]);
    deepEqual(await page("?count=4"), [[e, d, c, b], true]);
    deepEqual(await page(`?count=2&before=${d}`), [[c, b], true]);
    deepEqual(await page(`?count=2&before=${c}`), [[b, a], false]);
    deepEqual(await page(`?before=${a}`), [[], false]);
    deepEqual(await page(`?count=2&after=${a}`), [[c, b], true]);
    deepEqual(await page(`?count=2&after=${c}`), [[e, d], false]);
    deepEqual(await page(`?after=${e}`), [[], false]);
    deepEqual(await page("?after=0&count=1"), [[a], true]);
    deepEqual(await page("?after=-5&other=thing"), [[e, d, c, b, a], false]);
    deepEqual(await page(`?before=${Number.MAX_SAFE_INTEGER}&count=1`), [[e], true]);
  }));

Deno.test("history returns at most 255 messages, and 100 by default", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await Promise.all(Array.from({ length: 260 }, (_, place) => t.send(ann, bob, `text ${place}`)));
    const count = async (query: string) => {
      const { body } = await history(t, bob, ANN, query);
      equal(body.has_more, true);
      return body.messages.length;
    };

    equal(await count(""), 100);
    equal(await count("?count=255"), 255);
    equal(await count("?count=256"), 255);
    equal(await count("?count=999999999999999999999"), 255);
    equal(await count("?count=007"), 7);
  }));

Deno.test("history refuses an invalid count, before or after", () =>
  withApp(async (t) => {
    const [ann] = await friends(t);
    for (const count of ["0", "-1", "abc", "1.5", "1e2", "+5", "", "00", "1&count=2"]) {
      refused(await history(t, ann, BOB, `?count=${encodeURI(count)}`), 400, "invalid_input");
    }
    for (const place of ["abc", "1.5", "", "9007199254740992", "1&before=2&after=3", "1&after=2"]) {
      refused(await history(t, ann, BOB, `?before=${place}`), 400, "invalid_input");
      refused(await history(t, ann, BOB, `?after=${place}&before=1`), 400, "invalid_input");
    }
  }));

Deno.test("history exists only for numbers on the caller's list", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    for (const peer of [BOB, STRANGER, CAT]) refused(await history(t, cat, peer), 404, "contact_not_found");
    refused(await history(t, ann, CAT), 404, "contact_not_found");
    refused(await history(t, ann, ANN), 404, "contact_not_found");

    const request = { token: cat.token, json: { phone_number: BOB } };
    await t.call("PUT", "/api/contacts/request", request);
    deepEqual((await history(t, cat, BOB)).body.messages, []);
    deepEqual((await history(t, bob, CAT)).body.messages, []);
    await t.call("PUT", "/api/contacts/delete", request);
    refused(await history(t, cat, BOB), 404, "contact_not_found");
    refused(await history(t, bob, CAT), 404, "contact_not_found");
  }));

Deno.test("history stays readable to both after a delete", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await t.send(ann, bob, "hello");
    succeeded(await remove(t, bob, ann));

    for (const [me, peer] of [[ann, BOB], [bob, ANN]] as const) {
      deepEqual((await history(t, me, peer)).body.messages.length, 1);
    }
  }));

Deno.test("send distinguishes a number that is not on the caller's list from one that is no friend, and reveals no more", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    for (const phone of [BOB, STRANGER, CAT]) {
      refused(await t.send(cat, { ...cat, phone }, "hello"), 404, "recipient_not_found");
    }
    await t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: BOB } });
    refused(await t.send(cat, bob, "requesting"), 403, "not_friends");
    refused(await t.send(bob, cat, "requested"), 403, "not_friends");
    await t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: STRANGER } });
    refused(await t.send(cat, { ...cat, phone: STRANGER }, "invited"), 403, "not_friends");

    await remove(t, ann, bob);
    refused(await t.send(ann, bob, "deleted"), 403, "not_friends");
    refused(await t.send(bob, ann, "blocked"), 403, "not_friends");
    await t.call("PUT", "/api/contacts/delete", { token: cat.token, json: { phone_number: BOB } });
    refused(await t.send(cat, bob, "cancelled"), 404, "recipient_not_found");
    refused(await t.send(bob, cat, "cancelled"), 404, "recipient_not_found");
  }));

Deno.test("send accepts texts of 1 to 4096 code points unchanged", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (
      const text of ["x", " ", "a\n\tb", EMOJI.repeat(4096), "e\u0301", "\u202eabc", "'; drop table messages"]
    ) {
      const sent = await t.send(ann, bob, text);
      succeeded(sent);
      equal((await history(t, bob, ANN, "?count=1")).body.messages[0].message, text);
    }
    for (const text of ["", "x".repeat(4097), EMOJI.repeat(4097), "a\0b", "a\ud800b", "\udc00"]) {
      refused(await t.send(ann, bob, text), 400, "invalid_input");
    }
    for (const message of [null, undefined, 5, ["text"]]) {
      refused(
        await post(t, ann, { phone_number: BOB, message_type: "text", message }),
        400,
        "invalid_input",
      );
    }
  }));

Deno.test("send refuses anything that is not exactly a message, and stores nothing of it", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const text = { phone_number: BOB, message_type: "text", message: "hello" };
    const bodies = [
      { ...text, media_content_id: 1 },
      { ...text, message_type: "audio" },
      { ...text, message_type: "video", media_content_id: null },
      { ...text, message_type: "audio", media_content_id: "1" },
      { ...text, message_type: "audio", media_content_id: 1.5 },
      { ...text, message_type: "audio", media_content_id: 2 ** 53 },
      { ...text, message_type: "audio", media_content_id: 1, message: "x".repeat(4097) },
      { ...text, message_type: "image" },
      { ...text, message_type: undefined },
      { ...text, sender: BOB },
      { message_type: "text", message: "hello" },
      [text],
      null,
    ];
    for (const body of bodies) refused(await post(t, ann, body), 400, "invalid_input");
    refused(await post(t, ann, { ...text, phone_number: "12" }), 400, "invalid_phone_number");
    for (const message_type of ["audio", "video"]) {
      for (const message of ["a caption", "", undefined]) {
        const body = { phone_number: BOB, message_type, message, media_content_id: 4711 };
        refused(await post(t, ann, body), 400, "invalid_media");
      }
    }
    succeeded(await post(t, ann, { ...text, media_content_id: null, client_id: null }));
    equal((await history(t, bob, ANN)).body.messages.length, 1);
  }));

Deno.test("every call about messages requires a session", () =>
  withApp(async (t) => {
    const calls = [["POST", "send"], ["PUT", "read"], ["PUT", "read_all_text"], ["PUT", "read_up_to"], [
      "GET",
      BOB,
    ]];
    for (const [method, path] of calls) {
      refused(await t.call(method!, `/api/messages/${path}`), 401, "unauthenticated");
      refused(
        await t.call(method!, `/api/messages/${path}`, { token: "no.such.token" }),
        401,
        "unauthenticated",
      );
    }
  }));
