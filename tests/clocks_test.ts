// Clocks that are set forward and back while the service runs, and two processes whose clocks stay apart:
// nobody is kept out for longer than the rule itself says, and all limits still apply.

import fc from "fast-check";
import { type BucketUse, readLevels, takenOf, takeUses, type Use } from "../db/buckets.ts";
import { CLOCKS_APART_MS } from "../db/clocks.ts";
import { connect, type Pool } from "../db/connection/database.ts";
import { takeOne } from "../db/windows.ts";
import { measure, type Rate, waitUs } from "../services/limits/bucket.ts";
import { stoppedMs, WATCHED } from "../services/sms/breaker.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { change } from "./contact_calls.ts";
import { createTestDatabase } from "./database.ts";
import { invite, invitesOf, join, numbers, withInvites } from "./invite_calls.ts";
import { limited, only } from "./limit_calls.ts";
import { ask, complete, DAY_MS, MINUTE_MS, SECOND_MS, withTwilio, wrong } from "./passcode_calls.ts";
import { ANN, BOB, CAT, friends, refused, succeeded, withApp } from "./support.ts";

const START = Date.UTC(2026, 0);
const HOUR_MS = 60 * MINUTE_MS;

async function withSql(run: (sql: Pool) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const sql = connect(database.address, { max: 1 });
  try {
    await run(sql);
  } finally {
    await sql.end({ timeout: 1 });
    await database.drop();
  }
}

const rate = fc.record({
  burst: fc.integer({ min: 1, max: 6 }),
  periodMs: fc.constantFrom(SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS),
});
/** By how much a clock is set, in milliseconds, and how much time passes afterwards. */
const move = fc.record({
  set: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    fc.constantFrom(HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, CLOCKS_APART_MS, -CLOCKS_APART_MS),
    fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }),
  ),
  ms: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 2 * MINUTE_MS }),
    fc.integer({ min: 0, max: DAY_MS }),
  ),
});
const moves = fc.array(move, { minLength: 1, maxLength: 20 });

/** Takes a use as a batch does: reads the level, takes, and undoes everything if the bucket is overdrawn. */
async function takeRead(sql: Pool, use: Use, atMs: number): Promise<{ wait: number; isOver: boolean }> {
  const at = new Date(atMs);
  const owed = (await readLevels(sql, [use], at)).get(use.key) ?? 0;
  const wanted: BucketUse = {
    key: use.key,
    step_us: use.stepUs,
    cost_us: use.stepUs,
    capacity_us: use.capacityUs,
  };
  const undone = new Error("It is over");
  const isOver = await sql.begin(async (sql) => {
    const [row] = await sql<{ is_over: boolean }[]>`
      with ${takenOf(sql, [wanted], at)} select is_over from taken`;
    if (row!.is_over) throw undone;
    return false;
  }).catch((error) => {
    if (error !== undone) throw error;
    return true;
  });
  return { wait: waitUs(owed, use), isOver };
}

Deno.test("a bucket keeps nobody out for much longer than it takes to refill, however the clock is set, and has room when it said", () =>
  withSql(async (sql) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(rate, moves, async (rate: Rate, moves) => {
        run += 1;
        const [called, read] = ["called", "read"].map((way) => ({ key: `${run} ${way}`, ...measure(rate) }));
        const { capacityUs, stepUs } = called!;
        // The worst case: a bucket that was mended already was filled by a wrong clock again.
        const longest = capacityUs + stepUs + 2 * CLOCKS_APART_MS * 1_000;
        let atMs = START;
        for (const { set, ms } of moves) {
          atMs += set + ms;
          const { wait } = await takeUses(sql, [called!], new Date(atMs));
          ok(wait <= longest, `${wait} of ${longest}`);
          // Both ways of taking agree at every moment.
          deepEqual(await takeRead(sql, read!, atMs), { wait, isOver: wait > 0 });
          if (wait === 0) continue;
          const dueMs = atMs + Math.ceil(wait / 1_000);
          if (wait > 2_000) {
            equal((await takeUses(sql, [called!], new Date(dueMs - 2))).wait > 0, true);
            equal((await takeRead(sql, read!, dueMs - 2)).isOver, true);
          }
          atMs = dueMs;
          equal((await takeUses(sql, [called!], new Date(atMs))).wait, 0);
          deepEqual(await takeRead(sql, read!, atMs), { wait: 0, isOver: false });
        }
      }),
      { numRuns: 150 },
    );
  }));

