import { deepEqual, equal, ok, rejects } from "./assert.ts";

import { createCollect } from "../garbage.ts";
import { createQueuedConcurrencyLimit } from "../services/limits/concurrency.ts";

const LONG_MS = 60_000;

/** Lets everything run that waits for no timer and no I/O. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("take() gives a person's slots in the order of the calls, each of them once", async () => {
  const slots = createQueuedConcurrencyLimit({ max: 2, waiting: 2, msMax: LONG_MS, retrySeconds: 5 });
  const begun: string[] = [];
  const take = async (name: string) => {
    const leave = await slots.take("ann");
    begun.push(name);
    return leave;
  };
  const [a, b, c, d] = ["a", "b", "c", "d"].map(take);
  await rejects(take("e"), { code: "rate_limited" });
  await settled();
  deepEqual(begun, ["a", "b"]);
  (await slots.take("bob"))();

  const [leaveA, leaveB] = [await a!, await b!];
  leaveB();
  leaveB();
  await settled();
  deepEqual(begun, ["a", "b", "c"]);
  leaveA();
  (await c!)();
  (await d!)();
  deepEqual(begun, ["a", "b", "c", "d"]);
  for (const leave of await Promise.all(["e", "f"].map(take))) leave();
});

Deno.test("take() refuses a caller who has waited too long, and their turn goes to the next", async () => {
  const slots = createQueuedConcurrencyLimit({ max: 1, waiting: 1, msMax: 50, retrySeconds: 5 });
  const leave = await slots.take("ann");
  await rejects(slots.take("ann"), (error: Error & { details?: { retryAfter?: number } }) => {
    equal(error.details?.retryAfter, 5);
    return true;
  });
  const next = slots.take("ann");
  leave();
  (await next)();
  (await slots.take("ann"))();
});

Deno.test("take() removes a caller who leaves while waiting, and their turn goes to the next", async () => {
  const slots = createQueuedConcurrencyLimit({ max: 1, waiting: 2, msMax: LONG_MS, retrySeconds: 5 });
  const leave = await slots.take("ann");
  const client = new AbortController();
  const left = slots.take("ann", client);
  const next = slots.take("ann", new AbortController());
  await rejects(slots.take("ann"), { code: "rate_limited" });
  client.abort();
  await rejects(left, { code: "rate_limited" });
  const last = slots.take("ann");
  await rejects(slots.take("ann", { signal: AbortSignal.abort() }), { code: "rate_limited" });
  leave();
  (await next)();
  (await last)();
  (await slots.take("ann"))();
});

Deno.test("take() keeps nothing of callers who waited in vain behind one who stays", async () => {
  const slots = createQueuedConcurrencyLimit({ max: 1, waiting: 2_000, msMax: 1, retrySeconds: 5 });
  const leave = await slots.take("ann");
  const collect = createCollect();
  const waitInVain = async () => {
    const all = await Promise.allSettled(Array.from({ length: 2_000 }, () => slots.take("ann")));
    ok(all.every(({ status }) => status === "rejected"));
  };
  await waitInVain();
  collect();
  const before = Deno.memoryUsage().heapUsed;
  for (let time = 0; time < 10; time += 1) await waitInVain();
  collect();
  ok(Deno.memoryUsage().heapUsed - before < 5 * 1024 * 1024);
  leave();
});
