import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { type Arena, costsPer1000, repeat, type Scenario, withService } from "../arena.ts";
import type { BenchDatabase } from "../cluster.ts";
import { percentile, ratio } from "../figures.ts";
import { type Connection, json, openConnection, request } from "../http.ts";
import { putUnderLoad, type Work } from "../load.ts";
import { takeFloor } from "../pgbench.ts";
import { makePairs } from "../sending.ts";

const PAIRS = 128;
const MESSAGES_EACH = 300;
const IN_FLIGHT = 16;
const COUNT = 100;
const ABOVE_ALL = Number.MAX_SAFE_INTEGER;

/**
 * The newest hundred messages of threads that have more, by connections that read one after another: as
 * clients fetch them at every hint, and, as `older`, as a page before a message, which the service does not
 * cache.
 */
export const history: Scenario = {
  name: "history",
  target: 4,
  what: `latest ${COUNT} messages, ${IN_FLIGHT} in flight`,
  goals: { times_select_floor: { atLeast: 0.5 } },
  run: (arena: Arena) =>
    withService(arena, async (service, database) => {
      const pairs = await makePairs(database, PAIRS);
      await fillThreads(database);
      const connections = await Promise.all(Array.from({ length: IN_FLIGHT }, () => openConnection(service)));
      const newest = await openPages(database, { connections, pairs, query: "" });
      const older = await openPages(database, { connections, pairs, query: `&before=${ABOVE_ALL}` });
      const figures = await repeat(arena.size.runs, async () => {
        const variables = { pairs: PAIRS };
        const options = { clients: IN_FLIGHT, seconds: arena.size.seconds, variables };
        const floorPerS = await takeFloor(arena.pgbench, database, "latest_100", options);
        const load = await putUnderLoad(arena, [service], newest);
        const olderLoad = await putUnderLoad(arena, [service], older);
        const perS = load.operations / load.seconds;
        const olderPerS = olderLoad.operations / olderLoad.seconds;
        return {
          pages_per_s: perS,
          select_floor_per_s: floorPerS,
          times_select_floor: ratio(perS, floorPerS),
          p50_ms: percentile(load.latenciesMs, 0.5),
          p99_ms: percentile(load.latenciesMs, 0.99),
          ...costsPer1000(...load.costs, load.operations),
          older_pages_per_s: olderPerS,
          older_times_select_floor: ratio(olderPerS, floorPerS),
        };
      });
      connections.forEach((connection) => connection.close());
      return figures;
    }),
};

/**
 * Workers that request pages of all threads in turn. Every page has been checked once and is then recognised
 * by its length.
 */
async function openPages(
  database: BenchDatabase,
  { connections, pairs, query }: {
    connections: Connection[];
    pairs: Awaited<ReturnType<typeof makePairs>>;
    query: string;
  },
): Promise<Work[]> {
  const requests = pairs.map(({ from, to }) =>
    request(`GET /api/messages/${to.phone}?count=${COUNT}${query}`, { token: from.token })
  );
  const lengths: number[] = [];
  for (const [place, bytes] of requests.entries()) {
    lengths.push(await checkPage(database, connections[0]!, bytes, pairs[place]!.conversationId));
  }
  let next = 0;
  return connections.map((connection) => ({
    async operate() {
      const place = next++ % PAIRS;
      const { status, body } = await connection.ask(requests[place]!);
      equal(status, 200);
      equal(body.length, lengths[place], "a page is not the one that was checked");
    },
  }));
}

/** Fills the threads: both sides have written in turn, and everything is seen. */
async function fillThreads({ sql }: BenchDatabase): Promise<void> {
  await sql`
    insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
    select v.id, nextval('message_ids'), case when n % 2 = 0 then low_id else high_id end, 'text',
      'Hello, it is me, for the ' || n || 'th time', 'fill-' || n, now()
    from generate_series(1, ${MESSAGES_EACH}) as n
    cross join conversations v`;
  await sql`
    update conversations
    set low_sent_id = last_id, high_sent_id = last_id, low_delivered_id = last_id, high_delivered_id = last_id,
      low_seen_text_id = last_id, high_seen_text_id = last_id, last_message_at = now()
    from (select conversation_id, max(id) as last_id from messages group by conversation_id) as newest
    where id = conversation_id`;
  await sql`vacuum analyze messages`;
}

/** Asserts that the page equals the database; returns its length, by which later ones are recognised. */
async function checkPage(
  { sql }: BenchDatabase,
  connection: Connection,
  bytes: Uint8Array,
  conversationId: number,
): Promise<number> {
  const reply = await connection.ask(bytes);
  equal(reply.status, 200);
  const page = json(reply) as { messages: { id: number; message: string }[]; has_more: boolean };
  const rows = await sql<{ id: number; message: string }[]>`
    select id, body as message
    from messages
    where conversation_id = ${conversationId}
    order by id desc
    limit ${COUNT}`;
  deepEqual(page.messages.map(({ id, message }) => ({ id, message })), [...rows]);
  equal(page.has_more, true);
  return reply.body.length;
}
