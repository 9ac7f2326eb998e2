// A cache of the newest messages of recently read threads: clients fetch a thread's newest page again at
// every hint. A stored message never changes, except that a media message becomes played once. So each
// message is read from the database once, and a page costs only what was added since. The cache does not know
// whether anything was added: the caller passes the newest id, read from the pair's row each time.

import { LRUCache } from "lru-cache";
import type { Database } from "../../db/connection/database.ts";
import { listMessages, listPlayed, type MessageRow } from "../../db/messages.ts";

/** The newest messages of a thread at one moment. Another moment is another object. */
export interface NewestRows {
  /** Newest first. */
  readonly rows: readonly MessageRow[];
}

export interface Newest {
  /**
   * At least `count` of a conversation's newest messages; fewer only if it has no more.
   * @param newestId id of the newest message, as the conversation's row says now
   */
  read(conversationId: number, newestId: number, count: number): Promise<NewestRows>;
  /** Drops everything: later reads go to the database. */
  forget(): void;
}

interface Kept extends NewestRows {
  readonly newestId: number;
  /** Whether `rows` are all messages of the thread. */
  readonly isWhole: boolean;
  /** Ids of media messages that were not played yet. */
  readonly unplayed: readonly number[];
}

/** Messages on the longest page. */
export const PAGE_MAX = 255;
/** One row more tells whether there are older messages. */
const ROWS_MAX = PAGE_MAX + 1;
/**
 * Limit for all threads together. The size of a thread is estimated: its rows, and the page made of them for
 * each of the two readers.
 */
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

/** The text itself, and its JSON in the page of each reader, where a character can take six. */
function bytesOfRow({ message }: MessageRow): number {
  return ROW_BYTES + LETTER_BYTES * (message.length + READERS * JSON.stringify(message).length);
}
