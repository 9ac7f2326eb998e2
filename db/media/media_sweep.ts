import type { Sql } from "../connection/database.ts";

/** What a sweep finds, as counts. */
export interface Remains {
  /** Abandoned uploads. */
  abandoned: number;
  /**
   * Media that no message carries. The hourly sweep only looks at those that became old enough since the last
   * one.
   */
  unsent: number;
  /** Large objects without a row. */
  orphans: number;
  /** Rows whose large object is gone. */
  hollow: number;
}

export interface Ages {
  /** Uploads in one piece last touched before this are abandoned. */
  uploads: Date;
  /** Resumable uploads last touched before this are abandoned. */
  resumable: Date;
  /** Unsent media finished before this are deleted. */
  unsent: Date;
  /** Unsent media older than this were already looked at. */
  unsentSince: Date;
}

/** Rows per statement. Deleting 100 MB takes a tenth of a second or more, and a statement may take ten. */
const AT_ONCE = 20;
/** An arbitrary number that only this sweep uses in its database. */
const ORPHANS_LOCK = 5_550_002;

/**
 * Deletes some abandoned uploads. Rows that are locked by a chunk or by finishing are skipped: those uploads
 * are active.
 */
export async function deleteAbandoned(sql: Sql, ages: Ages): Promise<number> {
  const rows = await sql`
    delete from media
    where id in (
      select id
      from media
      where state = 'uploading'
        and touched_at < case when length is null then ${ages.uploads}::timestamptz else ${ages.resumable}::timestamptz end
      limit ${AT_ONCE}
      for update skip locked
    )
    returning id`;
  return rows.length;
}

/**
 * Deletes some unsent media. A send holds a key share lock on its media, so they are skipped. Whether a
 * message carries them is checked again under our lock, because the first check may be outdated.
 */
export async function deleteUnsent(sql: Sql, ages: Ages): Promise<number> {
  const locked = await sql<{ id: number }[]>`
    select id
    from media
    where state = 'ready'
      and touched_at between ${ages.unsentSince} and ${ages.unsent}
      and not exists (select from messages where messages.media_id = media.id)
    limit ${AT_ONCE}
    for update skip locked`;
  const rows = await sql`
    delete from media
    where id = any(${locked.map(({ id }) => id)}::bigint[])
      and not exists (select from messages where messages.media_id = media.id)
    returning id`;
  return rows.length;
}

/**
 * Deletes some large objects that no row refers to. Runs in a transaction with a lock, so that parallel
 * sweeps find different ones.
 */
export async function unlinkOrphans(sql: Sql): Promise<number> {
  await sql`select pg_advisory_xact_lock(${ORPHANS_LOCK}::bigint)`;
  const rows = await sql`
    select lo_unlink(l.oid)
    from (
      select o.oid
      from pg_largeobject_metadata o
      where not exists (select from media where media.oid = o.oid)
        and pg_has_role(o.lomowner, 'usage')
      limit ${AT_ONCE}
    ) as l`;
  return rows.length;
}

export async function countRemains(sql: Sql, ages: Ages): Promise<Remains> {
  const [row] = await sql<Remains[]>`
    select
      (
        select count(*)
        from media
        where state = 'uploading'
          and touched_at < case when length is null then ${ages.uploads}::timestamptz else ${ages.resumable}::timestamptz end
      ) as abandoned,
      (
        select count(*)
        from media
        where state = 'ready'
          and touched_at between ${ages.unsentSince} and ${ages.unsent}
          and not exists (select from messages where messages.media_id = media.id)
      ) as unsent,
      (
        select count(*)
        from pg_largeobject_metadata o
        where not exists (select from media where media.oid = o.oid) and pg_has_role(o.lomowner, 'usage')
      ) as orphans,
      (
        select count(*)
        from media
        where not exists (select from pg_largeobject_metadata o where o.oid = media.oid)
      ) as hollow`;
  return row!;
}
