import { strictEqual as equal } from "node:assert/strict";
import type { Sql } from "../../db/connection/database.ts";
import { listContacts } from "../../db/contacts.ts";
import { findThread } from "../../db/conversations.ts";
import { storeDrafts } from "../../db/drafts.ts";
import { moveMarks } from "../../db/marks.ts";
import { listMessages } from "../../db/messages.ts";
import { findLiveSessions } from "../../db/sessions.ts";
import { type Arena, type Scenario } from "../arena.ts";
import type { BenchDatabase } from "../cluster.ts";
import { type Cost, explained, explainedFloor } from "../explain.ts";
import type { Figures } from "../figures.ts";
import { befriend, makePeople } from "../people.ts";

const COUNT = 101;

/** A database, small or grown: its sizes, and the thread and the list of one user. */
interface Grown {
  messages: number;
  users: number;
  thread: number;
  list: number;
}

/** What each hot statement reads and takes for a row, in a small database and in a grown one. */
export const growth: Scenario = {
  name: "growth",
  target: 8,
  what: "buffers and time for a row, grown against small",
  goals: {
    history_buffers_times: { atMost: 1.1 },
    history_time_times: { atMost: 1.3 },
    list_buffers_times: { atMost: 1.1 },
    list_time_times: { atMost: 1.3 },
    send_buffers_times: { atMost: 1.1 },
    send_time_times: { atMost: 1.3 },
  },
  async run({ cluster, size }: Arena) {
    const at = (place: 0 | 1): Grown => ({
      messages: size.growth.messages[place],
      users: size.growth.users[place],
      thread: size.growth.thread[place],
      list: size.growth.list[place],
    });
    const costs: Record<string, Cost>[] = [];
    for (const place of [0, 1] as const) {
      const database = await cluster.createDatabase();
      try {
        costs.push(await measure(database, at(place)));
      } finally {
        await database.drop();
      }
    }
    const [small, grown] = costs as [Record<string, Cost>, Record<string, Cost>];
    const figures: Figures = {};
    for (const [name, cost] of Object.entries(grown)) {
      figures[`${name}_buffers`] = cost.buffers;
      figures[`${name}_buffers_times`] = cost.buffers / small[name]!.buffers;
      figures[`${name}_us`] = cost.ms * 1000;
      figures[`${name}_time_times`] = cost.ms / small[name]!.ms;
    }
    return [figures];
  },
};

/** The cost of each statement of the service for a row returned or written. */
async function measure(database: BenchDatabase, grown: Grown): Promise<Record<string, Cost>> {
  const { sql } = database;
  const people = await makePeople(database, grown.users);
  const me = people[0]!;
  const listed = people.slice(1, grown.list + 1);
  const [peer] = listed;
  const others = people.slice(grown.list + 1);
  const pairs = others.flatMap((one, place) => place % 2 === 1 ? [[others[place - 1]!, one] as const] : []);
  const [thread] = await befriend(database, listed.map((peer) => [me, peer] as const));
  if (pairs.length > 0) await befriend(database, pairs);
  await fill(sql, thread!, grown);

  const cost = (rows: number, statement: (sql: Sql) => Promise<unknown>) => explained(sql, rows, statement);
  const session = `bench${String(me.id).padStart(17, "0")}`;
  const now = new Date();
  const page = { count: COUNT, before: null, after: null };
  equal((await listMessages(sql, thread!, page)).length, COUNT);
  equal((await listContacts(sql, [me.id]))[0]!.length, grown.list);
  return {
    history: await cost(COUNT, (sql) => listMessages(sql, thread!, page)),
    history_floor: await explainedFloor(sql, 100, { script: "latest_100", pair: thread! }),
    list: await cost(grown.list, (sql) => listContacts(sql, [me.id])),
    send: await cost(1, (sql) => {
      const content = { message_type: "text" as const, message: "Hello", media_content_id: null };
      const client_id = crypto.randomUUID();
      const draft = {
        conversation_id: thread!,
        sender_id: me.id,
        peer_id: peer!.id,
        client_id,
        announcement: "[1,",
      };
      return storeDrafts(sql, [{ ...content, ...draft }], { now, origin: "bench" });
    }),
    send_floor: await explainedFloor(sql, 1, { script: "insert", pair: thread! }),
    mark: await cost(1, (sql) => {
      const move = { delivered_to: Number.MAX_SAFE_INTEGER, seen_text_to: 0, seen_media: { from: 1, to: 0 } };
      const whose = { conversation_id: thread!, reader_id: peer!.id, event: { peer: "{}", own: "{}" } };
      return moveMarks(sql, [{ ...move, ...whose }], { now, origin: "bench" });
    }),
    thread: await cost(1, (sql) => findThread(sql, me.id, peer!.phone)),
    session: await cost(1, (sql) => findLiveSessions(sql, [session], now)),
  };
}

/** Fills the database with one long thread, and spreads all other messages over the other conversations. */
async function fill(
  sql: BenchDatabase["sql"],
  thread: number,
  { messages, thread: length }: Grown,
): Promise<void> {
  const [row] = await sql<
    { conversations: number }[]
  >`select count(*)::int as conversations from conversations`;
  const spread = Math.max(row!.conversations - 1, 1);
  await sql.begin(async (sql) => {
    // The service's own planner settings suit queries for a few rows.
    await sql`set local enable_seqscan = on`;
    await sql`set local enable_nestloop = off`;
    await sql`
      insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
      select v.id, nextval('message_ids'), case when n % 2 = 0 then low_id else high_id end, 'text',
        'Hello, it is me, for the ' || digits || 'th time', 'fill-' || digits, now()
      from generate_series(1, ${messages}) as n
      -- As many letters in a large database as in a small one.
      cross join lateral lpad(n::text, 8, '0') as digits
      join conversations v on v.id = case when n % ${Math.max(2, Math.floor(messages / length))} = 0
        then ${thread} else 1 + n % ${spread} end`;
  });
  await sql`
    update conversations
    set low_sent_id = last_id, high_sent_id = last_id, low_delivered_id = last_id, high_delivered_id = last_id,
      low_seen_text_id = last_id, high_seen_text_id = last_id, last_message_at = now()
    from (select conversation_id, max(id) as last_id from messages group by conversation_id) as newest
    where id = conversation_id`;
  await sql`vacuum analyze`;
}
