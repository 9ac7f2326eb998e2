// Sliding windows: how often something happened within the last `ms` milliseconds. They count wrong
// passcodes, in the table `limits`. The limits of the variable LIMITS are token buckets instead, in the table
// `buckets` (buckets.ts).
//
// A hit that is further ahead than clocks may differ was dated by a wrong clock. It is ignored, so that it
// keeps nobody out, until the next hit is counted; from then on it counts as if it had happened at that
// moment.

import { CLOCKS_APART_MS } from "./clocks.ts";
import type { Sql } from "./connection/database.ts";

export interface Window {
  key: string;
  /** The most hits within `ms`. */
  max: number;
  ms: number;
}

/** Counts a hit, in one statement. Returns false if the window is full; then nothing is counted. */
export async function takeOne(sql: Sql, window: Window, now: Date): Promise<boolean> {
  const { since, ahead } = boundsOf(window, now);
  const rows = await sql`
    insert into limits as l (key, hits, last_hit_at)
    values (${window.key}, array[${now}::timestamptz], ${now})
    on conflict (key) do update
    set hits = array(
        select case when hit > ${ahead} then ${now}::timestamptz else hit end as hit
        from unnest(l.hits) as hit
        where hit > ${since}
        order by 1
      ) || ${now}::timestamptz,
      last_hit_at = ${now}
    where (select count(*) from unnest(l.hits) as hit where hit > ${since} and hit <= ${ahead}) < ${window.max}
    returning 1`;
  return rows.length === 1;
}

/** Takes back a hit that was counted at this moment. */
export async function giveBack(sql: Sql, key: string, at: Date): Promise<void> {
  await sql`
    update limits
    set hits = hits[:array_position(hits, ${at}::timestamptz(3)) - 1]
      || hits[array_position(hits, ${at}::timestamptz(3)) + 1:]
    where key = ${key} and array_position(hits, ${at}::timestamptz(3)) is not null`;
}

/** When a full window has room again; `now` if it is not full. */
export async function roomAt(sql: Sql, window: Window, now: Date): Promise<Date> {
  const { since, ahead } = boundsOf(window, now);
  const rows = await sql<{ hit: Date }[]>`
    select hit
    from limits, unnest(hits) as hit
    where key = ${window.key} and hit > ${since} and hit <= ${ahead}
    order by hit desc
    limit 1
    offset ${window.max - 1}`;
  return rows[0] ? new Date(rows[0].hit.getTime() + window.ms) : now;
}

function boundsOf({ ms }: Window, now: Date): { since: Date; ahead: Date } {
  return { since: new Date(now.getTime() - ms), ahead: new Date(now.getTime() + CLOCKS_APART_MS) };
}
