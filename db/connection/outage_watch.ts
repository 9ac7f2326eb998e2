// Reports to the operator why the database is away, and when it is back: once per reason, not once per call.

import { type OutageReason, reasonOf } from "./outage_reasons.ts";

export type DatabaseNews =
  /** Calls fail. Repeated while they do. */
  | { event: "away"; server: string } & OutageReason
  /** Some calls fail because somebody else holds a lock that they need. */
  | { event: "held"; server: string } & OutageReason
  /** The server refuses more connections; calls share the open ones. */
  | { event: "cramped"; server: string; connections: number } & OutageReason
  | { event: "back"; server: string; afterMs: number };

/** The same reason is reported at most once in this time. */
const TELL_EVERY_MS = 10_000;
const TELL_CRAMPED_EVERY_MS = 60_000;
/**
 * An outage is over when nothing has failed for this long: with a full disk one call fails and the next does
 * not.
 */
const SETTLED_MS = 2_000;

export interface OutageWatch {
  /** Sets the callback for reports. */
  onNews(tell: (news: DatabaseNews) => void): void;
  failed(error: unknown): void;
  /** A statement timed out on a lock. */
  heldUp(error: unknown): void;
  worked(): void;
  /** Another connection was refused while `connections` are open. */
  cramped(error: unknown, connections: number): void;
}

/** @param server returns the name of the server; called when there is something to report */
export function watchOutages(server: () => string, now = () => performance.now()): OutageWatch {
  const toldAt = new Map<string, number>();
  let since: number | null = null;
  let failedAt = 0;
  let workedAt: number | null = null;
  let isTold = false;
  let tell = (_news: DatabaseNews) => {};

  /**
   * Whether this reason was not reported recently. Errors without a code count as one reason, since their
   * wording may differ each time.
   */
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
