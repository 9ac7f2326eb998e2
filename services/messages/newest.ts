// A cache of the newest messages of the threads that were read lately: clients fetch a thread's newest page again at every hint.
// A stored message never changes, except that its media are played once. So each is read from the database once, and a page costs
// what has come since. Whether something has is not known here: the caller reads the newest id from the pair's row each time.

import { LRUCache } from "lru-cache";
import type { Database } from "../../db/connection/database.ts";
import { listMessages, listPlayed, type MessageRow } from "../../db/messages.ts";

/** The newest messages of a thread, as of one moment; another moment has another object. */
export interface NewestRows {
  /** Newest first. */
  readonly rows: readonly MessageRow[];
}

export interface Newest {
  /**
   * So many of a conversation's newest messages or more; fewer only where there are no more.
   * @param newestId the newest that there is, as the conversation's row says now
   */
  read(conversationId: number, newestId: number, count: number): Promise<NewestRows>;
  /** Reads everything anew from here on. */
  forget(): void;
}

interface Kept extends NewestRows {
  readonly newestId: number;
  /** Whether there are no older ones. */
  readonly isWhole: boolean;
  /** Of media that nobody has played yet. */
  readonly unplayed: readonly number[];
}

/** Messages of the longest page. */
export const PAGE_MAX = 255;
/** One more, which tells whether there are others. */
const ROWS_MAX = PAGE_MAX + 1;
/** Of all threads together, by a count of what rows take and what is made of them for each of the two readers. */
const KEPT_BYTES_MAX = 48 * 1024 * 1024;
const ROW_BYTES = 1_600;
const LETTER_BYTES = 2;
const READERS = 2;

export function createNewest(
  { database, bytesMax = KEPT_BYTES_MAX }: { database: Database; bytesMax?: number },
): Newest {
  const threads = new LRUCache<number, Kept>({ maxSize: bytesMax, sizeCalculation: bytesOf });

  async function bringUpToDate(
    conversationId: number,
    { known, newestId, count }: { known: Kept | undefined; newestId: number; count: number },
  ): Promise<Kept> {
    const list = (page: { count: number; after: number | null }) =>
      database.run((sql) => listMessages(sql, conversationId, { ...page, before: null }));
    if (known && known.newestId < newestId) {
      const since = await list({ count: ROWS_MAX, after: known.newestId });
      const rows = [...since, ...known.rows];
      const isWhole = known.isWhole && rows.length <= ROWS_MAX;
      if (since.length < ROWS_MAX && (isWhole || rows.length >= count)) {
        return keep(rows.slice(0, ROWS_MAX), isWhole);
      }
    }
    const rows = await list({ count, after: null });
    return keep(rows, rows.length < count);
  }

  async function lookForPlayed(conversationId: number, kept: Kept): Promise<Kept> {
    const played = await database.run((sql) => listPlayed(sql, conversationId, [...kept.unplayed]));
    if (played.length === 0) return kept;
    const seenAt = new Map(played.map(({ id, seen_at }) => [id, seen_at]));
    return keep(
      kept.rows.map((row) => seenAt.has(row.id) ? { ...row, seen_at: seenAt.get(row.id)! } : row),
      kept.isWhole,
    );
  }

  return {
    async read(conversationId, newestId, count) {
      const known = threads.get(conversationId);
      const isEnough = known?.newestId === newestId && (known.isWhole || known.rows.length >= count);
      let kept = isEnough ? known : await bringUpToDate(conversationId, { known, newestId, count });
      if (kept.unplayed.length > 0) kept = await lookForPlayed(conversationId, kept);
      if (kept !== known) threads.set(conversationId, kept);
      return kept;
    },
    forget: () => threads.clear(),
  };
}

function keep(rows: readonly MessageRow[], isWhole: boolean): Kept {
  return {
    rows,
    newestId: rows[0]?.id ?? 0,
    isWhole,
    unplayed: rows.filter(isUnplayed).map(({ id }) => id),
  };
}

function isUnplayed({ media_content_id, seen_at }: MessageRow): boolean {
  return media_content_id !== null && seen_at === null;
}

function bytesOf({ rows }: Kept): number {
  return rows.reduce((sum, row) => sum + bytesOfRow(row), ROW_BYTES);
}

/** The text as it is, and as it stands in the JSON of either: there a letter can be six. */
function bytesOfRow({ message }: MessageRow): number {
  return ROW_BYTES + LETTER_BYTES * (message.length + READERS * JSON.stringify(message).length);
}
