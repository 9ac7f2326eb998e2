// Tickets for WebSockets: each opens one socket, within a minute, and only while its session lasts.

import { deepEqual, equal, match, ok, rejects } from "./assert.ts";

import { insertTicket } from "../db/tickets.ts";
import { deleteOld } from "../db/upkeep.ts";
import { createTestDatabase } from "./database.ts";
import { only } from "./limit_calls.ts";
import { untilWaiting } from "./locks.ts";
import { SECOND_MS } from "./passcode_calls.ts";
import { shakeHands } from "./raw_socket.ts";
import { endsWith4001 } from "./session_calls.ts";
import { openSocket, type TestSocket } from "./socket.ts";
import { ANN, BOB, eventually, succeeded, type TestApp, withApp, withTwoApps } from "./support.ts";

const PATH = "/api/notifications";

async function issue(t: TestApp, token: string): Promise<string> {
  const answer = await t.call("POST", `${PATH}/ticket`, { token });
  succeeded(answer);
  return answer.body.ticket;
}

/** The status of a handshake with this query; the connection is closed at once. */
async function statusOf(t: TestApp, query: string, headers = {}): Promise<number> {
  const { status, conn } = await shakeHands(t.url, `${PATH}?${query}`, headers);
  conn.close();
  return status;
}

function open(t: TestApp, ticket: string): Promise<TestSocket> {
  return openSocket(`${t.url.replace("http", "ws")}${PATH}?ticket=${ticket}`);
}

Deno.test("a ticket opens a WebSocket of its session, which is notified like any other and ends with the session", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = [await one.signUp(ANN), await one.signUp(BOB)];
    const { body } = await one.call("POST", `${PATH}/ticket`, { token: ann.token });
    const { ticket, ...rest } = body;
    deepEqual(rest, { success: true, expires_in: 60 });
    match(ticket, /^[\w-]{22}$/);

    const socket = await open(two, ticket);
    await one.befriend(ann, bob);
    await eventually(() => ok(socket.told().includes("contacts_updated")));
    succeeded(await one.call("POST", "/api/auth/signout", { token: ann.token }));
    await endsWith4001(socket);
  }));

Deno.test("many clients with the same ticket at once, at two services: exactly one gets a socket", () =>
  withTwoApps(async (one, two) => {
    const { token } = await one.signUp(ANN);
    for (let round = 0; round < 5; round += 1) {
      const ticket = await issue(one, token);
      const statuses = await Promise.all(
        Array.from({ length: 40 }, (_, place) => statusOf(place % 2 ? one : two, `ticket=${ticket}`)),
      );
      deepEqual(statuses.filter((status) => status !== 401), [101]);
    }
  }));

Deno.test("a ticket is good for a minute by the service's clock", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    t.clock.freeze();
    const [first, second] = [await issue(t, token), await issue(t, token)];
    t.clock.advance(60 * SECOND_MS - 1);
    equal(await statusOf(t, `ticket=${first}`), 101);
    t.clock.advance(1);
    equal(await statusOf(t, `ticket=${second}`), 401);
  }));

Deno.test("a ticket cannot be redeemed once its session has ended or its minute is over, even if it was found before", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    t.clock.freeze();
    const [ended, late] = [await issue(t, ann.token), await issue(t, bob.token)];
    const { tickets } = t.services;
    equal((await tickets.find(ended)).phone_number, ANN);
    equal((await tickets.find(late)).phone_number, BOB);

    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    await rejects(tickets.redeem(ended), { code: "unauthenticated" });
    t.clock.advance(60 * SECOND_MS);
    await rejects(tickets.redeem(late), { code: "unauthenticated" });
  }));

Deno.test("a ticket that is used, expired, unknown, another service's, or of a session that has ended is the same 401", async () => {
  const elsewhere = await createTestDatabase();
  try {
    await withApp((other) =>
      withApp(async (t) => {
        const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
        const late = await issue(t, ann.token);
        t.clock.advance(60 * SECOND_MS);
        const [used, ended, suspended] = [
          await issue(t, ann.token),
          await issue(t, (await t.signIn(ANN)).token),
          await issue(t, bob.token),
        ];
        equal(await statusOf(t, `ticket=${used}`), 101);
        const { body } = await t.call("GET", "/api/auth/sessions", { token: ann.token });
        const { id } = body.sessions.find(({ current }: { current: boolean }) => !current);
        succeeded(await t.call("DELETE", `/api/auth/sessions/${id}`, { token: ann.token }));
        await t.sql`update users set status = 'suspended' where phone_number = ${BOB}`;

        const foreign = await issue(other, (await other.signUp(ANN)).token);
        const unknown = "AAAAAAAAAAAAAAAAAAAAAA";
        const seen = new Set<string>();
        for (
          const ticket of [
            used,
            late,
            unknown,
            foreign,
            ended,
            suspended,
            "",
            "%00",
            ann.token,
            "x".repeat(999),
          ]
        ) {
          const answer = await t.call("GET", `${PATH}?ticket=${ticket}`, { token: ann.token });
          const headers = [...answer.headers].filter(([name]) => name !== "date" && name !== "x-request-id");
          seen.add(JSON.stringify([answer.status, headers, { ...answer.body, request_id: "" }]));
          equal(await statusOf(t, `ticket=${ticket}`), 401, ticket);
        }
        equal(seen.size, 1, [...seen].join("\n"));
      }), { database: elsewhere });
  } finally {
    await elsewhere.drop();
  }
});

