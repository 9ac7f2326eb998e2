// A load of so many operations in flight, each followed at once by the next: warmed up, then measured.

import { type Arena, type Costs, readCosts } from "./arena.ts";

export interface Load {
  /** Operations that ended while it was measured. */
  operations: number;
  seconds: number;
  latenciesMs: number[];
  costs: [before: Costs, after: Costs];
  /** Of each worker, warm-up included. */
  total: number;
}

export interface Work {
  /** One operation of this worker, resolved when all of it has been seen. */
  operate(): Promise<void>;
}

export async function putUnderLoad(
  arena: Arena,
  services: { pid: number }[],
  workers: Work[],
): Promise<Load> {
  const latenciesMs: number[] = [];
  let total = 0;
  let isMeasured = false;
  let isOver = false;
  const all = Promise.all(workers.map(async ({ operate }) => {
    while (!isOver) {
      const startedAt = performance.now();
      await operate();
      total += 1;
      if (isMeasured) latenciesMs.push(performance.now() - startedAt);
    }
  }));
  const failed = all.then(() => {});

  await Promise.race([failed, pause(arena.size.warmUpMs)]);
  const before = await readCosts(arena, services);
  const startedAt = performance.now();
  isMeasured = true;
  // However slow it is, something has to be counted.
  do await Promise.race([failed, pause(arena.size.seconds * 1000)]); while (latenciesMs.length === 0);
  const operations = latenciesMs.length;
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await readCosts(arena, services);
  isOver = true;
  await all;
  return {
    operations,
    seconds,
    latenciesMs: latenciesMs.slice(0, operations),
    costs: [before, after],
    total,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
