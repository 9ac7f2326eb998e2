import fc from "fast-check";
import { setImmediate } from "node:timers";
import { deepEqual, equal, ok, rejects } from "./assert.ts";

import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createGroupCommit } from "../services/group_commit.ts";
import { eventually } from "./support.ts";

/** Batches in the order in which they began, each finished by the test. */
function createRuns() {
  const runs: { jobs: number[]; finish: () => void; fail: (error: Error) => void }[] = [];
  const run = (jobs: number[]) =>
    new Promise<string[]>((resolve, reject) =>
      runs.push({ jobs, finish: () => resolve(jobs.map(String)), fail: reject })
    );
  return { runs, run };
}

/** Lets everything run that waits only for its turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  // Runs after every immediate that was set before.
  await new Promise<void>((resolve) => setImmediate(resolve));
}

Deno.test("add() runs jobs that arrive together as one batch", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 10, batchesMax: 2 });

  const together = [1, 2, 3].map(commits.add);
  await turn();

  deepEqual(runs.map(({ jobs }) => jobs), [[1, 2, 3]]);
  runs[0]!.finish();
  deepEqual(await Promise.all(together), ["1", "2", "3"]);
});

Deno.test("add() runs a single job in the same turn of the event loop", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 10, batchesMax: 2 });

  const alone = commits.add(1);
  await new Promise<void>((resolve) => setImmediate(resolve));

  deepEqual(runs.map(({ jobs }) => jobs), [[1]]);
  runs[0]!.finish();
  equal(await alone, "1");
});

Deno.test("add() has at most two batches in flight, and jobs that wait meanwhile become one batch", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 10, batchesMax: 2 });
  const jobs: Promise<string>[] = [];
  for (let job = 1; job <= 6; job += 1) {
    jobs.push(commits.add(job));
    await turn();
  }

  deepEqual(runs.map(({ jobs }) => jobs), [[1], [2]]);
  runs[1]!.finish();
  await turn();
  deepEqual(runs.map(({ jobs }) => jobs), [[1], [2], [3, 4, 5, 6]]);
  runs[0]!.finish();
  runs[2]!.finish();
  deepEqual(await Promise.all(jobs), ["1", "2", "3", "4", "5", "6"]);
});

Deno.test("add() never sets a timer to a negative time, however late it reads the clock", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 10, batchesMax: 2 });
  const { now } = performance;
  const { setTimeout } = globalThis;
  const waits: number[] = [];
  const first = [1, 2, 3, 4, 5].map(commits.add);
  await turn();
  globalThis.setTimeout = ((what: () => void, ms: number) => setTimeout(what, waits.push(ms))) as never;
  // Each reading of the clock is fifteen milliseconds after the one before.
  let looks = 0;
  performance.now = () => now.call(performance) + 15 * (looks += 1);
  const last = commits.add(6);
  await new Promise<void>((resolve) => setImmediate(resolve));
  Object.assign(globalThis, { setTimeout });
  performance.now = now;

  await eventually(() => runs.length === 2);
  ok(waits.every((ms) => ms >= 0), String(waits));
  runs.forEach(({ finish }) => finish());
  deepEqual(await Promise.all([...first, last]), ["1", "2", "3", "4", "5", "6"]);
});

Deno.test("add() begins a few jobs beside many only when there are half as many, or after a moment", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 10, batchesMax: 2, patienceMs: 1_000 });
  const first = [1, 2, 3, 4, 5].map(commits.add);
  await turn();
  const second = [6, 7].map(commits.add);
  await turn();

  deepEqual(runs.map(({ jobs }) => jobs), [[1, 2, 3, 4, 5]]);
  second.push(commits.add(8));
  await turn();
  deepEqual(runs.map(({ jobs }) => jobs), [[1, 2, 3, 4, 5], [6, 7, 8]]);
  runs[1]!.finish();
  deepEqual(await Promise.all(second), ["6", "7", "8"]);
  const third = commits.add(9);
  await eventually(() => equal(runs.length, 3));
  runs[2]!.finish();
  equal(await third, "9");
  runs[0]!.finish();
  deepEqual(await Promise.all(first), ["1", "2", "3", "4", "5"]);
});

Deno.test("add() begins another batch beside one only if it has the share of its size that was required", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 10, batchesMax: 2, shareMin: 1, patienceMs: 60_000 });
  const all = [1, 2, 3].map(commits.add);
  await turn();
  all.push(...[4, 5].map(commits.add));
  await turn();
  equal(runs.length, 1);
  all.push(commits.add(6));
  await turn();
  deepEqual(runs.map(({ jobs }) => jobs), [[1, 2, 3], [4, 5, 6]]);
  runs.forEach(({ finish }) => finish());
  deepEqual(await Promise.all(all), ["1", "2", "3", "4", "5", "6"]);
});

Deno.test("add() gives each job its own outcome, keeps their order and loses none, whatever the batches do", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ poison: fc.boolean(), pause: fc.boolean(), ms: fc.nat(2) }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      async (plan, jobsMax) => {
        let inFlight = 0;
        let inFlightMax = 0;
        const begun: number[] = [];
        const commits = createGroupCommit<number, string>({
          async run(jobs) {
            inFlight += 1;
            inFlightMax = Math.max(inFlightMax, inFlight);
            ok(jobs.length >= 1 && jobs.length <= jobsMax);
            begun.push(...jobs.filter((job) => !begun.includes(job)));
            await new Promise((resolve) => setTimeout(resolve, plan[jobs[0]!]!.ms));
            inFlight -= 1;
            if (jobs.some((job) => plan[job]!.poison)) throw new Error("Poisoned");
            return jobs.map((job) => `done ${job}`);
          },
          jobsMax,
          batchesMax: 2,
        });
        const added: Promise<string>[] = [];
        for (const [job, { pause }] of plan.entries()) {
          added.push(commits.add(job).catch(() => "poisoned"));
          if (pause) await turn();
        }

        deepEqual(
          await Promise.all(added),
          plan.map(({ poison }, job) => poison ? "poisoned" : `done ${job}`),
        );
        deepEqual(begun, plan.map((_, job) => job));
        ok(inFlightMax <= 2);
      },
    ),
    { numRuns: 60 },
  ));

Deno.test("add() runs no neighbour of a failing job again after it was committed", async () => {
  const committed: number[] = [];
  const commits = createGroupCommit<number, number>({
    async run(jobs) {
      if (jobs.includes(3)) throw new Error("Poisoned");
      committed.push(...jobs);
      return jobs;
    },
    jobsMax: 10,
    batchesMax: 2,
  });

  const settled = await Promise.allSettled([1, 2, 3, 4, 5].map(commits.add));

  deepEqual(settled.map(({ status }) => status === "fulfilled"), [true, true, false, true, true]);
  deepEqual(committed, [1, 2, 4, 5]);
});

Deno.test("add() fails a whole batch and all waiting jobs in an outage, and retries nothing", async () => {
  const { runs, run } = createRuns();
  const commits = createGroupCommit({ run, jobsMax: 3, batchesMax: 2 });
  const outcomes = Promise.allSettled([1, 2, 3, 4, 5, 6, 7, 8].map(commits.add));
  await turn();
  runs[0]!.fail(new DatabaseUnavailable("Gone"));
  await turn();
  runs[1]!.finish();

  deepEqual(
    (await outcomes).map((outcome) => outcome.status === "rejected" ? "failed" : outcome.value),
    ["failed", "failed", "failed", "4", "5", "6", "failed", "failed"],
  );
  equal(runs.length, 2);
});

Deno.test("add() does not retry the neighbours of a failing job once there is an outage", async () => {
  let runs = 0;
  const commits = createGroupCommit<number, number>({
    run(jobs) {
      runs += 1;
      return Promise.reject(jobs.length > 1 ? new Error("Poisoned") : new DatabaseUnavailable("Gone"));
    },
    jobsMax: 10,
    batchesMax: 2,
  });

  await Promise.all([1, 2, 3, 4].map((job) => rejects(commits.add(job), DatabaseUnavailable)));

  equal(runs, 2);
});

Deno.test("add() works again after an outage", async () => {
  let there = false;
  const commits = createGroupCommit<number, number>({
    run: (jobs) => there ? Promise.resolve(jobs) : Promise.reject(new DatabaseUnavailable("Gone")),
    jobsMax: 10,
    batchesMax: 2,
  });
  await rejects(commits.add(1), DatabaseUnavailable);
  there = true;

  equal(await commits.add(2), 2);
});

Deno.test("add() does not let a slow outcome hold up its neighbours or the next batch", async () => {
  const slow = Promise.withResolvers<number>();
  const commits = createGroupCommit<number, number>({
    run: (jobs) => Promise.resolve(jobs.map((job) => job === 1 ? slow.promise : job)),
    jobsMax: 10,
    batchesMax: 1,
  });
  const first = commits.add(1);

  deepEqual(await Promise.all([commits.add(2), commits.add(3)]), [2, 3]);
  equal(await commits.add(4), 4);
  slow.reject(new Error("Too slow"));
  await rejects(first, /Too slow/);
});
