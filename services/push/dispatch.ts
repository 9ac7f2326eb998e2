// Sends due wakes. Each is taken from the database before it is sent: a crash in between loses it and never
// sends it twice. A wake is retried only if the push service asked for that or could not be reached.

import type { Database } from "../../db/connection/database.ts";
import { deleteEndpoint } from "../../db/push/push.ts";
import { noteFailed, noteWoken, takeWakes, type Wake } from "../../db/push/push_wakes.ts";
import { describeError, log } from "../log.ts";
import type { PushHosts } from "./config.ts";
import { parseEndpoint } from "./endpoints.ts";
import type { PushKeys } from "./keys.ts";
import type { Pushed, PushSender } from "./sender.ts";
import { createShares, SHARE } from "./shares.ts";

const AT_ONCE_MAX = 80;
const BACK_OFF_MS = 30_000;
const BACK_OFF_MS_MAX = 60 * 60 * 1_000;
/** After this many failures in a row a wake is dropped; the next event makes a new one. */
const FAILURES_MAX = 8;

export interface Dispatch {
  /**
   * Sends due wakes, with a limit on how many are in progress in total and per push service. Resolves when
   * they are done.
   */
  sendDue(): Promise<void>;
}

export function createDispatch(
  { database, keys, send, hosts, now }: {
    database: Database;
    keys: PushKeys;
    send: PushSender;
    hosts: PushHosts;
    now: () => Date;
  },
): Dispatch {
  const shares = createShares(now);
  let free = AT_ONCE_MAX;

  /** All free slots are held while wakes are taken, so that overlapping calls do not exceed the limit. */
  async function take(): Promise<Wake[]> {
    const count = free;
    if (count === 0) return [];
    free = 0;
    let wakes: Wake[] = [];
    try {
      const { public_key } = await keys.pair();
      const within = { count, rooms: shares.rooms(), share: SHARE };
      wakes = await database.run((sql) => takeWakes(sql, { now: now(), public_key, ...within }));
      for (const { host } of wakes) shares.enter(host);
    } finally {
      free += count - wakes.length;
    }
    return wakes;
  }

  async function settle(wake: Wake): Promise<void> {
    let pushed: Pushed | null = null;
    try {
      if (wake.state === "over") await forget(wake);
      if (wake.state === "away") {
        pushed = await push(wake);
        await note(wake, pushed);
      }
    } catch (error) {
      log.warn("Outcome of a push not recorded", describeError(error));
    } finally {
      free += 1;
      const isLeftAlone = shares.leave(wake.host, pushed);
      if (isLeftAlone) log.warn("Push service paused for a while", { service: serviceOf(wake) });
    }
  }

  /** The operator may have removed the service from the list since the browser subscribed. */
  async function push(wake: Wake): Promise<Pushed> {
    if (parseEndpoint(wake.endpoint, hosts) === null) return { outcome: "gone" };
    return await send(wake, await keys.pair());
  }

  const forget = (wake: Wake) => database.run((sql) => deleteEndpoint(sql, wake.session_id, wake.endpoint));

  async function note(wake: Wake, pushed: Pushed): Promise<void> {
    if (pushed.outcome === "taken") return await database.run((sql) => noteWoken(sql, wake));
    const { outcome } = pushed;
    const status = "status" in pushed ? pushed.status : null;
    log.warn("Push not accepted", { outcome, status, service: serviceOf(wake) });
    if (outcome === "gone") return await forget(wake);
    const at = outcome === "failed" ? nextTry(wake, pushed.retryAfterMs) : null;
    await database.run((sql) => noteFailed(sql, wake, at));
  }

  function nextTry({ failures }: Wake, retryAfterMs: number | null): Date | null {
    if (failures >= FAILURES_MAX) return null;
    const ms = Math.max(BACK_OFF_MS * 2 ** failures, retryAfterMs ?? 0);
    return new Date(now().getTime() + Math.min(ms, BACK_OFF_MS_MAX));
  }

  return {
    async sendDue() {
      for (let wakes = await take(); wakes.length > 0; wakes = await take()) {
        await Promise.all(wakes.map(settle));
      }
    },
  };
}

/** For the log: the endpoint is a secret of the browser, its host is not. */
function serviceOf({ endpoint }: Wake): string {
  return new URL(endpoint).hostname;
}
