// The arithmetic of a bucket, the generic cell rate algorithm (ITU-T I.371) told from the other end: a bucket is known by
// the moment at which it will be full again. Whole microseconds, so that nothing is lost in a burst.

export const US_PER_SECOND = 1_000_000;

/** A bucket of `burst` uses that refills evenly: an empty one is full again after `periodMs`. */
export interface Rate {
  readonly burst: number;
  readonly periodMs: number;
}

/** What one use costs a bucket, and what the bucket holds, in microseconds of refilling. */
export interface Measure {
  stepUs: number;
  capacityUs: number;
}

/** Rates finer than one use a microsecond keep their burst, and refill by one a microsecond. */
export function measure({ burst, periodMs }: Rate): Measure {
  const stepUs = Math.max(1, Math.floor(periodMs * 1_000 / burst));
  return { stepUs, capacityUs: stepUs * burst };
}

/** What a bucket lacks, in microseconds of refilling. */
export function owedUs(fullAtUs: number, atUs: number): number {
  return Math.max(0, fullAtUs - atUs);
}

/** How long nothing can be taken of a bucket that lacks so much; 0 is now. */
export function waitUs(owed: number, { stepUs, capacityUs }: Measure): number {
  return Math.max(0, owed + stepUs - capacityUs);
}
