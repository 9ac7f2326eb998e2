// Reads pairs of people, many in one statement. Rows are looked up one by one, never by joining a whole
// table: a plan made while a table is small is kept when it has grown.

import { levelsOf, type Use } from "./buckets.ts";
import type { Sql } from "./connection/database.ts";
import type { Intent } from "./conversations.ts";
import type { User, UserStatus } from "./users.ts";

export interface Intents {
  low_intent: Intent;
  high_intent: Intent;
  ever_accepted: boolean;
}

/** The intents of both sides, and the id up to which the other one has received what the asking user sent. */
export interface PairState extends Intents {
  id: number;
  peer_delivered_id: number;
}

/** The user of a number, and their pair with the asking user; each null if there is none. */
export interface Found {
  user: User | null;
  pair: PairState | null;
}

type FoundColumns = [number | null, UserStatus | null, number | null, Intent, Intent, boolean, number];

/**
 * Returns the pair of each user and number, in the order given, and the levels of the given buckets: what
 * each lacks at `at`, in microseconds of refilling. Locks nothing.
 */
export async function findPairs(
  sql: Sql,
  wanted: { user_id: number; phone: string }[],
  { uses, at }: { uses: Use[]; at: Date },
): Promise<{ found: Found[]; levels: Map<string, number> }> {
  const [row] = await sql<{ found: FoundColumns[]; levels: [string, number][] | null }[]>`
    select (
      select json_agg(
        json_build_array(u.id, u.status, v.id, v.low_intent, v.high_intent, v.ever_accepted,
          case v.low_id when u.id then v.low_delivered_id else v.high_delivered_id end) order by ord
      )
      from unnest(
        ${wanted.map(({ user_id }) => user_id)}::bigint[],
        ${wanted.map(({ phone }) => phone)}::text[]
      ) with ordinality as wanted (user_id, phone, ord)
      left join lateral (select id, status from users where phone_number = wanted.phone limit 1) as u on true
      left join lateral (
        select id, low_id, low_intent, high_intent, ever_accepted, low_delivered_id, high_delivered_id
        from conversations
        where low_id = least(u.id, wanted.user_id) and high_id = greatest(u.id, wanted.user_id)
        limit 1
      ) as v on true
    ) as found, ${levelsOf(sql, uses, at)} as levels`;
  const found = row!.found.map((
    [userId, status, id, low_intent, high_intent, ever_accepted, peer_delivered_id],
    index,
  ): Found => ({
    user: userId === null ? null : { id: userId, phone_number: wanted[index]!.phone, status: status! },
    pair: id === null ? null : { id, low_intent, high_intent, ever_accepted, peer_delivered_id },
  }));
  return { found, levels: new Map(row!.levels) };
}

/**
 * Returns which of these pairs are locked by somebody else right now, so that a change would have to wait.
 */
export async function findHeld(sql: Sql, ids: number[]): Promise<Set<number>> {
  const free = await sql<{ id: number }[]>`
    select id from conversations where id = any(${ids}::bigint[]) for no key update skip locked`;
  const held = new Set(ids);
  free.forEach(({ id }) => held.delete(id));
  return held;
}
