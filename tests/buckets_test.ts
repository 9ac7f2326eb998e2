// Buckets compared with a model that is too simple to be wrong: it gains one unit per microsecond.

import fc from "fast-check";
import { giveBackUses, takeUses } from "../db/buckets.ts";
import { connect } from "../db/connection/database.ts";
import { measure, type Rate } from "../services/limits/bucket.ts";
import { createMemoryLimiter } from "../services/limits/memory_limiter.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";

/** The content of a bucket, as a number that grows with time up to the capacity. */
class Model {
  readonly step: bigint;
  readonly capacity: bigint;
  units: bigint;
  at = 0;

  constructor(rate: Rate) {
    const { stepUs, capacityUs } = measure(rate);
    [this.step, this.capacity] = [BigInt(stepUs), BigInt(capacityUs)];
    this.units = this.capacity;
  }

  /** Microseconds until a use is available. */
  wait(atMs: number): bigint {
    const dripped = this.units + BigInt(atMs - this.at) * 1000n;
    this.units = dripped > this.capacity ? this.capacity : dripped;
    this.at = atMs;
    return this.units >= this.step ? 0n : this.step - this.units;
  }
}

const rate = fc.record({
  burst: fc.integer({ min: 1, max: 50 }),
  periodMs: fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 31 * 86_400_000 })),
});
/** Advances of the clock in milliseconds, each followed by an attempt. */
const tries = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000 }), fc.nat()), {
  minLength: 1,
  maxLength: 60,
});

Deno.test("measure() makes a burst cost exactly the capacity, which refills within the period unless a use costs one microsecond", () => {
  const any = fc.record({
    burst: fc.integer({ min: 1, max: 999_999_999 }),
    periodMs: fc.integer({ min: 1_000, max: 99_999 * 86_400_000 }),
  });
  fc.assert(fc.property(any, ({ burst, periodMs }) => {
    const { stepUs, capacityUs } = measure({ burst, periodMs });
    ok(Number.isSafeInteger(capacityUs) && stepUs >= 1 && capacityUs === burst * stepUs);
    ok(stepUs === 1 || capacityUs <= periodMs * 1_000);
  }));
});

Deno.test("a memory limiter of several rates allows what all of their models allow, and says how long to wait", () => {
  fc.assert(fc.property(fc.array(rate, { minLength: 1, maxLength: 3 }), tries, (rates, moves) => {
    let atMs = 0;
    const limiter = createMemoryLimiter({ rates, elapsedMs: () => atMs });
    const models = rates.map((rate) => new Model(rate));
    for (const ms of moves) {
      atMs += ms;
      const waits = models.map((model) => model.wait(atMs));
      const longest = waits.reduce((one, other) => one > other ? one : other);
      const expected = longest === 0n ? null : Number((longest + 999_999n) / 1_000_000n);
      equal(limiter.take("key"), expected);
      if (expected === null) models.forEach((model) => model.units -= model.step);
    }
  }));
});

Deno.test("a memory limiter gives back what was taken, and no more", () => {
  const limiter = createMemoryLimiter({ rates: [{ burst: 3, periodMs: 3_000 }], elapsedMs: () => 0 });
  for (let time = 0; time < 3; time += 1) equal(limiter.take("key"), null);
  equal(limiter.take("key"), 1);
  limiter.giveBack("key");
  equal(limiter.take("key"), null);
  equal(limiter.take("key"), 1);
  for (let time = 0; time < 10; time += 1) limiter.giveBack("key");
  for (let time = 0; time < 3; time += 1) equal(limiter.take("key"), null);
  equal(limiter.take("key"), 1);
});

Deno.test("a memory limiter forgets full buckets, and keeps a limited number of others", () => {
  let atMs = 0;
  const limiter = createMemoryLimiter({
    rates: [{ burst: 1, periodMs: 1_000 }],
    elapsedMs: () => atMs,
    keysMax: 15_000,
  });
  for (let nth = 0; nth < 9_999; nth += 1) limiter.take(`early ${nth}`);
  equal(limiter.size(), 9_999);
  atMs = 1_000;
  limiter.take("late");
  equal(limiter.size(), 1);
  for (let nth = 0; nth < 19_998; nth += 1) limiter.take(`many ${nth}`);
  equal(limiter.size(), 15_000);
  equal(limiter.take("many 19997"), 1);
});

Deno.test("take_uses() takes all uses or none, as the models do, from sets of buckets that overlap", async () => {
  const database = await createTestDatabase();
  const sql = connect(database.address, { max: 1 });
  let run = 0;
  const call = fc.record({
    ms: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
    places: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
    back: fc.boolean(),
  });
  const rates = fc.array(rate, { minLength: 4, maxLength: 4 });
  try {
    await fc.assert(
      fc.asyncProperty(rates, fc.array(call, { minLength: 1, maxLength: 15 }), async (rates, calls) => {
        run += 1;
        const models = rates.map((rate) => new Model(rate));
        let atMs = Date.UTC(2026, 0);
        models.forEach((model) => model.at = atMs);
        for (const { ms, places, back } of calls) {
          atMs += ms;
          const sorted = places.toSorted();
          const uses = sorted.map((place) => ({ key: `${run} ${place}`, ...measure(rates[place]!) }));
          const waits = sorted.map((place) => models[place]!.wait(atMs));
          const longest = waits.reduce((one, other) => one > other ? one : other);
          const taken = await takeUses(sql, uses, new Date(atMs));
          if (longest === 0n) sorted.forEach((place) => models[place]!.units -= models[place]!.step);
          const lacks = sorted.map((place) => Number(models[place]!.capacity - models[place]!.units));
          deepEqual(taken, { wait: Number(longest), owed: lacks });
          if (!back || longest > 0n) continue;
          await giveBackUses(sql, uses);
          sorted.forEach((place) => models[place]!.units += models[place]!.step);
        }
      }),
      { numRuns: 40 },
    );
  } finally {
    await sql.end({ timeout: 1 });
    await database.drop();
  }
});
