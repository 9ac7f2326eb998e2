import { deepEqual, equal, notEqual, ok } from "./assert.ts";

import { ask, complete, DAY_MS, MINUTE_MS, SECOND_MS } from "./passcode_calls.ts";
import { currentId, end, endsWith4001, list, visit } from "./session_calls.ts";
import { ANN, BOB, eventually, refused, succeeded, withApp } from "./support.ts";

const SIGNED_IN_CALLS = [
  ["POST", "/api/auth/renew"],
  ["POST", "/api/auth/signout"],
  ["POST", "/api/auth/delete-account"],
  ["GET", "/api/auth/sessions"],
  ["DELETE", "/api/auth/sessions/some"],
] as const;

for (const [method, path] of SIGNED_IN_CALLS) {
  Deno.test(`${method} ${path} needs a token, which is checked before the body`, () =>
    withApp(async (t) => {
      const answer = await t.call(method, path, method === "POST" ? { raw: "{", headers: {} } : {});
      refused(answer, 401, "unauthenticated");
      equal(answer.headers.get("www-authenticate"), "Bearer");
      refused(await t.call(method, path, { token: "x" }), 401, "unauthenticated");
    }));
}

Deno.test("/sessions lists mine and nobody else's, most recently used first, and marks the current one", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const phone = await t.signUp(ANN, "Phone");
    const createdAt = t.clock.now().toISOString();
    t.clock.advance(MINUTE_MS);
    const laptop = await t.signIn(ANN, "Laptop");
    const laterAt = t.clock.now().toISOString();
    await t.signUp(BOB, "Bob's");

    const [first, second, ...more] = await list(t, phone.token);
    const { id, ...rest } = first!;
    deepEqual(rest, { device: "Laptop", created_at: laterAt, last_seen_at: laterAt, current: false });
    ok(typeof id === "string" && id.length > 0);
    deepEqual([second!.device, second!.created_at, second!.current], ["Phone", createdAt, true]);
    deepEqual(more, []);
    deepEqual((await list(t, laptop.token)).map(({ device, current }) => [device, current]), [
      ["Laptop", true],
      ["Phone", false],
    ]);
  }));

Deno.test("/sessions says when a session was last seen, accurate to a minute", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    t.clock.advance(3 * MINUTE_MS);
    succeeded(await visit(t, ann.token));

    await eventually(async () => {
      const [session] = await list(t, ann.token);
      ok(t.clock.now().getTime() - Date.parse(session!.last_seen_at) < MINUTE_MS);
    });
  }));

Deno.test("device is free text of at most 64 code points", () =>
  withApp(async (t) => {
    for (const device of ["", "Ann's \u{1f427}", "\u{1f427}".repeat(64)]) {
      const { token } = await (device === "" ? t.signUp(ANN, device) : t.signIn(ANN, device));
      equal((await list(t, token)).find(({ current }) => current)!.device, device);
    }
    succeeded(await ask(t, "signin", ANN));
    const passcode = t.codeFor(ANN);
    const tooLong = { phone: ANN, passcode, device: "\u{1f427}".repeat(65) };
    refused(await complete(t, "signin", tooLong), 400, "invalid_input");
    succeeded(await complete(t, "signin", { phone: ANN, passcode }));
  }));

Deno.test("device is by default the User-Agent, as far as it fits", () =>
  withApp(async (t) => {
    const agents = [["Mozilla/5.0 (Puffin)", "Mozilla/5.0 (Puffin)"], [
      "a".repeat(300),
      "a".repeat(64),
    ]] as const;
    await t.signUp(ANN);
    for (const [agent, device] of agents) {
      await ask(t, "signin", ANN);
      const answer = await t.call("POST", "/api/auth/complete-signin", {
        json: { phone_number: ANN, passcode: t.codeFor(ANN) },
        headers: { "user-agent": agent },
      });
      equal((await list(t, answer.body.token)).find(({ current }) => current)!.device, device);
    }
  }));

