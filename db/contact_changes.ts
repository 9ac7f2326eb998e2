// Changing what pairs of people want of each other, many pairs in one statement, which locks them and writes only if
// everything is still as it was seen (`findPairs`). Rows are found by arrays and one by one, never by joining a
// whole table: a plan that was made while that was small is kept when it has grown.

import { type BucketUse, takenOf } from "./buckets.ts";
import type { Sql } from "./connection/database.ts";
import { CHANNEL } from "./notify.ts";
import type { Intents } from "./pairs.ts";

/** The ids of two people, the lower first. */
export interface PairKey {
  low_id: number;
  high_id: number;
}

/** What the two are to want; no id where they never had to do with each other. */
export interface PairChange extends PairKey, Intents {
  id: number | null;
  before: Intents | null;
}

/** What an owner's list has of a peer from now on: his row, touched, or none. */
export interface Listing {
  owner_id: number;
  peer_id: number;
  is_shown: boolean;
}

/** A name that an owner gives to somebody on his list. */
export interface Naming {
  owner_id: number;
  peer_id: number;
  display_name: string;
}

/** All that a batch writes. */
export interface Changes {
  pairs: PairChange[];
  /** Pairs that are there and stay as they are, but are locked as well, for what is written of their lists afterwards. */
  held: number[];
  listings: Listing[];
  /** Users who were seen to be invited only; the completion of their signup waits for us, or we for it. */
  invited: number[];
  /** In the order of their keys. */
  uses: BucketUse[];
  /** What other processes are told. */
  payloads: string[];
}

/**
 * Writes pairs, the lists of both sides and what it took of limits, and tells the other processes. False when somebody else
 * has changed meanwhile what was seen: then nothing is written, and a transaction that it is part of has to be undone.
 *
 * Locks are taken in one order everywhere: pairs in the order of their ids as sends do, users, buckets in the order of their
 * keys. Of a pair that is made both have to be there, which the table itself sees to (`undo_for_deleted`): an account that is
 * being deleted looks for its pairs once.
 * The intents are compared in the rows that were locked, because others would be as they were before the wait.
 */
export async function writeChanges(
  sql: Sql,
  { pairs, held, listings, invited, uses, payloads }: Changes,
  now: Date,
): Promise<boolean> {
  const ids = pairs.flatMap(({ id }) => id ?? []);
  const shown = listings.filter(({ is_shown }) => is_shown);
  const hidden = listings.filter(({ is_shown }) => !is_shown);
  try {
    await sql`
      with wanted as (
        select id, low_id, high_id, low_intent, high_intent, ever_accepted, before
        from jsonb_to_recordset(${json(sql, pairs)}) as wanted (
          id bigint, low_id bigint, high_id bigint,
          low_intent intent, high_intent intent, ever_accepted boolean, before jsonb
        )
      ), locked as materialized (
        select id, low_intent, high_intent, ever_accepted
        from conversations
        where id = any(${[...ids, ...held]}::bigint[])
        order by id
        for no key update
      ), changed as (
        update conversations v
        set low_intent = wanted.low_intent,
          high_intent = wanted.high_intent,
          ever_accepted = wanted.ever_accepted,
          changed_at = clock_timestamp()
        from wanted
        join locked on locked.id = wanted.id
          and locked.low_intent = (before ->> 'low_intent')::intent
          and locked.high_intent = (before ->> 'high_intent')::intent
          and locked.ever_accepted = (before ->> 'ever_accepted')::boolean
        where v.id = wanted.id and v.id = any(${ids}::bigint[])
        returning v.id, v.low_id, v.high_id
      ), made as (
        insert into conversations (low_id, high_id, low_intent, high_intent, ever_accepted)
        select low_id, high_id, low_intent, high_intent, ever_accepted
        from wanted
        where id is null
        order by low_id, high_id
        on conflict (low_id, high_id) do nothing
        returning id, low_id, high_id
      ), pair as (
        select id, low_id, high_id from changed
        union all
        select id, low_id, high_id from made
      ), waiting as materialized (
        select id
        from users
        where id = any(${invited}::bigint[]) and status = 'invited'
        order by id
        for share
      ), ${takenOf(sql, uses, now)}, listed as (
        insert into contacts (owner_id, peer_id, conversation_id, changed_at)
        select owner_id, peer_id, pair.id, ${now}
        from jsonb_to_recordset(${json(sql, shown)}) as shown (owner_id bigint, peer_id bigint)
        join pair on pair.low_id = least(owner_id, peer_id) and pair.high_id = greatest(owner_id, peer_id)
        order by owner_id, peer_id
        on conflict (owner_id, peer_id) do update
        set changed_at = excluded.changed_at
      )${hidden.length === 0 ? sql`` : sql`, ${removedOf(sql, hidden)}`}, told as (
        select pg_notify(${CHANNEL}, payload)
        from unnest(${payloads}::text[]) as payload
      )
      select undo_unless(
          (select count(*) from pair) = ${pairs.length}
          and (select count(*) from locked) = ${ids.length + held.length}
          and (select count(*) from waiting) = ${invited.length}
          and not exists (select from taken where is_over)
        ),
        (select count(*) from told) as told`;
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === OVERTAKEN) return false;
    throw error;
  }
}

/** What `undo_unless` raises, here and where a pair is made. */
const OVERTAKEN = "PT001";

/** Rows go off lists; most batches have none. */
function removedOf(sql: Sql, hidden: Listing[]) {
  return sql`removed as (
    delete from contacts c
    using jsonb_to_recordset(${json(sql, hidden)}) as hidden (owner_id bigint, peer_id bigint)
    where c.owner_id = hidden.owner_id and c.peer_id = hidden.peer_id
      and c.owner_id = any(${hidden.map(({ owner_id }) => owner_id)}::bigint[])
      and c.peer_id = any(${hidden.map(({ peer_id }) => peer_id)}::bigint[])
  )`;
}

/** Sets owners' names for people on their lists; answers with those that were not that already. */
export async function nameContacts(sql: Sql, namings: Naming[]): Promise<Omit<Naming, "display_name">[]> {
  if (namings.length === 0) return [];
  return await sql<Omit<Naming, "display_name">[]>`
    update contacts c
    set display_name = named.display_name
    from unnest(
      ${namings.map(({ owner_id }) => owner_id)}::bigint[],
      ${namings.map(({ peer_id }) => peer_id)}::bigint[],
      ${namings.map(({ display_name }) => display_name)}::text[]
    ) as named (owner_id, peer_id, display_name)
    where c.owner_id = named.owner_id and c.peer_id = named.peer_id and c.display_name <> named.display_name
      and c.owner_id = any(${namings.map(({ owner_id }) => owner_id)}::bigint[])
      and c.peer_id = any(${namings.map(({ peer_id }) => peer_id)}::bigint[])
    returning c.owner_id, c.peer_id`;
}

/** Rows as one value: an array for each of their columns costs the client more. */
function json(sql: Sql, rows: object[]) {
  return sql.json(rows as never);
}