/** How many uses two processes give somebody who asks each of them twice a minute for `hours`. */
async function greedy(sql: Pool, rate: Rate, { apartMs, hours }: { apartMs: number; hours: number }) {
  const use = { key: `greedy ${apartMs}`, ...measure(rate) };
  let taken = 0;
  for (let atMs = START; atMs < START + hours * HOUR_MS; atMs += MINUTE_MS) {
    for (const clock of [atMs + apartMs, atMs, atMs + apartMs, atMs]) {
      if ((await takeUses(sql, [use], new Date(clock))).wait === 0) taken += 1;
    }
  }
  return taken;
}

Deno.test("two processes whose clocks are a minute apart give at most one use more than one process, ten minutes apart five more an hour", () =>
  withSql(async (sql) => {
    const rate = { burst: 20, periodMs: HOUR_MS };
    const hours = 5;
    const alone = await greedy(sql, rate, { apartMs: 0, hours });
    equal(alone, 20 + 20 * hours - 1);
    ok(await greedy(sql, rate, { apartMs: CLOCKS_APART_MS, hours }) <= alone + 1);
    const apart = await greedy(sql, rate, { apartMs: 10 * MINUTE_MS, hours });
    ok(apart <= alone + hours * 5, `${apart} instead of ${alone}`);
  }));

Deno.test("buckets that were used up by a clock a day ahead give one use at once when it is right, and then refill", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    t.clock.set(DAY_MS);
    const [one, two, three, four] = numbers(4) as [string, string, string, string];
    succeeded(await change(t, "request", ann, one));
    succeeded(await change(t, "request", ann, two));
    limited(await change(t, "request", ann, three));
    t.clock.set(-DAY_MS);

    succeeded(await change(t, "request", ann, three));
    equal(limited(await change(t, "request", ann, four)), 12 * 60 * 60);
    t.clock.advance(DAY_MS / 2);
    succeeded(await change(t, "request", ann, four));
  }, { env: { LIMITS: only("requests_user", "2/d") } }));

Deno.test("messages are limited by the time that passes, not by what the clock is set to", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    for (const jump of [DAY_MS, -2 * DAY_MS, DAY_MS]) {
      succeeded(await t.send(ann, bob, "one"));
      limited(await t.send(ann, bob, "too soon"));
      t.clock.set(jump);
      equal(limited(await t.send(ann, bob, "too soon")), 60);
      t.clock.advance(MINUTE_MS);
    }
  }, { env: { LIMITS: only("messages", "1/m") } }));

Deno.test("a passcode requested by a clock a day ahead is no reason to wait, and counts among the five of the day", () =>
  withApp(async (t) => {
    t.clock.freeze();
    t.clock.set(DAY_MS);
    succeeded(await ask(t, "signup", ANN));
    const early = t.codeFor(ANN);
    t.clock.set(-DAY_MS);

    const { body } = await ask(t, "signup", ANN);
    deepEqual([body.expires_in, body.resend_in], [600, 120]);
    refused(await complete(t, "signup", { phone: ANN, passcode: early }), 400, "invalid_passcode");
    equal(limited(await ask(t, "signup", ANN)), 120);
    for (const gap of [120, 300, 600]) {
      t.clock.advance(gap * SECOND_MS);
      succeeded(await ask(t, "signup", ANN));
    }
    t.clock.advance(600 * SECOND_MS);
    equal(limited(await ask(t, "signup", ANN)), (DAY_MS - 1_620 * SECOND_MS) / SECOND_MS);
  }));

