// Logs outages of the database. They are logged only here, because every call that meets one just answers
// 503.

import type { DatabaseNews } from "../db/connection/outage_watch.ts";
import type { Hearing } from "../db/notify.ts";
import { log } from "./log.ts";

/** Logs why the database is away, and when it is back. */
export function logDatabaseNews(news: DatabaseNews): void {
  const { event, server } = news;
  if (event === "back") return log.info("Database is back", { server, after_ms: news.afterMs });
  const { reason, code } = news;
  if (event === "away") return log.error("Database unavailable", { reason, code, server });
  if (event === "held") return log.warn("Calls gave up waiting for a lock", { reason, code, server });
  log.warn("Database refuses more connections", { reason, code, server, open: news.connections });
}

/**
 * Logs when announcements of other processes stop arriving, which nothing else would show, and when they
 * arrive again.
 */
export const logHearing: Pick<Required<Hearing>, "onLost" | "onBack"> = {
  onLost: (reason) => log.warn("Not receiving events of other processes", { ...reason }),
  onBack: (afterMs) =>
    log.info("Receiving events of other processes again", { after_ms: Math.round(afterMs) }),
};
