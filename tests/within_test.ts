import { equal, ok, rejects } from "./assert.ts";

import { within } from "../db/connection/within.ts";

/** Blocks the event loop for this long. */
function beBusy(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

const after = (ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms));

Deno.test("within() passes on an answer in time, and rejects when there is none", async () => {
  equal(await within(1_000, after(1)), 1);
  const startedAt = performance.now();
  await rejects(within(200, new Promise(() => {})), { message: "No answer within 200 ms" });
  ok(performance.now() - startedAt > 190);
});

Deno.test("within() does not count time in which the process was busy, whatever part of the wait that was", async () => {
  for (const busyAt of [0, 50, 190]) {
    const answer = within(200, after(210));
    setTimeout(() => beBusy(800), busyAt);
    equal(await answer, 210);
  }
});

Deno.test("within() still rejects if the process is busy all the time", async () => {
  const timer = setInterval(() => beBusy(400), 1);
  const startedAt = performance.now();
  await rejects(within(100, new Promise(() => {}))).finally(() => clearInterval(timer));
  ok(performance.now() - startedAt < 15_000);
});
