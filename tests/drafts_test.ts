// Storing a single text, which has a statement of its own, and storing it among others.

import type { Sql } from "../db/connection/database.ts";
import { type Draft, type DraftOutcome, storeDrafts } from "../db/drafts.ts";
import { CHANNEL } from "../db/notify.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { untilWaiting } from "./locks.ts";
import { eventually, type TestApp, withApp } from "./support.ts";

const NOW = new Date("2026-11-27T12:00:00.000Z");
const AT = { now: NOW, origin: "now" };
const LATER = new Date("2026-11-27T12:00:07.000Z");

interface Case {
  what: string;
  from?: "low" | "high";
  /** The intents of the two. */
  low?: "none" | "want" | "refuse";
  high?: "none" | "want" | "refuse";
  lastMessageAt?: Date;
  client_id?: string | null;
  /** Whether it is already stored under the same client_id. */
  isRepeated?: boolean;
}

const CASES: Case[] = [
  { what: "a text of the lower id" },
  { what: "a text of the higher id", from: "high" },
  { what: "a text without a client_id", client_id: null },
  { what: "a text behind one that is newer by another clock", lastMessageAt: LATER },
  { what: "a repeated text", isRepeated: true },
  { what: "a text to who refuses", high: "refuse" },
  { what: "a text to whom I refuse, who wrote before", low: "refuse", lastMessageAt: LATER },
  { what: "a text to who was only asked", high: "none" },
];

let phones = 14_155_550_200;

/** Creates two people and their pair as in the case. */
async function makePair({ sql }: TestApp, { low = "want", high = "want", lastMessageAt }: Case) {
  const people = await sql<{ id: number }[]>`
    insert into users (phone_number, status, created_at)
    values (${`+${phones += 1}`}, 'active', ${NOW}), (${`+${phones += 1}`}, 'active', ${NOW})
    returning id`;
  const [low_id, high_id] = people.map(({ id }) => id).sort((one, other) => one - other);
  const [pair] = await sql<{ id: number }[]>`
    insert into conversations (low_id, high_id, low_intent, high_intent, ever_accepted, last_message_at)
    values (${low_id!}, ${high_id!}, ${low}, ${high}, ${low !== "none" && high !== "none"}, ${
    lastMessageAt ?? null
  })
    returning id`;
  return { id: pair!.id, low: low_id!, high: high_id! };
}

type PairOfTwo = Awaited<ReturnType<typeof makePair>>;

function draftOf(pair: PairOfTwo, { from = "low", client_id = "the same" }: Case): Draft {
  return {
    conversation_id: pair.id,
    sender_id: pair[from],
    peer_id: pair[from === "low" ? "high" : "low"],
    message_type: "text",
    message: "Hello \u{1f44b}",
    media_content_id: null,
    client_id,
    announcement: `[${pair.id},`,
  };
}

/** The rows that are stored, with names in place of ids, which differ each time. */
async function lookAt({ sql }: TestApp, pair: PairOfTwo) {
  const messages = await sql`select * from messages where conversation_id = ${pair.id}`;
  const [row] = await sql`
    select low_intent, high_intent, last_message_at, low_sent_id, high_sent_id, low_delivered_id, high_delivered_id
    from conversations
    where id = ${pair.id}`;
  const [id] = messages.map((message) => message.id);
  const names = new Map([[pair.low, "low"], [pair.high, "high"], [id, "message"]]);
  const named = (fields: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, names.get(value as number) ?? value]),
    );
  const rows = [...messages.map(({ conversation_id: _, ...message }) => message), row!];
  return { id, named, rows: rows.map(named) };
}

async function check(t: TestApp, one: Case, others: Draft[], told: Set<string>) {
  const pair = await makePair(t, one);
  const draft = draftOf(pair, one);
  if (one.isRepeated) await storeDrafts(t.sql, [draft], { now: NOW, origin: "before" });
  const outcomes = await storeDrafts(t.sql, [...others, draft], AT);
  equal(outcomes.length, others.length + 1);
  const { stored_id, sent_at, pair: seen, media } = outcomes.at(-1)!;
  const { id, named, rows } = await lookAt(t, pair);
  const isTold = () =>
    [...told].some((payload) => payload.startsWith("now") && payload.includes(`${draft.announcement}${id}]`));
  if (stored_id === null) equal(isTold(), false, one.what);
  else await eventually(isTold);
  const outcome = named({ stored_id, sent_at, media });
  return { outcome, seen: seen && named({ ...seen, id: undefined, sent_at: undefined }), rows };
}

