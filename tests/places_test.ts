import { deepEqual, equal, rejects } from "./assert.ts";

import { createWaitingPlaces } from "../services/limits/places.ts";

const LONG_MS = 60_000;

/** Lets everything run that waits for nothing outside. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("take() gives a person's places in the order in which they were asked for, each of them once", async () => {
  const places = createWaitingPlaces({ max: 2, waiting: 2, msMax: LONG_MS, retrySeconds: 5 });
  const begun: string[] = [];
  const take = async (name: string) => {
    const leave = await places.take("ann");
    begun.push(name);
    return leave;
  };
  const [a, b, c, d] = ["a", "b", "c", "d"].map(take);
  await rejects(take("e"), { code: "rate_limited" });
  await settled();
  deepEqual(begun, ["a", "b"]);
  (await places.take("bob"))();

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

Deno.test("take() refuses who has waited for so long, and his turn goes on to the next", async () => {
  const places = createWaitingPlaces({ max: 1, waiting: 1, msMax: 50, retrySeconds: 5 });
  const leave = await places.take("ann");
  await rejects(places.take("ann"), (error: Error & { details?: { retryAfter?: number } }) => {
    equal(error.details?.retryAfter, 5);
    return true;
  });
  const next = places.take("ann");
  leave();
  (await next)();
  (await places.take("ann"))();
});
