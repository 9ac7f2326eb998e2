// What V8 leaves behind: it collects under load, when its heap has to grow, and never while nothing happens.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects all garbage at once. It takes some 40 ms after a start, and 100 with ten thousand phones that wait. */
export type Collect = () => void;

export function createCollect(): Collect {
  // The function exists in contexts that are made while the flag is set, and only in those.
  setFlagsFromString("--expose-gc");
  const collect: Collect = runInNewContext("typeof gc === 'function' ? gc : () => {}");
  setFlagsFromString("--no-expose-gc");
  return collect;
}

const LOOK_EVERY_MS = 5_000;
/** So few new requests between two looks are nothing that a collection could hold up: health checks, for one. */
const QUIET_MAX = 5;
/** Less is not worth it. */
const GROWTH_MIN = 16 * 1024 * 1024;

/** Collects now, and whenever it has become quiet; the result ends that. */
export function collectWhenQuiet(countRequests: () => number): () => void {
  const collect = createCollect();
  collect();
  const heapBytes = () => Deno.memoryUsage().heapTotal;
  const looking = setInterval(createQuietCollection({ collect, heapBytes, countRequests }), LOOK_EVERY_MS);
  return () => clearInterval(looking);
}

/**
 * A look that collects when it has become quiet and the heap has grown: thousands of phones that came at once leave half
 * as much again as they need, for as long as they only wait.
 */
export function createQuietCollection(
  { collect, heapBytes, countRequests }: {
    collect: Collect;
    heapBytes: () => number;
    /** How many there ever were. */
    countRequests: () => number;
  },
): () => void {
  let bytes = heapBytes();
  let requests = countRequests();
  return () => {
    const isQuiet = countRequests() - requests <= QUIET_MAX;
    requests = countRequests();
    // V8 gives back some of it later.
    bytes = Math.min(bytes, heapBytes());
    if (!isQuiet || heapBytes() - bytes < GROWTH_MIN) return;
    collect();
    bytes = heapBytes();
  };
}
