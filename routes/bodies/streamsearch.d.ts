// What of streamsearch is used here; the package has no types of its own.

import type { Buffer } from "node:buffer";

/**
 * Told of every match, and before it of what lies between it and the last: `data` from `start` to `end`, which without
 * `isKept` is good for this call alone.
 */
type Found = (
  isMatch: boolean,
  data: Buffer | undefined,
  start: number,
  end: number,
  isKept: boolean,
) => void;

export default class StreamSearch {
  constructor(needle: string, found: Found);
  push(bytes: Buffer | string): number;
  /** Gives out what was held because it might have been the beginning of a match. */
  destroy(): void;
}
