// The part of streamsearch that is used here; the package has no types of its own.

import type { Buffer } from "node:buffer";

/**
 * Called for every match, and before it with the bytes since the last match: `data` from `start` to `end`.
 * Unless `isKept`, `data` is valid during this call only.
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
  /** Emits what was held back as the possible beginning of a match. */
  destroy(): void;
}
