/** A server that dies under a living service comes back: PostgreSQL recovers what was committed, clients connect anew. */
import type { Place } from "./place.ts";
import { type Child, findServer, isAlive } from "./server.ts";

const LOOK_EVERY_MS = 500;

export interface Revival {
  /** No more from here on; resolves with the server that is ours now, null for one that was adopted. */
  stop(): Promise<Child | null>;
}

/** Looks after the server until `stop`. What fails is tried again: backends of a killed server take a moment to go. */
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
