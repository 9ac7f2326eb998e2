// Tells whoever runs the service why the database is away, and when it is back: a line for each reason, and not one for each call.

import { type OutageReason, reasonOf } from "./outage_reasons.ts";

export type DatabaseNews =
  /** Calls fail. Told again while they do. */
  | { event: "away"; server: string } & OutageReason
  /** Some calls fail, because they need what a lock of somebody else's holds. */
  | { event: "held"; server: string } & OutageReason
  /** No connection more is to be had; calls share those that are open. */
  | { event: "cramped"; server: string; connections: number } & OutageReason
  | { event: "back"; server: string; afterMs: number };

/** The same reason is told once in this time. */
const TELL_EVERY_MS = 10_000;
const TELL_CRAMPED_EVERY_MS = 60_000;
/** It is back when nothing has failed for so long: a full disk fails one call and not the next. */
const SETTLED_MS = 2_000;

export interface OutageWatch {
  /** Calls this with what there is to tell. */
  onNews(tell: (news: DatabaseNews) => void): void;
  failed(error: unknown): void;
  /** A statement waited too long for a lock. */
  heldUp(error: unknown): void;
  worked(): void;
  /** One connection more was refused, while so many are open. */
  cramped(error: unknown, connections: number): void;
}

/** @param server its name, which is asked for when there is something to tell */
export function watchOutages(server: () => string, now = () => performance.now()): OutageWatch {
  const toldAt = new Map<string, number>();
  let since: number | null = null;
  let failedAt = 0;
  let workedAt: number | null = null;
  let isTold = false;
  let tell = (_news: DatabaseNews) => {};

  /** What has no code may have other words each time. */
  function isDue({ reason, code }: OutageReason, everyMs: number, sort = ""): boolean {
    const what = `${sort} ${code ? reason : ""}`;
    if (now() - (toldAt.get(what) ?? -Infinity) < everyMs) return false;
    toldAt.set(what, now());
    return true;
  }

  return {
    onNews: (hear) => void (tell = hear),
    failed(error) {
      failedAt = now();
      since ??= failedAt;
      workedAt = null;
      const reason = reasonOf(error);
      if (!isDue(reason, TELL_EVERY_MS)) return;
      isTold = true;
      tell({ event: "away", server: server(), ...reason });
    },
    worked() {
      if (since === null) return;
      workedAt ??= now();
      if (now() - failedAt < SETTLED_MS) return;
      if (isTold) tell({ event: "back", server: server(), afterMs: Math.round(workedAt - since) });
      since = workedAt = null;
      isTold = false;
    },
    heldUp(error) {
      const reason = reasonOf(error);
      if (isDue(reason, TELL_EVERY_MS)) tell({ event: "held", server: server(), ...reason });
    },
    cramped(error, connections) {
      const reason = reasonOf(error);
      if (!isDue(reason, TELL_CRAMPED_EVERY_MS, "cramped")) return;
      tell({ event: "cramped", server: server(), connections, ...reason });
    },
  };
}