Deno.test("/renew extends the session, and the old token stays valid until it expires", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const { token: old } = await t.signUp(ANN);
    t.clock.advance(20 * DAY_MS);
    const renewed = await t.call("POST", "/api/auth/renew", { token: old });
    succeeded(renewed);
    const { token, expires_at } = renewed.body;
    notEqual(token, old);
    const endsAt = t.clock.now().getTime() + 30 * DAY_MS;
    equal(Date.parse(expires_at), endsAt - endsAt % 1000);
    equal(await currentId(t, token), await currentId(t, old));
    equal((await list(t, token)).length, 1);

    t.clock.advance(10 * DAY_MS - SECOND_MS);
    succeeded(await visit(t, old));
    t.clock.advance(SECOND_MS);
    refused(await visit(t, old), 401, "unauthenticated");
    t.clock.advance(20 * DAY_MS - SECOND_MS);
    succeeded(await visit(t, token));
    t.clock.advance(SECOND_MS);
    refused(await visit(t, token), 401, "unauthenticated");
  }));

Deno.test("/renew is 401 for a session that has ended without this process having been told", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const { token } = await t.signUp(ANN);
    succeeded(await visit(t, token));
    await t.sql`update sessions set ended_at = now()`;

    refused(await t.call("POST", "/api/auth/renew", { token }), 401, "unauthenticated");
  }));

Deno.test("/renew and /signout take no body or an empty object, and nothing more", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const call of ["renew", "signout"]) {
      refused(
        await t.call("POST", `/api/auth/${call}`, { token, json: { all: true } }),
        400,
        "invalid_input",
      );
      refused(await t.call("POST", `/api/auth/${call}`, { token, raw: "x" }), 415, "unsupported_media_type");
    }
    succeeded(await t.call("POST", "/api/auth/renew", { token, json: {} }));
    succeeded(await t.call("POST", "/api/auth/signout", { token, json: {} }));
  }));

Deno.test("/signout ends every token of this session at once, and no other session", () =>
  withApp(async (t) => {
    const phone = await t.signUp(ANN);
    const laptop = await t.signIn(ANN);
    const { body: renewed } = await t.call("POST", "/api/auth/renew", { token: phone.token });
    const [own, other] = [await t.socket(renewed.token), await t.socket(laptop.token)];
    succeeded(await visit(t, phone.token));
    succeeded(await t.call("POST", "/api/auth/signout", { token: phone.token }));

    for (const token of [phone.token, renewed.token]) {
      refused(await visit(t, token), 401, "unauthenticated");
      refused(await t.call("POST", "/api/auth/renew", { token }), 401, "unauthenticated");
      refused(await t.call("POST", "/api/auth/signout", { token }), 401, "unauthenticated");
    }
    await endsWith4001(own);
    equal((await list(t, laptop.token)).length, 1);
    equal(other.raw.readyState, WebSocket.OPEN);
  }));

Deno.test("/signout is a success or 401, however many arrive together", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    await visit(t, token);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => t.call("POST", "/api/auth/signout", { token })),
    );

    ok(answers.some(({ status }) => status === 200));
    for (const answer of answers) {
      if (answer.status !== 200) refused(answer, 401, "unauthenticated");
    }
  }));

Deno.test("DELETE /sessions/:id ends another session of mine at once, or this one", () =>
  withApp(async (t) => {
    const phone = await t.signUp(ANN);
    const laptop = await t.signIn(ANN);
    const socket = await t.socket(laptop.token);
    succeeded(await visit(t, laptop.token));
    succeeded(await end(t, phone.token, await currentId(t, laptop.token)));

    refused(await visit(t, laptop.token), 401, "unauthenticated");
    await endsWith4001(socket);
    succeeded(await end(t, phone.token, await currentId(t, phone.token)));
    refused(await visit(t, phone.token), 401, "unauthenticated");
  }));

Deno.test("DELETE /sessions/:id answers another's, an unknown and an ended session alike, and ends none", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const bob = await t.signUp(BOB);
    const ended = await t.signIn(ANN);
    const endedId = await currentId(t, ended.token);
    succeeded(await end(t, ann.token, endedId));

    const messages = new Set<string>();
    for (
      const id of [
        await currentId(t, bob.token),
        "unknown",
        endedId,
        "1",
        "%00",
        "%ff",
        "a%2Fb",
        "x".repeat(999),
      ]
    ) {
      const answer = await end(t, ann.token, id);
      refused(answer, 404, "session_not_found");
      messages.add(answer.body.message);
    }
    equal(messages.size, 1);
    for (const { token } of [ann, bob]) succeeded(await visit(t, token));
  }));
