// The arithmetic of a token bucket, as in the generic cell rate algorithm (ITU-T I.371): a bucket is stored
// as the moment at which it will be full again. Whole microseconds, so that rounding loses nothing in a
// burst.

export const US_PER_SECOND = 1_000_000;

/** A bucket of `burst` uses that refills evenly: when empty, it is full again after `periodMs`. */
export interface Rate {
  readonly burst: number;
  readonly periodMs: number;
}

/** The cost of one use and the capacity of a bucket, both in microseconds of refilling. */
export interface Measure {
  stepUs: number;
  capacityUs: number;
}

/** A rate above one use per microsecond keeps its burst, but refills only one use per microsecond. */
export function measure({ burst, periodMs }: Rate): Measure {
  const stepUs = Math.max(1, Math.floor(periodMs * 1_000 / burst));
  return { stepUs, capacityUs: stepUs * burst };
}

/** How much a bucket lacks, in microseconds of refilling. */
export function owedUs(fullAtUs: number, atUs: number): number {
  return Math.max(0, fullAtUs - atUs);
}

/** How long until a bucket that lacks `owed` has room for one use; 0 means now. */
export function waitUs(owed: number, { stepUs, capacityUs }: Measure): number {
  return Math.max(0, owed + stepUs - capacityUs);
}
