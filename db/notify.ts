// Events between processes. NOTIFY runs inside the transaction that makes the change, so PostgreSQL itself
// guarantees that it is never sent before the commit, never for a rollback, and never lost to a crash in
// between. LISTEN uses one connection per process, with a heartbeat: a connection that died silently would
// swallow every event.

import { connect, type DatabaseAddress, type Pool, type Sql } from "./connection/database.ts";
import { type OutageReason, reasonOf } from "./connection/outage_reasons.ts";
import { within } from "./connection/within.ts";

export const CHANNEL = "puffintalk";
/** PostgreSQL refuses payloads of 8000 bytes and more. */
export const PAYLOAD_BYTES_MAX = 7_900;
const HEARTBEAT_MS = 4_000;
const RETRY_MS = 250;
/** A restarted server is back sooner than this. */
const LOST_MS = 5_000;

/** Sends all payloads in one statement, because NOTIFY takes a lock on the whole database at commit. */
export async function notify(sql: Sql, payloads: string[]): Promise<void> {
  if (payloads.length === 0) return;
  await sql`
    select pg_notify(${CHANNEL}, payload)
    from unnest(${payloads}::text[]) as payload`;
}

/**
 * The heartbeat: asks how full the notification queue is. The question also makes PostgreSQL drop
 * notifications that all listeners have read. By itself it does so only when new ones arrive, and a queue
 * that filled up behind a stuck listener accepts none, so it would stay full.
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
  /** Called once when nothing could be received for some seconds, with the reason. */
  onLost?: (reason: OutageReason) => void;
  /** Called after `onLost`, when notifications are received again. */
  onBack?: (afterMs: number) => void;
}

/**
 * Calls `onPayload` for each notification. Notifications sent while the connection was lost are missed.
 * `onGap` is then called with the time in ms since the last moment up to which nothing was missed, and again
 * if it rejects.
 */
export async function listen(
  at: DatabaseAddress,
  { onPayload, onGap, onLost, onBack }: Hearing,
): Promise<Listener> {
  let pool: Pool | null = null;
  let closed = false;
  /**
   * Up to this moment nothing was missed. This is not the time of the last notification: after a standstill
   * of this process that may be older than notifications that were missed.
   */
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

  /**
   * Checks the connection once: replaces it if it is silent or lost, and reports a gap until `onGap`
   * succeeds.
   */
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