Deno.test("storeDrafts() stores and announces a single text as it does one among others", () =>
  withApp(async (t) => {
    const told = new Set<string>();
    const listening = await t.sql.listen(CHANNEL, (payload) => void told.add(payload));
    const filler = await makePair(t, { what: "somebody else's" });
    let nth = 0;
    for (const one of CASES) {
      const other = draftOf(filler, { what: "", client_id: `other ${nth += 1}` });
      const alone = await check(t, one, [], told);
      deepEqual(alone, await check(t, one, [other], told), one.what);
      const isStored = one.isRepeated || (one.low ?? "want") === "want" && (one.high ?? "want") === "want";
      equal(alone.rows.length, isStored ? 2 : 1, one.what);
      ok(one.isRepeated || isStored === (alone.outcome.stored_id === "message"), one.what);
      if (isStored && one.lastMessageAt) deepEqual(alone.outcome.sent_at, LATER);
    }
    await listening.unlisten();
  }));

Deno.test("storeDrafts() judges a text, alone and among others, by the state of its pair when it gets the lock", () =>
  withApp(async (t) => {
    const filler = await makePair(t, { what: "somebody else's" });
    const other = draftOf(filler, { what: "", client_id: null });
    for (const others of [[], [other]]) {
      const parted = await storeLate(
        t,
        others,
        (sql, { id }) => sql`update conversations set high_intent = 'refuse' where id = ${id}`,
      );
      deepEqual([parted.stored_id, parted.pair!.high_intent], [null, "refuse"]);

      let before = 0;
      const second = await storeLate(t, others, async (sql, pair) => {
        const [first] = await storeDrafts(sql, [draftOf(pair, { what: "", client_id: "first" })], AT);
        before = first!.stored_id!;
      });
      ok(second.stored_id! > before);

      const repeated = await storeLate(
        t,
        others,
        (sql, pair) => storeDrafts(sql, [draftOf(pair, { what: "" })], AT),
      );
      deepEqual([repeated.stored_id, repeated.pair!.high_intent], [null, "want"]);
    }
  }));

Deno.test("storeDrafts() stores nothing in a conversation that is gone or is other people's, and everything beside it", () =>
  withApp(async (t) => {
    const filler = await makePair(t, { what: "somebody else's" });
    const [gone, ours] = [await makePair(t, { what: "" }), await makePair(t, { what: "" })];
    await t.sql`delete from conversations where id = ${gone.id}`;
    const between = draftOf(filler, { what: "", client_id: null });
    for (
      const lost of [draftOf(gone, { what: "" }), {
        ...draftOf(gone, { what: "" }),
        conversation_id: ours.id,
      }]
    ) {
      const [alone] = await storeDrafts(t.sql, [lost], AT);
      deepEqual([alone!.stored_id, alone!.pair], [null, null]);
      const [first, among, last] = await storeDrafts(t.sql, [between, lost, between], AT);
      deepEqual([among!.stored_id, among!.pair], [null, null]);
      ok(first!.stored_id! < last!.stored_id!);
    }
    const rows = await t.sql`select conversation_id from messages`;
    deepEqual(rows.map(({ conversation_id }) => conversation_id), Array(4).fill(filler.id));
  }));

/** Stores a text that waits while another transaction locks and changes its pair. */
async function storeLate(
  t: TestApp,
  others: Draft[],
  change: (sql: Sql, pair: PairOfTwo) => Promise<unknown>,
): Promise<DraftOutcome> {
  const pair = await makePair(t, { what: "" });
  let stored: Promise<DraftOutcome[]>;
  await t.sql.begin(async (sql) => {
    await sql`select from conversations where id = ${pair.id} for no key update`;
    stored = storeDrafts(t.sql, [...others, draftOf(pair, { what: "" })], AT);
    await untilWaiting(t);
    await change(sql, pair);
  });
  return (await stored!).at(-1)!;
}
