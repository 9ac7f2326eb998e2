// What everybody is told after an outage of which nobody knows what became of the operations in it.

import { ok } from "./assert.ts";
import type { Database, Sql } from "../db/connection/database.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { configureLogging } from "../services/log.ts";
import { createResync } from "../services/resync.ts";

/** Says of how long a gap everybody was told. */
function toldOfGap(): Promise<number> {
  const told = Promise.withResolvers<number>();
  configureLogging("json", (line) => {
    const [, ms] = line.match(/"Clients told to fetch again".*"gap_ms":(\d+)/) ?? [];
    if (ms !== undefined) told.resolve(Number(ms));
  });
  return told.promise;
}

Deno.test("afterOutage() looks back to the first operation that failed, also where the first look fails as well", async () => {
  const told = toldOfGap();
  let [failedAt, lookedAt] = [0, 0];
  const nothing = (() => Promise.resolve([])) as unknown as Sql;
  const database = {
    run(work: (sql: Sql) => Promise<unknown>) {
      lookedAt = performance.now();
      if (failedAt > 0) return work(nothing);
      failedAt = lookedAt;
      // As the supervisor does of every operation that it gave up.
      resync.afterOutage();
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
  // What waits for a look keeps no process alive.
  const alive = setInterval(() => {}, 100);
  const gapMs = await told;
  clearInterval(alive);
  ok(gapMs > lookedAt - failedAt + 500, `${gapMs} ms`);
});
