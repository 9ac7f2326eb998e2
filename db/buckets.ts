// The token buckets of the limits that all processes share. A bucket is stored as the moment at which it will
// be full again (see services/limits/bucket.ts).

import type { Sql } from "./connection/database.ts";

/** One use of a bucket. */
export interface Use {
  key: string;
  /** The cost of the use and the capacity of the bucket, in microseconds of refilling. */
  stepUs: number;
  capacityUs: number;
}

export interface Taken {
  /** Microseconds until all uses can be taken; 0 if they were taken. */
  wait: number;
  /** How much each bucket lacks now, in microseconds of refilling, in the order of the uses. */
  owed: number[];
}

/**
 * Takes all uses or none, in one statement. They have to be ordered by key, so that two transactions that
 * want the same buckets cannot deadlock.
 */
export async function takeUses(sql: Sql, uses: Use[], at: Date): Promise<Taken> {
  const [taken] = await sql<{ wait: number; owed: string[] }[]>`
    select wait, owed
    from take_uses(
      ${uses.map(({ key }) => key)}::text[],
      ${uses.map(({ stepUs }) => stepUs)}::bigint[],
      ${uses.map(({ capacityUs }) => capacityUs)}::bigint[],
      ${at}::timestamptz
    )`;
  return { wait: taken!.wait, owed: taken!.owed.map(Number) };
}

/** Gives the uses back, locking in the same order. */
export async function giveBackUses(sql: Sql, uses: Use[]): Promise<void> {
  await sql`
    with given as (
      select key, step
      from unnest(${uses.map(({ key }) => key)}::text[], ${uses.map(({ stepUs }) => stepUs)}::bigint[])
        as given (key, step)
    ), held as materialized (
      select key
      from buckets
      where key = any(${uses.map(({ key }) => key)}::text[])
      order by key collate "C"
      for update
    )
    update buckets b
    set full_at = b.full_at - given.step * interval '1 microsecond'
    from held, given
    where b.key = held.key and given.key = held.key`;
}

/** One or more uses of a bucket. */
export interface BucketUse {
  key: string;
  /** The cost of one use, the cost of all, and the capacity of the bucket, in microseconds of refilling. */
  step_us: number;
  cost_us: number;
  capacity_us: number;
}

/**
 * A fragment for a select: how much each of these buckets lacks, in microseconds of refilling. Buckets that
 * were never used are left out.
 */
export function levelsOf(sql: Sql, uses: Use[], at: Date) {
  const keys = uses.map(({ key }) => key);
  return sql`(
    select json_agg(json_build_array(b.key, owed_us(full_at, mended_at, ${at}, step, capacity)))
    from unnest(
      ${keys}::text[],
      ${uses.map(({ stepUs }) => stepUs)}::bigint[],
      ${uses.map(({ capacityUs }) => capacityUs)}::bigint[]
    ) as asked (key, step, capacity)
    join buckets b on b.key = asked.key
    where b.key = any(${keys}::text[])
  )`;
}

/** The same as a statement of its own: the levels by bucket key. */
export async function readLevels(sql: Sql, uses: Use[], at: Date): Promise<Map<string, number>> {
  const [row] = await sql<{ levels: [string, number][] | null }[]>`
    select ${levelsOf(sql, uses, at)} as levels`;
  return new Map(row!.levels);
}

/**
 * A fragment that takes these uses, locking in the order of the keys. Its `taken` says which buckets are
 * overdrawn (`is_over`); then the whole statement has to be undone.
 */
export function takenOf(sql: Sql, uses: BucketUse[], at: Date) {
  // An object by key, because searching a list for each of two hundred uses would take longer than everything
  // else.
  const measures = sql.json(Object.fromEntries(uses.map((use) => [use.key, [use.step_us, use.capacity_us]])));
  return sql`wanted_use as (
    select key, step_us, cost_us, capacity_us
    from jsonb_to_recordset(${
    sql.json(uses as never)
  }) as wanted_use (key text, step_us bigint, cost_us bigint, capacity_us bigint)
  ), used as (
    insert into buckets as b (key, full_at)
    select key, ${at}::timestamptz + cost_us * interval '1 microsecond'
    from wanted_use
    order by key collate "C"
    on conflict (key) do update
    set (full_at, mended_at) = (
      select ${at} + owed_us(b.full_at, b.mended_at, ${at}, step_us, capacity_us) * interval '1 microsecond'
          + (excluded.full_at - ${at}),
        case when is_of_wrong_clock(b.full_at, ${at}, capacity_us) then ${at} else b.mended_at end
      from (
        select (measures -> b.key ->> 0)::bigint as step_us, (measures -> b.key ->> 1)::bigint as capacity_us
        from (select ${measures}::jsonb as measures) as by_key
      ) as measure
    )
    returning key, full_at
  ), taken as (
    select used.full_at > ${at}::timestamptz + capacity_us * interval '1 microsecond' as is_over
    from used
    join wanted_use on wanted_use.key = used.key
  )`;
}
