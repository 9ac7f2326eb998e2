// Between processes: NOTIFY inside the transaction that made the change, so that PostgreSQL itself keeps the
// promise "never before the commit, never for a rollback, never lost to a crash in between". LISTEN on one
// connection a process, watched, because a connection that died silently would swallow every event.

import { connect, type DatabaseAddress, type Pool, type Sql } from "./connection/database.ts";
import { type OutageReason, reasonOf } from "./connection/outage_reasons.ts";
import { within } from "./connection/within.ts";

export const CHANNEL = "puffintalk";
/** PostgreSQL refuses payloads of 8000 bytes and more. */
export const PAYLOAD_BYTES_MAX = 7_900;
const HEARTBEAT_MS = 4_000;
const RETRY_MS = 250;
/** A server that is started again is there sooner. */
const LOST_MS = 5_000;

/** One statement, whatever the number of payloads: NOTIFY takes a lock on the whole database at commit. */
export async function notify(sql: Sql, payloads: string[]): Promise<void> {
  if (payloads.length === 0) return;
  await sql`
    select pg_notify(${CHANNEL}, payload)
    from unnest(${payloads}::text[]) as payload`;
}

/**
 * How much of the queue is taken. To ask is also what takes away what everybody has heard: PostgreSQL does so by itself only
 * while more comes, and a queue that is full, because somebody who listens was stuck, takes no more. So it would stay full.
 */
function askUsage(pool: Pool): Promise<unknown> {
  return pool`select pg_notification_queue_usage()`.execute();
}

export interface Listener {
  close(): Promise<void>;
}

export interface Hearing {
  onPayload: (payload: string) => void;
  onGap: (gapMs: number) => Promise<void>;
  /** Nothing was heard for seconds, and why; told once. */
  onLost?: (reason: OutageReason) => void;
  /** After that, when all is heard again. */
  onBack?: (afterMs: number) => void;
}

/**
 * Calls `onPayload` for each notification. After a connection was lost, what was sent meanwhile is lost: then
 * `onGap` is called with the time in ms since the last moment from which nothing is missing, again if it rejects.
 */
export async function listen(
  at: DatabaseAddress,
  { onPayload, onGap, onLost, onBack }: Hearing,
): Promise<Listener> {
  let pool: Pool | null = null;
  let closed = false;
  /** Nothing of before is missing. Not the last that was heard: after a standstill that may be older than what is missing. */
  let heardAt = performance.now();
  let missingSince: number | null = null;
  let isLost = false;
  let wake = () => {};

  const open = async () => {
    const opened = connect(at, {
      max: 1,
      onnotify: (_channel, payload) => onPayload(payload),
      onclose: () => {
        if (pool !== opened) return;
        pool = null;
        wake();
      },
    });
    try {
      await within(HEARTBEAT_MS, opened.unsafe(`listen ${CHANNEL}`).execute());
      pool = opened;
    } catch (error) {
      await opened.end({ timeout: 0 });
      throw error;
    }
  };

  /** One look at the connection: a silent one is given up, a lost one replaced, a gap told until it was understood. */
  const tend = async () => {
    if (pool) {
      const askedAt = performance.now();
      const asked = pool;
      const answered = await within(HEARTBEAT_MS, askUsage(asked)).then(() => true, () => false);
      if (answered && pool === asked) heardAt = askedAt;
      else {
        pool = null;
        await asked.end({ timeout: 0 });
      }
    }
    if (!pool) {
      missingSince ??= heardAt;
      await open();
      heardAt = performance.now();
    }
    if (missingSince !== null) {
      const gapMs = performance.now() - missingSince;
      await onGap(gapMs);
      missingSince = null;
      if (isLost) onBack?.(gapMs);
      isLost = false;
    }
  };

  const noteLoss = (error: unknown) => {
    if (isLost || missingSince === null || performance.now() - missingSince < LOST_MS) return;
    isLost = true;
    onLost?.(reasonOf(error));
  };

  const watch = async () => {
    while (!closed) {
      await tend().catch(noteLoss);
      if (closed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pool ? HEARTBEAT_MS : RETRY_MS);
        wake = () => (clearTimeout(timer), resolve());
      });
    }
  };

  await open();
  const watching = watch();
  return {
    async close() {
      closed = true;
      wake();
      await watching;
      await pool?.end({ timeout: 1 });
    },
  };
}
