// Deletes media that were left behind: by phones that went away, by processes that were killed, by people who
// changed their minds.

import { CLOCKS_APART_MS } from "../../db/clocks.ts";
import type { Database } from "../../db/connection/database.ts";
import {
  type Ages,
  countRemains,
  deleteAbandoned,
  deleteUnsent,
  type Remains,
  unlinkOrphans,
} from "../../db/media/media_sweep.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** An upload in one piece ends after 30 s of silence; after this time its process must be dead. */
const ABANDONED_MS = 10 * MINUTE_MS;
/** How long a resumable upload can be resumed. */
export const RESUMABLE_MS = DAY_MS;
/** How long unsent media are kept. */
const UNSENT_MS = DAY_MS;
/** Media without an owner are dated back by this much, which is too old by the clock of any process. */
export const NOBODYS_MS = UNSENT_MS + CLOCKS_APART_MS;
/** How far back the hourly sweep looks for unsent media. */
const LOOK_BACK_MS = 7 * DAY_MS;

type OnStep = (what: keyof Remains, total: number) => void;

export type MediaSweep = ReturnType<typeof createMediaSweep>;

export function createMediaSweep({ database, now }: { database: Database; now: () => Date }) {
  let sweptBefore = false;

  function ages(since: Date): Ages {
    const ago = (ms: number) => new Date(now().getTime() - ms);
    return {
      uploads: ago(ABANDONED_MS),
      resumable: ago(RESUMABLE_MS),
      unsent: ago(UNSENT_MS),
      unsentSince: since,
    };
  }

  async function untilNone(step: () => Promise<number>, onStep: (total: number) => void): Promise<number> {
    let total = 0;
    for (let some = await step(); some > 0; some = await step()) onStep(total += some);
    return total;
  }

  async function deleteOld(of: Ages, onStep: OnStep): Promise<{ abandoned: number; unsent: number }> {
    const abandoned = await untilNone(
      () => database.run((sql) => deleteAbandoned(sql, of)),
      (total) => onStep("abandoned", total),
    );
    const unsent = await untilNone(
      () => database.begin((sql) => deleteUnsent(sql, of)),
      (total) => onStep("unsent", total),
    );
    return { abandoned, unsent };
  }

  /** The hourly sweep: media that became old recently, and on its first run in a process all old media. */
  async function recent(): Promise<{ abandoned: number; unsent: number }> {
    const since = new Date(sweptBefore ? now().getTime() - LOOK_BACK_MS : 0);
    const deleted = await deleteOld(ages(since), () => {});
    sweptBefore = true;
    return deleted;
  }

  /**
   * The full sweep, which compares all large objects with all rows. Rows without a large object are only
   * counted.
   * @param onStep called with the number of deletions of a kind so far
   */
  async function repair(onStep: OnStep = () => {}): Promise<Remains> {
    const { hollow } = await report();
    const old = await deleteOld(ages(new Date(0)), onStep);
    const orphans = await untilNone(
      () => database.begin(unlinkOrphans),
      (total) => onStep("orphans", total),
    );
    return { ...old, orphans, hollow };
  }

  /** Counts what `repair` would find, without deleting. */
  async function report(): Promise<Remains> {
    return await database.run((sql) => countRemains(sql, ages(new Date(0))));
  }

  return { recent, repair, report };
}
