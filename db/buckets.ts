import type { Sql } from "./database.ts";

/** One use of one bucket. */
export interface Use {
  key: string;
  /** What the use costs, and what the bucket holds, in microseconds of refilling. */
  stepUs: number;
  capacityUs: number;
}

export interface Taken {
  /** How long not all uses are to be had; 0 when they were taken. */
  wait: number;
  /** What each bucket lacks now, in the order of the uses. */
  owed: number[];
}

/**
 * Takes all uses or none, in one statement. They have to come in the order of their keys, so that two who want the same
 * buckets never wait for each other in a ring.
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

/** Gives back what was taken, in the same order. */
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

/**
 * Locks these buckets until the transaction ends, in the order in which they come, and answers when each will be full
 * again, in microseconds of the Unix epoch. The keys have to be sorted, and each there once.
 */
export async function holdBuckets(sql: Sql, keys: string[], at: Date): Promise<Map<string, number>> {
  const rows = await sql<{ key: string; full_at_us: number }[]>`
    insert into buckets (key, full_at)
    select key, ${at}
    from unnest(${keys}::text[]) with ordinality as wanted (key, ord)
    order by ord
    on conflict (key) do update
    set full_at = buckets.full_at
    returning key, (extract(epoch from full_at) * 1000000)::bigint as full_at_us`;
  return new Map(rows.map(({ key, full_at_us }) => [key, full_at_us]));
}

/** Forgets buckets that are held and full: those have no row. */
export async function dropBuckets(sql: Sql, keys: string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    delete from buckets
    where key = any(${keys}::text[])`;
}

/** Says when buckets that are held will be full again. */
export async function fillBuckets(sql: Sql, buckets: { key: string; fullAtUs: number }[]): Promise<void> {
  if (buckets.length === 0) return;
  await sql`
    update buckets b
    set full_at = timestamptz 'epoch' + filled.full_at_us * interval '1 microsecond'
    from unnest(
      ${buckets.map(({ key }) => key)}::text[],
      ${buckets.map(({ fullAtUs }) => fullAtUs)}::bigint[]
    ) as filled (key, full_at_us)
    where b.key = filled.key and b.key = any(${buckets.map(({ key }) => key)}::text[])`;
}
