// Changing what pairs of people want of each other: many pairs in one statement. Rows are found by arrays and one by one,
// never by joining a whole table: a plan that was made while that was small is kept when it has grown.

import type { Intent } from "./conversations.ts";
import type { Sql } from "./database.ts";

/** The ids of two people, the lower first. */
export interface PairKey {
  low_id: number;
  high_id: number;
}

/** What the two want; no id where they never had to do with each other. */
export interface PairState extends PairKey {
  id: number | null;
  low_intent: Intent;
  high_intent: Intent;
  ever_accepted: boolean;
}

/** What an owner's list has of a peer from now on: his row, touched, or none. */
export interface Listing {
  owner_id: number;
  peer_id: number;
  isShown: boolean;
}

/** A name that an owner gives to somebody on his list. */
export interface Naming {
  owner_id: number;
  peer_id: number;
  display_name: string;
}

/**
 * Locks the pairs of users with numbers until the transaction ends, as far as there are any, in the order of their ids as
 * sends do.
 */
export async function lockPairs(
  sql: Sql,
  wanted: { user_id: number; phone: string }[],
): Promise<(PairState & { id: number })[]> {
  return await sql<(PairState & { id: number })[]>`
    select id, low_id, high_id, low_intent, high_intent, ever_accepted
    from conversations
    where id = any(array(
      select v.id
      from unnest(
        ${wanted.map(({ user_id }) => user_id)}::bigint[],
        ${wanted.map(({ phone }) => phone)}::text[]
      ) as wanted (user_id, phone)
      cross join lateral (select id from users where phone_number = wanted.phone limit 1) as u
      cross join lateral (
        select id
        from conversations
        where low_id = least(u.id, wanted.user_id) and high_id = greatest(u.id, wanted.user_id)
        limit 1
      ) as v
    ))
    order by id
    for no key update`;
}

/**
 * Writes pairs that are locked, makes those that are not there, and writes the lists of both sides. False when somebody
 * else made one meanwhile: then the transaction has to be undone.
 */
export async function writeChanges(
  sql: Sql,
  { pairs, listings, now }: { pairs: PairState[]; listings: Listing[]; now: Date },
): Promise<boolean> {
  const shown = listings.filter(({ isShown }) => isShown);
  const hidden = listings.filter(({ isShown }) => !isShown);
  const [written] = await sql<{ pairs: number }[]>`
    with wanted as (
      select *
      from unnest(
        ${pairs.map(({ id }) => id)}::bigint[],
        ${pairs.map(({ low_id }) => low_id)}::bigint[],
        ${pairs.map(({ high_id }) => high_id)}::bigint[],
        ${pairs.map(({ low_intent }) => low_intent)}::text[],
        ${pairs.map(({ high_intent }) => high_intent)}::text[],
        ${pairs.map(({ ever_accepted }) => String(ever_accepted))}::text[]
      ) as wanted (id, low_id, high_id, low_intent, high_intent, ever_accepted)
    ), made as (
      insert into conversations (low_id, high_id, low_intent, high_intent, ever_accepted)
      select low_id, high_id, low_intent::intent, high_intent::intent, ever_accepted::boolean
      from wanted
      where id is null
      order by low_id, high_id
      on conflict (low_id, high_id) do nothing
      returning id, low_id, high_id
    ), changed as (
      update conversations v
      set low_intent = wanted.low_intent::intent,
        high_intent = wanted.high_intent::intent,
        ever_accepted = wanted.ever_accepted::boolean,
        changed_at = clock_timestamp()
      from wanted
      where v.id = wanted.id and v.id = any(${pairs.flatMap(({ id }) => id ?? [])}::bigint[])
      returning v.id, v.low_id, v.high_id
    ), pair as (
      select id, low_id, high_id from made
      union all
      select id, low_id, high_id from changed
    ), listed as (
      insert into contacts (owner_id, peer_id, conversation_id, changed_at)
      select owner_id, peer_id, pair.id, ${now}
      from unnest(
        ${shown.map(({ owner_id }) => owner_id)}::bigint[],
        ${shown.map(({ peer_id }) => peer_id)}::bigint[]
      ) as shown (owner_id, peer_id)
      join pair on pair.low_id = least(owner_id, peer_id) and pair.high_id = greatest(owner_id, peer_id)
      order by owner_id, peer_id
      on conflict (owner_id, peer_id) do update
      set changed_at = excluded.changed_at
    ), removed as (
      delete from contacts c
      using unnest(
        ${hidden.map(({ owner_id }) => owner_id)}::bigint[],
        ${hidden.map(({ peer_id }) => peer_id)}::bigint[]
      ) as hidden (owner_id, peer_id)
      where c.owner_id = hidden.owner_id and c.peer_id = hidden.peer_id
        and c.owner_id = any(${hidden.map(({ owner_id }) => owner_id)}::bigint[])
        and c.peer_id = any(${hidden.map(({ peer_id }) => peer_id)}::bigint[])
    )
    select count(*)::int as pairs from pair`;
  return written!.pairs === pairs.length;
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