Deno.test("two processes whose clocks are ten minutes apart give at most six passcodes a day", () =>
  withApp((one) =>
    withApp(async (two) => {
      [one, two].forEach(({ clock }) => clock.freeze());
      two.clock.set(10 * MINUTE_MS);
      let sent = 0;
      for (let minute = 0; minute < 120; minute += 1) {
        for (const t of [two, one]) if ((await ask(t, "signup", ANN)).status === 200) sent += 1;
        [one, two].forEach(({ clock }) => clock.advance(MINUTE_MS));
      }
      ok(sent <= 6, String(sent));
    }, { database: one.database })
  ));

Deno.test("wrong passcodes of a clock a day ahead allow one more when it is right, and count from then on", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const guess = (nth: number) =>
      complete(t, "signup", { phone: ANN, passcode: wrong(t.codeFor(ANN), nth) });
    succeeded(await ask(t, "signup", ANN));
    t.clock.set(DAY_MS);
    for (let round = 0; round < 2; round += 1) {
      t.clock.advance(10 * MINUTE_MS);
      succeeded(await ask(t, "signup", ANN));
      for (let nth = 1; nth <= 5; nth += 1) refused(await guess(nth), 400, "invalid_passcode");
    }
    t.clock.set(-DAY_MS);
    succeeded(await ask(t, "signup", ANN));
    refused(await guess(1), 400, "invalid_passcode");
    // Ten per address, plus the one that was allowed.
    equal(limited(await guess(2), "too_many_attempts"), DAY_MS / SECOND_MS);
    t.clock.advance(DAY_MS);
    succeeded(await ask(t, "signup", ANN));
    refused(await guess(3), 400, "invalid_passcode");
  }));

Deno.test("a window that two processes count ten minutes apart lets in at most one more than its maximum", () =>
  withSql(async (sql) => {
    const window = { key: "apart", max: 10, ms: DAY_MS };
    let taken = 0;
    for (let nth = 0; nth < 60; nth += 1) {
      for (const apartMs of [10 * MINUTE_MS, 10 * MINUTE_MS, 0]) {
        if (await takeOne(sql, window, new Date(START + nth * SECOND_MS + apartMs))) taken += 1;
      }
    }
    ok(taken >= 10 && taken <= 11, String(taken));
  }));

Deno.test("invitations of a clock a day ahead do not use up those of today", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const ann = await join(t, twilio, ANN);
    t.clock.set(DAY_MS);
    for (const phone of numbers(10)) await invite(t, ann, phone);
    const left = async () => (await invitesOf(t, ann)).remaining_today;
    equal(await left(), 0);
    t.clock.set(-DAY_MS);
    equal(await left(), 10);
  }));

Deno.test("stoppedMs() stops a prefix for at most an hour and a minute, whatever a wrong clock has stored", () => {
  const at = new Date(START);
  const sends = fc.array(fc.integer({ min: -3 * DAY_MS, max: DAY_MS }), {
    minLength: WATCHED,
    maxLength: WATCHED,
  });
  fc.assert(fc.property(sends, (ages) => {
    const latest = ages.map((age) => ({ sent_at: new Date(at.getTime() - age), verified: false }));
    ok(stoppedMs(latest, at) <= HOUR_MS + CLOCKS_APART_MS);
  }));
  const ahead = Array.from(
    { length: WATCHED },
    () => ({ sent_at: new Date(START + DAY_MS), verified: false }),
  );
  equal(stoppedMs(ahead, at), 0);
});

Deno.test("SMS that were counted by a clock a day ahead keep no address from its passcodes", () =>
  withTwilio(async (t) => {
    t.clock.freeze();
    t.clock.set(DAY_MS);
    succeeded(await ask(t, "signup", ANN));
    limited(await ask(t, "signup", BOB));
    t.clock.set(-DAY_MS);
    succeeded(await ask(t, "signup", BOB));
    equal(limited(await ask(t, "signup", CAT)), 60 * 60);
  }, { LIMITS: only("sms_address", "1/h") }));
