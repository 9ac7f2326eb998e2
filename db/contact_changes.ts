// Changes the intents of pairs, many in one statement, which locks them and writes only if everything still
// is as `findPairs` read it. Rows are found by arrays and one by one, never by joining a whole table: a plan
// made while a table is small is kept when it has grown.

import { type BucketUse, takenOf } from "./buckets.ts";
import type { Sql } from "./connection/database.ts";
import { CHANNEL } from "./notify.ts";
import type { Intents } from "./pairs.ts";

/** The ids of two people, the lower first. */
export interface PairKey {
  low_id: number;
  high_id: number;
}

/** The new intents of a pair. `id` and `before` are null if there is no pair yet. */
export interface PairChange extends PairKey, Intents {
  id: number | null;
  before: Intents | null;
}

/** An entry of an owner's list: the peer's row is created or touched if `is_shown`, else removed. */
export interface Listing {
  owner_id: number;
  peer_id: number;
  is_shown: boolean;
}

/** A name that an owner gives to a contact. */
export interface Naming {
  owner_id: number;
  peer_id: number;
  display_name: string;
}

/** Everything that a batch writes. */
export interface Changes {
  pairs: PairChange[];
  /** Ids of pairs that are locked but not changed, because something is written to their lists afterwards. */
  held: number[];
  listings: Listing[];
  /**
   * Ids of users that were read as `invited`. A share lock makes sure that they still are: they cannot
   * complete a sign-up until this commits.
   */
  invited: number[];
  /** Ordered by key. */
  uses: BucketUse[];
  /** Payloads for other processes. */
  payloads: string[];
}

/**
 * Writes pairs, the lists of both sides and the uses of limits, and notifies other processes. Returns false
 * if somebody else has changed what was read; then nothing is written, and a surrounding transaction has to
 * be rolled back.
 *
 * Locks are taken in the same order everywhere: pairs by id, as sends do, then users, then buckets by key.
 * Both users of a new pair have to exist, which a trigger checks (`undo_for_deleted`): the deletion of an
 * account looks for its pairs only once.
 *
 * The intents are compared in the locked rows: other rows would be read as of before the wait for the lock.
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

/** The SQLSTATE that `undo_unless` raises, here and when a pair is created. */
const OVERTAKEN = "PT001";

/** Removes rows from lists; most batches have none to remove. */
function removedOf(sql: Sql, hidden: Listing[]) {
  return sql`removed as (
    delete from contacts c
    using jsonb_to_recordset(${json(sql, hidden)}) as hidden (owner_id bigint, peer_id bigint)
    where c.owner_id = hidden.owner_id and c.peer_id = hidden.peer_id
      and c.owner_id = any(${hidden.map(({ owner_id }) => owner_id)}::bigint[])
      and c.peer_id = any(${hidden.map(({ peer_id }) => peer_id)}::bigint[])
  )`;
}

/** Sets the names that owners give to contacts; returns those that changed. */
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

/** Passes rows as one JSON value: an array per column costs the client more. */
function json(sql: Sql, rows: object[]) {
  return sql.json(rows as never);
}
