// What Deno gathers for a socket out of our sight: a message that comes in fragments and never ends has no bound there
// (2.9.6). It shows in the memory of the process alone. Where that has grown by more than sockets need, they are cut, the
// newest first, until it shrinks; phones come back by themselves.

import { log } from "../log.ts";
import type { Hub } from "./hub.ts";

const MIB = 1024 * 1024;
const LOOK_EVERY_MS = 500;
/** Growth outside of JavaScript that nothing else explains: transfers and answers take less, also by the hundred. */
const HIDDEN_MAX = 512 * MIB;
/** Above what an idle socket takes there. */
const SOCKET_BYTES = 32 * 1024;
/** Who held so much is named in the log. */
const NAMED_MIN = 32 * MIB;

export interface Memory {
  rss: number;
  heapTotal: number;
  external: number;
}

/** Cuts sockets where memory is hoarded, until the result is called. */
export function startMemoryGuard(hub: Pick<Hub, "newestFirst">): () => void {
  const looking = setInterval(createMemoryGuard({ memory: Deno.memoryUsage, hub }), LOOK_EVERY_MS);
  return () => clearInterval(looking);
}

/** A look that cuts sockets where memory is hoarded; it resolves when it is done. */
export function createMemoryGuard(
  { memory, hub }: { memory: () => Memory; hub: Pick<Hub, "newestFirst"> },
): () => Promise<void> {
  const hidden = () => {
    const { rss, heapTotal, external } = memory();
    return rss - heapTotal - external;
  };
  let least = hidden();
  let looking = false;

  async function cutNewest(): Promise<void> {
    const sockets = hub.newestFirst();
    const enough = least + HIDDEN_MAX / 2 + sockets.length * SOCKET_BYTES;
    let cut = 0;
    for (let before = hidden(); before > enough && cut < sockets.length; cut += 1) {
      const { actor } = sockets[cut]!;
      sockets[cut]!.cut();
      // Deno lets go of what it gathered in a turn of its own.
      await new Promise((resolve) => setTimeout(resolve));
      const after = hidden();
      if (before - after > NAMED_MIN) {
        log.warn("Socket cut that held memory", { user_id: actor.user_id, bytes: before - after });
      }
      before = after;
    }
    log.warn("Memory grew out of sight", { sockets_cut: cut, sockets_left: sockets.length - cut });
    // What no socket held is not looked for again.
    if (cut === sockets.length) least = Math.max(least, hidden());
  }

  return async () => {
    if (looking) return;
    const bytes = hidden();
    least = Math.min(least, bytes);
    // Sockets are counted only where there is something to explain.
    if (bytes - least <= HIDDEN_MAX) return;
    if (bytes - least <= HIDDEN_MAX + hub.newestFirst().length * SOCKET_BYTES) return;
    looking = true;
    try {
      await cutNewest();
    } finally {
      looking = false;
    }
  };
}
