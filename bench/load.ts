// A constant number of operations in flight: each is followed at once by the next. First a warm-up, then the
// measurement.

import { type Arena, type Costs, readCosts } from "./arena.ts";

export interface Load {
  /** Operations completed during the measurement. */
  operations: number;
  seconds: number;
  latenciesMs: number[];
  costs: [before: Costs, after: Costs];
  /** Operations of all workers, warm-up included. */
  total: number;
}

export interface Work {
  /** Runs one operation; resolves when all its effects have been seen. */
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
  // Goes on until at least one operation has ended.
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
