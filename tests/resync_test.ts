// Notifying everybody after an outage in which the outcome of operations is unknown.

import type { Database, Sql } from "../db/connection/database.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { configureLogging } from "../services/log.ts";
import { createResync, type Resync } from "../services/resync.ts";
import { ok } from "./assert.ts";

/** Resolves with the gap that everybody was notified of. */
function toldOfGap(): Promise<number> {
  const told = Promise.withResolvers<number>();
  configureLogging("json", (line) => {
    const [, ms] = line.match(/"Clients told to fetch again".*"gap_ms":(\d+)/) ?? [];
    if (ms !== undefined) told.resolve(Number(ms));
  });
  return told.promise;
}

/**
 * Runs `afterOutage` with a database that fails at first, which calls `onFailed`. Returns the gap that clients were told
 * of, and the time between the first look and the last.
 */
async function lookBack(onFailed: (resync: Resync) => void): Promise<{ gapMs: number; looksMs: number }> {
  const told = toldOfGap();
  let [failedAt, lookedAt] = [0, 0];
  const nothing = (() => Promise.resolve([])) as unknown as Sql;
  const database = {
    run(work: (sql: Sql) => Promise<unknown>) {
      lookedAt = performance.now();
      if (failedAt > 0) return work(nothing);
      failedAt = lookedAt;
      onFailed(resync);
      return Promise.reject(new DatabaseUnavailable());
    },
  };
  const resync = createResync({
    database: database as unknown as Database,
    threads: { forget() {} },
    newest: { forget() {}, read: () => Promise.reject() },
    hub: { userIds: () => [1], tell() {} } as never,
    upkeep: { endDeadSockets: () => Promise.resolve() } as never,
  });
  resync.afterOutage();
  // The timer of a look does not keep the process alive.
  const alive = setInterval(() => {}, 100);
  const ended = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error("Nobody was told")), 5_000);
    Deno.unrefTimer(timer);
  });
  const gapMs = await Promise.race([told, ended]).finally(() => clearInterval(alive));
  return { gapMs, looksMs: lookedAt - failedAt };
}

Deno.test("afterOutage() looks back to the first operation that failed, even if the first look fails as well", async () => {
  // As the supervisor does for every operation that it gives up.
  const { gapMs, looksMs } = await lookBack((resync) => resync.afterOutage());
  ok(gapMs > looksMs + 500, `${gapMs} ms`);
});

Deno.test("afterOutage() looks again even if the first look was refused a connection, which causes no further call of it", async () => {
  const { gapMs, looksMs } = await lookBack(() => {});
  ok(gapMs > looksMs + 500, `${gapMs} ms`);
});
