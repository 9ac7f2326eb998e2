import type { Sql } from "../connection/database.ts";

/** What a sweep finds: numbers of things. */
export interface Remains {
  /** Uploads that nobody goes on with. */
  abandoned: number;
  /** Media that no message carries. The sweep of every hour looks only at those that have become old enough since the last. */
  unsent: number;
  /** Large objects without a row. */
  orphans: number;
  /** Rows whose large object is gone. */
  hollow: number;
}

export interface Ages {
  /** Uploads in one piece that were last touched before this. */
  uploads: Date;
  /** Resumable uploads that were last touched before this. */
  resumable: Date;
  /** Media that were finished before this and are in no message. */
  unsent: Date;
  /** Of those, older ones than this were looked at before. */
  unsentSince: Date;
}

/** Rows of one statement. Deleting 100 MB takes a tenth of a second or more, and a statement has ten. */
const AT_ONCE = 20;
/** An arbitrary number that only this sweep uses in its database. */
const ORPHANS_LOCK = 5_550_002;

/**
 * Deletes some uploads that were abandoned. Rows that a chunk or a finish holds are skipped: they live.
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
 * Deletes some media that nobody sent. A send holds its media by a key share lock, so they are skipped; whether a
 * message carries them is asked again after the lock, because the first look may be older.
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

/** Unlinks some large objects that no row has. In a transaction, so that of several sweeps each finds other orphans. */
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
