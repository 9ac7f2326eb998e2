// Web Push wakes a closed browser when there is news. This file has subscribing, and the loop that runs twice
// a second: it records which sessions have sockets, then who has to be woken, then sends what is due.

import type { Database } from "../../db/connection/database.ts";
import { DatabaseUnavailable } from "../../db/connection/unavailable.ts";
import {
  deleteExpired,
  deleteSubscription,
  saveSubscription,
  type Subscription,
} from "../../db/push/push.ts";
import { deleteOldPresences } from "../../db/push/push_presence.ts";
import { AppError } from "../errors.ts";
import type { Event } from "../events/events.ts";
import type { Hub } from "../events/hub.ts";
import { describeError, log } from "../log.ts";
import type { Actor } from "../sessions/sessions.ts";
import type { PushHosts } from "./config.ts";
import { createDispatch } from "./dispatch.ts";
import { parseEndpoint } from "./endpoints.ts";
import { createPushKeys, type PushPair } from "./keys.ts";
import { createPresence } from "./presence.ts";
import { createPushSender } from "./sender.ts";
import { createWakes } from "./wakes.ts";

const TURN_MS = 500;
const SWEEP_MS = 60 * 60 * 1_000;
/** How long a stop waits for pushes in progress. */
const STOP_MS_MAX = 1_000;

export type Push = ReturnType<typeof createPush>;

export function createPush(
  { database, secrets, process, now, hosts, vapidPair, vapidSubject }: {
    database: Database;
    secrets: readonly string[];
    /** Name of this process. */
    process: string;
    now: () => Date;
    hosts: PushHosts;
    vapidPair: PushPair | null;
    vapidSubject: string;
  },
) {
  const keys = createPushKeys({ database, secrets, configured: vapidPair });
  const wakes = createWakes({ database, process, now });
  const presence = createPresence({ database, process, now, onLost: wakes.add });
  const send = createPushSender({ subject: vapidSubject });
  const dispatch = createDispatch({ database, keys, send, hosts, now });

  /**
   * Subscribes this session's browser, replacing any earlier subscription of the session.
   * @throws AppError invalid_input if the endpoint is not one of an allowed push service, or the subscription
   * has already expired; unauthenticated if the session has ended
   */
  async function subscribe(
    me: Actor,
    { endpoint, expires_at, ...secret }: Subscription & { expires_at: Date | null },
  ): Promise<void> {
    const address = parseEndpoint(endpoint, hosts);
    if (address === null) refuse("endpoint", "Must be the address of an allowed push service");
    if (expires_at && expires_at <= now()) refuse("expirationTime", "Must be in the future");
    const { public_key } = await keys.pair();
    const session = { session_id: me.session_id, public_key, expires_at, now: now() };
    const saved = await database.begin((sql) =>
      saveSubscription(sql, { ...session, ...secret, endpoint: address })
    );
    if (!saved) throw new AppError("unauthenticated");
    presence.subscribed(me.session_id);
  }

  async function unsubscribe(me: Actor): Promise<void> {
    await database.run((sql) => deleteSubscription(sql, me.session_id));
  }

  let isNoting = false;

  /** One run of the loop. It may overlap the previous one, which may still be sending. */
  async function turn(): Promise<void> {
    if (!isNoting) await note();
    await dispatch.sendDue();
  }

  async function note(): Promise<void> {
    isNoting = true;
    try {
      await presence.note();
      await wakes.note();
    } finally {
      isNoting = false;
    }
  }

  async function sweep(): Promise<void> {
    await database.run((sql) => Promise.all([deleteExpired(sql, now()), deleteOldPresences(sql, now())]));
  }

  const timers = new Set<ReturnType<typeof setInterval>>();
  const underWay = new Set<Promise<void>>();
  function run(job: () => Promise<void>): void {
    const done = quietly(job).finally(() => underWay.delete(done));
    underWay.add(done);
  }

  return {
    subscribe,
    unsubscribe,
    /** The `applicationServerKey` for browsers. */
    publicKey: async () => (await keys.pair()).public_key,
    hear: (event: Event) => wakes.hear(event),
    notified: (me: Actor) => presence.notified(me),
    watch: (hub: Hub) => presence.watch(hub),
    turn,
    sweep,
    start() {
      timers.add(setInterval(() => run(turn), TURN_MS));
      timers.add(setInterval(() => run(sweep), SWEEP_MS));
    },
    /** Call it after the last request: saves pending wakes for the next process. */
    async stop() {
      timers.forEach(clearInterval);
      timers.clear();
      const late = new Promise((resolve) => setTimeout(resolve, STOP_MS_MAX));
      await Promise.race([Promise.all(underWay), late]);
      await quietly(note);
    },
  };
}

function refuse(path: string, message: string): never {
  throw new AppError("invalid_input", { issues: [{ path, message }] });
}

/** The next run repeats what failed. Outages are reported elsewhere. */
async function quietly(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) log.error("Push failed", describeError(error));
  }
}