Deno.test("with a ticket no token counts, and a ticket opens nothing but a WebSocket", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const authorization = `Bearer ${token}`;
    equal(await statusOf(t, "ticket=AAAAAAAAAAAAAAAAAAAAAA", { authorization }), 401);
    equal(await statusOf(t, `ticket=x&token=${token}`), 401);

    const ticket = await issue(t, token);
    for (const path of [`/api/contacts?ticket=${ticket}`, `${PATH}?token=${ticket}`]) {
      equal((await t.call("GET", path)).status, 401);
    }
    equal((await t.call("GET", "/api/contacts", { token: ticket })).status, 401);
    equal(await statusOf(t, `ticket=${ticket}`), 101);
  }));

Deno.test("only the upgrade uses a ticket up: not HEAD, a plain GET, a bad handshake, or an address at its limit of sockets", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const ticket = await issue(t, token);
    const query = `ticket=${ticket}`;
    const head = await fetch(`${t.url}${PATH}?${query}`, { method: "HEAD" });
    equal(head.status, 426);
    equal((await t.call("GET", `${PATH}?${query}`)).status, 426);
    equal(await statusOf(t, query, { "sec-websocket-version": "8" }), 426);
    const socket = await open(t, await issue(t, token));
    equal(await statusOf(t, query), 429);
    equal(await statusOf(t, "ticket=AAAAAAAAAAAAAAAAAAAAAA"), 401);

    await socket.end();
    await eventually(async () => equal(await statusOf(t, query), 101));
    equal(await statusOf(t, query), 401);
    equal((await t.call("GET", `${PATH}?${query}`)).status, 401);
  }, { env: { LIMITS: only("sockets_address", "1") } }));

Deno.test("insertTicket() deletes rows in the order of their hashes, so that two at once cannot deadlock", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    const [session] = await t.sql<{ id: string }[]>`select id from sessions`;
    const [low, high] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const now = t.clock.now();
    const ago = (ms: number) => new Date(now.getTime() - ms);
    await t.sql`
      insert into tickets (hash, session_id, expires_at)
      values (${high}, ${session!.id}, ${ago(2_000)}), (${low}, ${session!.id}, ${ago(1_000)})`;
    let inserted: unknown;
    await t.sql.begin(async (sql) => {
      await sql`select hash from tickets where hash = ${low} for update`;
      const ticket = { session_id: session!.id, expires_at: new Date(now.getTime() + 60_000), now, max: 20 };
      inserted = insertTicket(t.sql, { ...ticket, hash: new Uint8Array(32).fill(3) });
      await untilWaiting(t);
      equal((await sql`select hash from tickets where hash = ${high} for update nowait`).length, 1);
    });
    deepEqual(await inserted, { session_id: session!.id });
    equal((await t.sql`select from tickets`).length, 1);
  }));

Deno.test("a session has at most 20 unused tickets: one more replaces its oldest, and none of another session", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const other = await issue(t, bob.token);
    const tickets: string[] = [];
    for (let place = 0; place < 22; place += 1) {
      tickets.push(await issue(t, ann.token));
      t.clock.advance(1);
    }
    const statuses: number[] = [];
    for (const ticket of [...tickets, other]) statuses.push(await statusOf(t, `ticket=${ticket}`));

    deepEqual(statuses, [401, 401, ...Array(21).fill(101)]);
  }));

Deno.test("nothing that is stored or logged gives a ticket away, and expired ones are swept", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const ticket = await issue(t, token);
    const [row] = await t.sql`select tickets::text as text, hash from tickets`;
    ok(!row!.text.includes(ticket));
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(ticket)));
    deepEqual(new Uint8Array(row!.hash), bytes);
    equal(await statusOf(t, `ticket=${ticket}`), 101);
    ok(t.log.some((line) => line.includes(PATH)));
    ok(!t.log.join("\n").includes(ticket));

    await issue(t, token);
    t.clock.advance(60 * SECOND_MS);
    const at = t.clock.now();
    equal(await deleteOld(t.sql, "tickets", at), 1);
    deepEqual([...await t.sql`select 1 from tickets`], []);
  }));
