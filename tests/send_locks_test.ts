// Races that parallel tests meet only by chance: a send waits for the lock of its conversation while another
// transaction changes what it depends on.

import { deepEqual, equal, ok } from "./assert.ts";

import type { Sql } from "../db/connection/database.ts";
import { untilWaiting } from "./locks.ts";
import {
  ANN,
  type Answer,
  BOB,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

/** Friends whose thread the service has cached, so that the next send goes directly to its statement. */
async function talkingFriends(t: TestApp): Promise<[Person, Person]> {
  const [ann, bob] = await friends(t);
  succeeded(await t.send(ann, bob, "first"));
  return [ann, bob];
}

/** Starts a call while a transaction locks the only conversation; makes a change once the call is waiting. */
async function whileHeld<T>(
  t: TestApp,
  call: () => Promise<T>,
  change: (sql: Sql) => Promise<unknown>,
): Promise<T> {
  let called: Promise<T>;
  await t.sql.begin(async (sql) => {
    await sql`select from conversations for no key update`;
    called = call();
    await untilWaiting(t);
    await change(sql);
  });
  return await called!;
}

/** Stores a message as another process does, in the transaction that holds the lock. */
async function store(sql: Sql, body: string, clientId: string | null): Promise<number> {
  const [row] = await sql<{ id: number }[]>`
    insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
    select c.id, nextval('message_ids'), u.id, 'text', ${body}, ${clientId}, now()
    from conversations c, users u
    where u.phone_number = ${ANN}
    returning id`;
  return row!.id;
}

function idOf(answer: Answer): number {
  succeeded(answer);
  return answer.body.messages[0].id;
}

Deno.test("a send that waited for a delete comes after it and is refused", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    const answer = await whileHeld(t, () =>
      t.send(ann, bob, "late"), (sql) =>
      sql`update conversations set low_intent = 'refuse'`);

    refused(answer, 403, "not_friends");
    const [row] = await t.sql`select count(*)::int as count from messages`;
    equal(row!.count, 1);
  }));

Deno.test("a send that waited for a reconciliation comes after it and is stored", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    await t.sql`update conversations set low_intent = 'refuse'`;
    const answer = await whileHeld(t, () =>
      t.send(ann, bob, "late"), (sql) =>
      sql`update conversations set low_intent = 'want'`);

    succeeded(answer);
  }));

Deno.test("a send that waited for another has the higher id", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    let before = 0;
    const answer = await whileHeld(
      t,
      () => t.send(ann, bob, "late"),
      async (sql) => before = await store(sql, "before", null),
    );

    ok(idOf(answer) > before);
  }));

Deno.test("a send that waited for one with the same client_id returns the message stored meanwhile", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    let stored = 0;
    const answer = await whileHeld(
      t,
      () => t.send(ann, bob, "hello", { client_id: "one" }),
      async (sql) => stored = await store(sql, "hello", "one"),
    );

    equal(idOf(answer), stored);
  }));

Deno.test("a send that waited for one with the same client_id but another text is refused", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    const answer = await whileHeld(
      t,
      () => t.send(ann, bob, "hello", { client_id: "one" }),
      (sql) => store(sql, "hello!", "one"),
    );

    refused(answer, 409, "client_id_reused");
  }));

Deno.test("a mark that waited never moves back one that another call has advanced meanwhile", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    const first = idOf(await t.send(ann, bob, "second"));
    const last = idOf(await t.send(ann, bob, "third"));
    const read = () => t.call("PUT", "/api/messages/read", { token: bob.token, json: { message_id: first } });
    succeeded(
      await whileHeld(t, read, (sql) =>
        sql`
        update conversations v
        set low_delivered_id = case when u.id = v.low_id then ${last} else low_delivered_id end,
          low_seen_text_id = case when u.id = v.low_id then ${last} else low_seen_text_id end,
          high_delivered_id = case when u.id = v.high_id then ${last} else high_delivered_id end,
          high_seen_text_id = case when u.id = v.high_id then ${last} else high_seen_text_id end
        from users u
        where u.phone_number = ${BOB}`),
    );
    const { body } = await t.call("GET", `/api/messages/${BOB}`, { token: ann.token });

    deepEqual(body.messages.map(({ status }: { status: string }) => status), ["seen", "seen", "seen"]);
  }));

Deno.test("a repeated send returns the message that another process stored while it waited, even if the friendship has ended", () =>
  withApp(async (t) => {
    const [ann, bob] = await talkingFriends(t);
    let stored = 0;
    const again = () => t.send(ann, bob, "once", { client_id: "the same" });
    const answer = await whileHeld(t, again, async (sql) => {
      stored = await store(sql, "once", "the same");
      await sql`update conversations set low_intent = 'refuse'`;
    });

    equal(idOf(answer), stored);
  }));
