import fc from "fast-check";
import { deepEqual, equal, ok } from "./assert.ts";

import { connect } from "../db/connection/database.ts";
import { listen, type Listener } from "../db/notify.ts";
import { createBus, createProcessName, decode } from "../services/events/bus.ts";
import type { Event } from "../services/events/events.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { ANN, BOB, eventually, type TestApp, withApp } from "./support.ts";

const LARGEST_ID = Number.MAX_SAFE_INTEGER;
const LONGEST_NUMBER = "+123456789012345";
/** PostgreSQL refuses payloads of this size. */
const PAYLOAD_BYTES_REFUSED = 8_000;

/** The origin of another process. */
const OTHER = "0".repeat(16);

/** Collects all payloads that are sent on a database, whatever their origin. */
async function withEar(
  { address }: TestDatabase,
  run: (heard: string[]) => Promise<void>,
): Promise<void> {
  const heard: string[] = [];
  let listener: Listener | null = null;
  try {
    listener = await listen(address, {
      onPayload: (payload) => void heard.push(payload),
      onGap: () => Promise.resolve(),
    });
    await run(heard);
  } finally {
    await listener?.close();
  }
}

const plain = { noNullPrototype: true };
const event = fc.oneof(
  fc.record({ to: fc.maxSafeNat(), event: fc.constant("contacts_updated" as const) }, plain),
  fc.record({
    to: fc.constant(LARGEST_ID),
    event: fc.constant("messages_updated" as const),
    sender: fc.constant(LONGEST_NUMBER),
    delivery: fc.record({
      conversation_id: fc.constant(LARGEST_ID),
      message_id: fc.maxSafeNat(),
      sender_id: fc.constant(LARGEST_ID),
    }, plain),
  }, plain),
);

Deno.test("announce() sends other processes every event of a transaction, packed into payloads that PostgreSQL accepts", async () => {
  const database = await createTestDatabase({ empty: true });
  const pool = connect(database.address, { max: 1 });
  const bus = createBus(createProcessName(), () => {});
  try {
    await withEar(database, async (heard) => {
      await fc.assert(
        fc.asyncProperty(fc.array(event, { maxLength: 200, size: "max" }), async (events) => {
          heard.length = 0;
          await pool.begin((sql) => bus.announce(sql, events as Event[]));
          const bytes = () => heard.flatMap((payload) => decode(payload) ?? []).length;
          await eventually(() => equal(bytes(), events.length));

          deepEqual(heard.flatMap((payload) => decode(payload) ?? []), events);
          ok(heard.every((payload) => payload.length < PAYLOAD_BYTES_REFUSED));
          ok(heard.length <= Math.ceil(JSON.stringify(events).length / 7_000));
        }),
        { numRuns: 25 },
      );
    });
  } finally {
    await pool.end();
    await database.drop();
  }
});

Deno.test("announce() sends nothing for a transaction that was rolled back", async () => {
  const database = await createTestDatabase({ empty: true });
  const pool = connect(database.address, { max: 1 });
  const bus = createBus(createProcessName(), () => {});
  try {
    await withEar(database, async (heard) => {
      await pool.begin(async (sql) => {
        await bus.announce(sql, [{ to: 1, event: "contacts_updated" }]);
        throw new Error("Rolled back");
      }).catch(() => {});
      await pool.begin((sql) => bus.announce(sql, [{ to: 2, event: "contacts_updated" }]));

      await eventually(() => equal(heard.length, 1));
      deepEqual(decode(heard[0]!), [{ to: 2, event: "contacts_updated" }]);
    });
  } finally {
    await pool.end();
    await database.drop();
  }
});

Deno.test("receive() handles announcements of other processes, and of its own only those begun before an unknown outcome", () => {
  const heard: string[] = [];
  const name = createProcessName();
  const bus = createBus(
    name,
    ({ to }) => heard.push(`own ${to}`),
    ({ to }) => heard.push(`others' ${to}`),
  );
  const other = createBus(createProcessName(), () => {});
  const payloads = (from: typeof bus, to: number) => from.payloadsOf([{ to, event: "contacts_updated" }]);
  const receive = (payload: string) => equal(bus.receive(payload), true);

  const [first, theirs] = [payloads(bus, 1), payloads(other, 2)];
  [...first, ...theirs].forEach(receive);
  deepEqual(heard.splice(0), ["others' 2"]);

  bus.noteUnknownOutcome();
  const second = payloads(bus, 3);
  [...first, ...second].forEach(receive);
  deepEqual(heard.splice(0), ["own 1"]);

  for (let times = 0; times < 50; times++) bus.noteUnknownOutcome();
  [...first, ...second, ...payloads(bus, 4)].forEach(receive);
  deepEqual(heard, ["own 1", "own 3"]);
  equal(bus.receive(`${other.origin}{`), false);
});

