/**
 * A server that only stores: as the bare one, but a send is answered once it is committed in a group with
 * others, the mark of its pair moved, and other processes told. `grouped_service.ts <database>`.
 */

import { connect } from "../../db/connection/database.ts";
import { createGroupCommit } from "../../services/group_commit.ts";
import { type Person, serve } from "./serving.ts";

interface Text {
  conversation_id: number;
  sender_id: number;
  message: string;
  client_id: string;
}

interface Change {
  from: Person;
  to: Person;
  isAccepted: boolean;
}

/** Group sizes of the service. */
const TEXTS_MAX = 128;
const CHANGES_MAX = 64;
const BATCHES_MAX = 2;

const sql = connect(Deno.args[0]!, { max: BATCHES_MAX });
const conversationIds = new Map<string, number>();

const texts = createGroupCommit<Text, number>({ run: store, jobsMax: TEXTS_MAX, batchesMax: BATCHES_MAX });
const changes = createGroupCommit<Change, void>({
  run: commit,
  jobsMax: CHANGES_MAX,
  batchesMax: BATCHES_MAX,
});

/** As insert_marked.sql, without the mark of what was delivered. */
async function store(texts: Text[]): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    with stored as (
      insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
      select v.id, nextval('message_ids'), sender_id, 'text', body, client_id, now()
      from unnest(
        ${texts.map(({ conversation_id }) => conversation_id)}::bigint[],
        ${texts.map(({ sender_id }) => sender_id)}::bigint[],
        ${texts.map(({ message }) => message)}::text[],
        ${texts.map(({ client_id }) => client_id)}::text[]
      ) with ordinality as text (conversation_id, sender_id, body, client_id, ord)
      join conversations v on v.id = conversation_id
      where low_intent = 'want' and high_intent = 'want'
      order by ord
      returning id, conversation_id
    ), sent as (
      update conversations v
      set low_sent_id = greatest(low_sent_id, newest.id), last_message_at = now(), changed_at = now()
      from (select conversation_id, max(id) as id from stored group by conversation_id) as newest
      where v.id = newest.conversation_id
    ), told as (
      select pg_notify('bench', string_agg(id::text, ' ')) from stored
    )
    select id
    from stored
    cross join (select count(*) from told) as all_told`;
  return rows.map(({ id }) => id);
}

/** As roster.sql with `told`. */
async function commit(changes: Change[]): Promise<void[]> {
  const pairs = changes.map(({ from, to, isAccepted }) => ({
    low_id: Math.min(from.id, to.id),
    high_id: Math.max(from.id, to.id),
    low_intent: isAccepted || from.id < to.id ? "want" : "none",
    high_intent: isAccepted || from.id > to.id ? "want" : "none",
  }));
  await sql`
    with pair as (
      insert into conversations (low_id, high_id, low_intent, high_intent, ever_accepted)
      select low_id, high_id, low_intent::intent, high_intent::intent, low_intent = high_intent
      from unnest(
        ${pairs.map(({ low_id }) => low_id)}::bigint[],
        ${pairs.map(({ high_id }) => high_id)}::bigint[],
        ${pairs.map(({ low_intent }) => low_intent)}::text[],
        ${pairs.map(({ high_intent }) => high_intent)}::text[]
      ) as pair (low_id, high_id, low_intent, high_intent)
      order by low_id, high_id
      on conflict (low_id, high_id) do update
      set low_intent = 'want', high_intent = 'want', ever_accepted = true
      returning id, low_id, high_id
    ), listed as (
      insert into contacts (owner_id, peer_id, conversation_id, changed_at)
      select low_id, high_id, id, now() from pair
      union all
      select high_id, low_id, id, now() from pair
      on conflict (owner_id, peer_id) do update set changed_at = excluded.changed_at
    )
    select pg_notify('bench', ${pairs.map(({ low_id, high_id }) => `${low_id} ${high_id}`).join(" ")})`;
  return changes.map(() => {});
}

async function meet(people: Person[]): Promise<void> {
  const rows = await sql<{ id: number; low_id: number; high_id: number }[]>`
    select id, low_id, high_id
    from conversations
    where low_id = any(${people.map(({ id }) => id)}::bigint[])`;
  for (const { id, low_id, high_id } of rows) conversationIds.set(`${low_id} ${high_id}`, id);
}

serve({
  send: (from, to, text) =>
    texts.add({ ...text, sender_id: from.id, conversation_id: conversationIds.get(`${from.id} ${to.id}`)! }),
  change: (from, to, isAccepted) => changes.add({ from, to, isAccepted }),
  meet,
});
