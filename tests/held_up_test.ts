// A pair that another transaction has locked: what happens to its own calls, and that no others are affected.

import { DatabaseLockTimeout, DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createGroupCommit } from "../services/group_commit.ts";
import { createRetryQueue } from "../services/retry_queue.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { holding, untilWaiting } from "./locks.ts";
import { put } from "./mark_calls.ts";
import {
  ANN,
  CAT,
  eventually,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";

const DAN = "+14155550104";

/** Locks the row of a pair for as long as `run` takes. */
async function whileHeld(t: TestApp, [one, other]: Person[], run: () => Promise<void>): Promise<void> {
  await holding(t, async (sql) => {
    const held = await sql`
      select v.id from conversations v
      join users low on low.id = v.low_id
      join users high on high.id = v.high_id
      where ${one!.phone} in (low.phone_number, high.phone_number)
        and ${other!.phone} in (low.phone_number, high.phone_number)
      for update of v`;
    equal(held.length, 1);
    await run();
  });
}

Deno.test("a locked pair is 503 to calls that write, read or change it, and no other pair waits for it", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const [cat, dan] = [await t.signUp(CAT), await t.signUp(DAN)];
    await t.befriend(cat, dan);
    succeeded(await t.send(ann, bob, "first"));
    let isHeld = true;
    await whileHeld(t, [ann, bob], async () => {
      const stuck = [
        ...Array.from({ length: 6 }, (_, nth) => () => t.send(ann, bob, `${nth}`)),
        () => put(t, "read_all_text", bob, { phone_number: ann.phone }),
        () => t.call("PUT", "/api/contacts/delete", { token: ann.token, json: { phone_number: bob.phone } }),
      ].map(async (call) => {
        while (isHeld) {
          const since = performance.now();
          refused(await call(), 503, "unavailable");
          ok(performance.now() - since < 8_000);
        }
      });
      // Others wait too until it is known which pair is locked, and no longer after that.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      const since = performance.now();
      for (let nth = 0; nth < 40; nth += 1) {
        succeeded(await t.send(cat, dan, `${nth}`));
        succeeded(await put(t, "read_all_text", dan, { phone_number: cat.phone }));
      }
      ok(performance.now() - since < 3_000, `${performance.now() - since} ms`);
      isHeld = false;
      await Promise.all(stuck);
    });

    await eventually(async () => succeeded(await t.send(ann, bob, "last")));
    const bodies = await t
      .sql`select body from messages m join users u on u.id = m.sender_id where u.phone_number = ${ann.phone} order by m.id`;
    deepEqual(bodies.map(({ body }) => body), ["first", "last"]);
    equal(t.log.filter((line) => /Clients told to fetch again|Database unavailable/.test(line)).length, 0);
    ok(t.log.some((line) => line.includes("Calls gave up waiting for a lock")));
  }));

Deno.test("many locked pairs are 503, and the others in their batch succeed", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const friends: Person[] = [];
    for (let nth = 0; nth < 9; nth += 1) friends.push(await t.signUp(`+14155550${200 + nth}`));
    for (const friend of friends) {
      await t.befriend(ann, friend);
      succeeded(await t.send(friend, ann, "first"));
    }
    const parted = { phone_number: ann.phone };
    const calls = [
      (friend: Person) => t.send(friend, ann, "second"),
      (friend: Person) => put(t, "read_all_text", ann, { phone_number: friend.phone }),
      (friend: Person) => t.call("PUT", "/api/contacts/delete", { token: friend.token, json: parted }),
    ];
    const [free, held] = [friends.slice(0, calls.length), friends.slice(calls.length)];
    await holding(t, async (sql) => {
      await sql`
        select from conversations v
        join users u on u.id in (v.low_id, v.high_id)
        where u.phone_number = any(${held.map(({ phone }) => phone)})
        for update of v`;
      await Promise.all(calls.map(async (call, nth) => {
        // The free one comes last, behind more than can be tried one by one before it would be given up.
        const answers = await Promise.all([...held, free[nth]!].map(call));
        succeeded(answers.pop()!);
        for (const answer of answers) refused(answer, 503, "unavailable");
      }));
    });
  }));

