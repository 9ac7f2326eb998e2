// Guards against memory that Deno 2.9.6 buffers where we cannot see it: it collects a fragmented WebSocket
// message that never ends, without a limit. Only the memory of the process shows this. When that has grown by
// more than sockets need, sockets are cut, newest first, until it shrinks; clients reconnect by themselves.

import { log } from "../log.ts";
import type { Hub } from "./hub.ts";

const MIB = 1024 * 1024;
const LOOK_EVERY_MS = 500;
/**
 * Allowed growth outside of the JavaScript heap. Transfers and answers stay below this, even by the hundred.
 */
const HIDDEN_MAX = 512 * MIB;
/** Allowed in addition for each socket, above what an idle one takes. */
const SOCKET_BYTES = 32 * 1024;
/** A socket that held more than this is logged with its user. */
const NAMED_MIN = 32 * MIB;

export interface Memory {
  rss: number;
  heapTotal: number;
  external: number;
}

/** Checks regularly and cuts sockets when memory has grown too much. Call the result to stop. */
export function startMemoryGuard(hub: Pick<Hub, "newestFirst">): () => void {
  const looking = setInterval(createMemoryGuard({ memory: Deno.memoryUsage, hub }), LOOK_EVERY_MS);
  return () => clearInterval(looking);
}

/** Makes the check. It resolves when all necessary cuts are done. */
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
      // Deno frees the buffer in a later turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve));
      const after = hidden();
      if (before - after > NAMED_MIN) {
        log.warn("Socket cut that held memory", { user_id: actor.user_id, bytes: before - after });
      }
      before = after;
    }
    log.warn("Sockets cut, because memory grew outside of the heap", {
      sockets_cut: cut,
      sockets_left: sockets.length - cut,
    });
    // No socket held it, so it becomes the new baseline and is not searched for again.
    if (cut === sockets.length) least = Math.max(least, hidden());
  }

  return async () => {
    if (looking) return;
    const bytes = hidden();
    least = Math.min(least, bytes);
    // Counting sockets is left out while memory has not grown.
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
