import { deepEqual, equal, rejects } from "./assert.ts";

import { DatabaseLockTimeout, DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createSemaphore } from "../services/semaphore.ts";

/** A job that ends when `end` or `fail` is called. */
function work(name: string, began: string[]) {
  const end = Promise.withResolvers<void>();
  const run = () => {
    began.push(name);
    return end.promise.then(() => name);
  };
  return { run, end: end.resolve, fail: end.reject };
}

/** Lets all pending promise callbacks run. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("run() runs a limited number of jobs at a time, and the others in their order of arrival", async () => {
  const semaphore = createSemaphore(2);
  const began: string[] = [];
  const works = ["a", "b", "c", "d"].map((name) => work(name, began));
  const results = Promise.all(works.map(({ run }) => semaphore.run(run)));
  await settled();
  deepEqual(began, ["a", "b"]);

  works[1]!.end();
  await settled();
  deepEqual(began, ["a", "b", "c"]);

  works.forEach(({ end }) => end());
  deepEqual(await results, ["a", "b", "c", "d"]);
});

Deno.test("run() passes the turn on when its job failed, and fails no other job", async () => {
  const semaphore = createSemaphore(1);
  const broken = semaphore.run(() => Promise.reject(new Error("Only this one")));
  const next = semaphore.run(() => Promise.resolve("next"));

  await rejects(broken, { message: "Only this one" });
  equal(await next, "next");
});

Deno.test("a job that times out on a lock fails no other waiting job", async () => {
  const semaphore = createSemaphore(1);
  const held = semaphore.run(() => Promise.reject(new DatabaseLockTimeout("Somebody else holds a lock")));
  const next = semaphore.run(() => Promise.resolve("next"));

  await rejects(held, DatabaseLockTimeout);
  equal(await next, "next");
});

Deno.test("behind a job that times out on a lock, no job waits longer than the patience", async () => {
  const semaphore = createSemaphore(1, 20);
  const began: string[] = [];
  const first = work("first", began);
  const held = semaphore.run(first.run);
  const early = [1, 2].map(() => semaphore.run(work("early", began).run));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const late = semaphore.run(() => Promise.resolve("late"));
  first.fail(new DatabaseLockTimeout("Somebody else holds a lock"));

  for (const failed of [held, ...early]) await rejects(failed, DatabaseLockTimeout);
  equal(await late, "late");
  deepEqual(began, ["first"]);
});

Deno.test("an outage fails all waiting jobs at once, and later ones are tried", async () => {
  const semaphore = createSemaphore(1);
  const began: string[] = [];
  const first = work("first", began);
  const found = semaphore.run(first.run);
  const waiting = [1, 2].map(() => semaphore.run(work("waited", began).run));
  first.fail(new DatabaseUnavailable("Database does not answer"));

  for (const failed of [found, ...waiting]) await rejects(failed, DatabaseUnavailable);
  deepEqual(began, ["first"]);
  equal(await semaphore.run(() => Promise.resolve("later")), "later");
});
