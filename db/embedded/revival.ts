/**
 * Restarts a server that dies while the service is running. PostgreSQL recovers what was committed; clients
 * reconnect.
 */
import type { Place } from "./place.ts";
import { type Child, findServer, isAlive } from "./server.ts";

const LOOK_EVERY_MS = 500;

export interface Revival {
  /** Stops watching. Resolves with our server process; null for an adopted server. */
  stop(): Promise<Child | null>;
}

/**
 * Watches the server until `stop`. A failed restart is tried again, because backends of a killed server take
 * a moment to exit.
 */
export function keepAlive(
  place: Place,
  bringUp: () => Promise<{ child: Child | null }>,
  first: Child | null,
  onLost: () => void,
): Revival {
  let child = first;
  let pid = first?.pid ?? null;
  let stopping = false;

  async function isRunning(): Promise<boolean> {
    if (child) return !child.exited;
    pid ??= await findServer(place);
    return pid !== null && isAlive(pid);
  }

  async function look(): Promise<void> {
    if (await isRunning() || stopping) return;
    onLost();
    while (!stopping) {
      try {
        ({ child } = await bringUp());
        pid = child?.pid ?? null;
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    }
  }

  let looking = Promise.resolve();
  const timer = setInterval(() => looking = looking.then(look).catch(() => {}), LOOK_EVERY_MS);
  Deno.unrefTimer(timer);
  return {
    async stop() {
      stopping = true;
      clearInterval(timer);
      await looking;
      return child;
    },
  };
}