Deno.test("an announcement of an unknown kind from another process makes all clients of this process fetch again", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const socket = await t.socket(token);
    const known = JSON.stringify({ to: 0, event: "contacts_updated" });
    for (const unknown of ['{"event":"renamed","to":1}', "[1,2,3]", "null", "{"]) {
      equal(decode(`${OTHER}${known},${unknown}`), null);
      socket.forget();
      await t.sql`select pg_notify('puffintalk', ${`${OTHER}${known},${unknown}`})`;
      await eventually(() => socket.told().includes("contacts_updated"));
    }
  }));

/** Two friends whose ids and numbers, and whose messages' ids, have the greatest length. */
async function longestFriends(t: TestApp) {
  await t.sql`select setval('users_id_seq', ${LARGEST_ID - 1_000})`;
  await t.sql`select setval('conversations_id_seq', ${LARGEST_ID - 1_000})`;
  await t.sql`select setval('message_ids', ${LARGEST_ID - 1_000})`;
  const one = await t.signUp(ANN);
  const other = await t.signUp(BOB);
  await t.befriend(one, other);
  for (const [phone, longest] of [[ANN, LONGEST_NUMBER], [BOB, "+123456789012346"]] as const) {
    await t.sql`update users set phone_number = ${longest} where phone_number = ${phone}`;
  }
  // Outdates the cached sessions, which have the old numbers.
  t.clock.advance(60_000);
  const actors = await Promise.all([one, other].map(({ token }) => t.services.sessions.authenticate(token)));
  return actors.map((actor, place) => ({ ...actor, token: [one, other][place]!.token }));
}

Deno.test("a full batch of sends, and one of marks, with the longest ids and numbers makes payloads that PostgreSQL accepts", () =>
  withApp(async (t) => {
    const [one, other] = await longestFriends(t);
    await withEar(t.database, async (heard) => {
      const send = (text: string) =>
        t.services.messages.send(one!, {
          phone: other!.phone_number,
          message_type: "text",
          message: text,
          media_content_id: null,
          client_id: text,
        });
      // The first two batches hold at most 256, so a full batch of 128 waits behind them.
      const sent = await Promise.all(Array.from({ length: 400 }, (_, place) => send(`text ${place}`)));
      const events = () => heard.flatMap((payload) => decode(payload) ?? []);
      await eventually(() => equal(events().length, 800));

      const told = events().flatMap((event) => "delivery" in event ? [event.delivery!.message_id] : []);
      deepEqual(new Set(told), new Set(sent.map(({ id }) => id)));
      ok(heard.every((payload) => payload.length < PAYLOAD_BYTES_REFUSED), "Too long");
      ok(heard.length < 40, `Packed badly: ${heard.length} payloads`);

      heard.length = 0;
      const [thread] = await t.sql`select id as conversation_id from conversations`;
      const of = { conversation_id: thread!.conversation_id, peer_id: one!.user_id };
      // One batch of 256 marks that all move. PostgreSQL merges equal payloads: one with 24 moves arrives,
      // and the last with 16.
      const ids = sent.map(({ id }) => id).toSorted((a, b) => a - b).slice(0, 256);
      await Promise.all(ids.map((id) => t.services.marks.delivered(other!, of, one!.phone_number, id)));
      await eventually(() => equal(events().length, 2 * (24 + 16)));

      ok(heard.every((payload) => payload.length < PAYLOAD_BYTES_REFUSED));
      const [side] = await t
        .sql`select greatest(low_delivered_id, high_delivered_id) as delivered from conversations`;
      equal(side!.delivered, ids.at(-1));
    });
  }));

Deno.test("deliver() goes on with the other events when one cannot be handled", () => {
  const heard: number[] = [];
  const bus = createBus(createProcessName(), ({ to }) => {
    if (to === 2) throw new Error("A socket that fails");
    heard.push(to);
  });

  bus.deliver([1, 2, 3].map((to) => ({ to, event: "contacts_updated" })));

  deepEqual(heard, [1, 3]);
});