Deno.test("a number that is locked is 503, and other numbers from the same address succeed", () =>
  withApp(async (t) => {
    const held = "+14155550150";
    const others = Array.from({ length: 8 }, (_, nth) => `+1415555016${nth}`);
    for (const phone_number of [held, ...others]) {
      succeeded(await t.call("POST", "/api/auth/signup", { json: { phone_number } }));
    }
    const complete = (phone_number: string) =>
      t.call("POST", "/api/auth/complete-signup", {
        json: { phone_number, passcode: t.codeFor(phone_number) },
      });
    await holding(t, async (sql) => {
      await sql`select from passcodes where phone_number = ${held} for update`;
      // As many as may run at once for one address.
      const stuck = Array.from({ length: 5 }, () => complete(held));
      await untilWaiting(t, stuck.length);
      for (const answer of await Promise.all(others.map(complete))) succeeded(answer);
      for (const answer of await Promise.all(stuck)) refused(answer, 503, "unavailable");
    });
  }, { env: { LIMITS: "" } }));

const lockOf = (job: string) => job.split(" ")[0]!;

Deno.test("jobs of a held lock are retried together beside the batches, and join the batches again once they succeed", async () => {
  const runs: string[][] = [];
  let isHeld = true;
  const commits = createGroupCommit<string, string>({
    async run(jobs) {
      runs.push(jobs);
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (isHeld && jobs.some((job) => job.startsWith("stuck"))) throw new DatabaseLockTimeout("Held");
      return jobs;
    },
    jobsMax: 10,
    batchesMax: 1,
    locks: { of: lockOf, held: () => Promise.resolve(new Set(isHeld ? ["stuck"] : [])) },
  });
  const failing = (job: string) => commits.add(job).then(() => "done", (error) => error.constructor.name);
  const first = await Promise.all(["stuck 1", "free 1", "stuck 2", "other 1"].map(failing));
  deepEqual(first, ["DatabaseLockTimeout", "done", "DatabaseLockTimeout", "done"]);
  deepEqual(runs, [["stuck 1", "free 1", "stuck 2", "other 1"], ["free 1", "other 1"], [
    "stuck 1",
    "stuck 2",
  ]]);

  runs.splice(0);
  await Promise.all([failing("stuck 3"), failing("free 2"), failing("free 3")]);
  deepEqual(runs, [["stuck 3"], ["free 2", "free 3"]]);

  isHeld = false;
  runs.splice(0);
  equal(await failing("stuck 4"), "done");
  await new Promise((resolve) => setTimeout(resolve, 0));
  deepEqual(await Promise.all([failing("stuck 5"), failing("free 4")]), ["done", "done"]);
  deepEqual(runs, [["stuck 4"], ["stuck 5", "free 4"]]);
});

Deno.test("if it is unknown which locks are held, the jobs of each lock are retried separately", async () => {
  const runs: string[][] = [];
  const commits = createGroupCommit<string, string>({
    async run(jobs) {
      runs.push(jobs);
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (jobs.some((job) => job.startsWith("stuck"))) throw new DatabaseLockTimeout("Held");
      return jobs;
    },
    jobsMax: 10,
    batchesMax: 1,
    locks: { of: lockOf, held: () => Promise.reject(new Error("A mistake of ours")) },
  });
  const all = ["stuck 1", "free 1", "stuck 2"];
  const ends = await Promise.allSettled(all.map((job) => commits.add(job)));
  deepEqual(ends.map(({ status }) => status), ["rejected", "fulfilled", "rejected"]);
  deepEqual(runs, [all, ["stuck 1", "stuck 2"], ["free 1"]]);
});

Deno.test("an outage that is found when held locks are looked up fails the batch, and nothing of it is retried", async () => {
  let runs = 0;
  const commits = createGroupCommit<string, string>({
    run() {
      runs += 1;
      return Promise.reject(new DatabaseLockTimeout("Held"));
    },
    jobsMax: 10,
    batchesMax: 1,
    locks: { of: lockOf, held: () => Promise.reject(new DatabaseUnavailable("Away")) },
  });
  const ends = await Promise.allSettled(["one 1", "two 1", "three 1"].map((job) => commits.add(job)));
  deepEqual(ends.map((end) => end.status === "rejected" && end.reason.message), ["Away", "Away", "Away"]);
  equal(runs, 1);
});

Deno.test("if more locks are held than can be tried in time, the other jobs are given up", async () => {
  const [settled, givenUp]: [number[], number[]] = [[], []];
  const retries = createRetryQueue<number>({
    lockOf: (job) => job % 8,
    settle: async (jobs) => {
      settled.push(...jobs);
      await new Promise((resolve) => setTimeout(resolve, 30));
      return false;
    },
    giveUp: (jobs) => void givenUp.push(...jobs),
    patienceMs: 20,
  });
  for (let job = 1; job <= 9; job += 1) retries.add(job);
  await eventually(() => settled.length + givenUp.length === 9);

  deepEqual(settled, [1, 9, 2]);
  deepEqual(givenUp, [3, 4, 5, 6, 7, 8]);
  ok(retries.takes(3));
});
