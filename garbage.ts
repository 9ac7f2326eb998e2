// Collects garbage when the service is quiet: V8 does so under load, when its heap has to grow, but never while idle.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects all garbage at once. This takes about 40 ms after a start, and 100 with ten thousand waiting phones. */
export type Collect = () => void;

export function createCollect(): Collect {
  // The function exists only in contexts that are created while the flag is set.
  setFlagsFromString("--expose-gc");
  const collect: Collect = runInNewContext("typeof gc === 'function' ? gc : () => {}");
  setFlagsFromString("--no-expose-gc");
  return collect;
}

const LOOK_EVERY_MS = 5_000;
/** With at most so many new requests between two checks, such as health checks, a collection delays nobody. */
const QUIET_MAX = 5;
/** Less growth is not worth a collection. */
const GROWTH_MIN = 16 * 1024 * 1024;

/** Collects now, and whenever the service has become quiet, until the result is called. */
export function collectWhenQuiet(countRequests: () => number): () => void {
  const collect = createCollect();
  collect();
  const heapBytes = () => Deno.memoryUsage().heapTotal;
  const looking = setInterval(createQuietCollection({ collect, heapBytes, countRequests }), LOOK_EVERY_MS);
  return () => clearInterval(looking);
}

/**
 * Returns a check that collects if the service is quiet and the heap has grown. Thousands of phones that connect at once
 * leave half as much again as they need, for as long as they only wait.
 */
export function createQuietCollection(
  { collect, heapBytes, countRequests }: {
    collect: Collect;
    heapBytes: () => number;
    /** How many there were since the start. */
    countRequests: () => number;
  },
): () => void {
  let bytes = heapBytes();
  let requests = countRequests();
  return () => {
    const isQuiet = countRequests() - requests <= QUIET_MAX;
    requests = countRequests();
    // V8 releases some memory later.
    bytes = Math.min(bytes, heapBytes());
    if (!isQuiet || heapBytes() - bytes < GROWTH_MIN) return;
    collect();
    bytes = heapBytes();
  };
}
