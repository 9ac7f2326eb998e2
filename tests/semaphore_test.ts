import { deepEqual, equal, rejects } from "./assert.ts";

import { DatabaseLockTimeout, DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createSemaphore } from "../services/semaphore.ts";

/** Work that ends when it is told to. */
function work(name: string, began: string[]) {
  const end = Promise.withResolvers<void>();
  const run = () => {
    began.push(name);
    return end.promise.then(() => name);
  };
  return { run, end: end.resolve, fail: end.reject };
}

/** Lets everything run that waits for nothing outside. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("run() lets a limited number work at once, and the others in the order in which they came", async () => {
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

Deno.test("run() gives a turn on when its work failed, and fails nobody else with it", async () => {
  const semaphore = createSemaphore(1);
  const broken = semaphore.run(() => Promise.reject(new Error("Only this one")));
  const next = semaphore.run(() => Promise.resolve("next"));

  await rejects(broken, { message: "Only this one" });
  equal(await next, "next");
});

Deno.test("work that a lock holds up fails nobody else that waits", async () => {
  const semaphore = createSemaphore(1);
  const held = semaphore.run(() => Promise.reject(new DatabaseLockTimeout("Somebody else holds a lock")));
  const next = semaphore.run(() => Promise.resolve("next"));

  await rejects(held, DatabaseLockTimeout);
  equal(await next, "next");
});

Deno.test("nobody behind work that a lock holds up waits longer than the patience", async () => {
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

Deno.test("an outage fails at once all that wait, and those who come later are tried", async () => {
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
