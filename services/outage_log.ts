// What the log says of a database that is away: here alone, because every call that finds it so is just 503.

import type { Hearing } from "../db/notify.ts";
import type { DatabaseNews } from "../db/connection/outage_watch.ts";
import { log } from "./log.ts";

/** Logs why the database is away, and when it is back. */
export function logDatabaseNews(news: DatabaseNews): void {
  const { event, server } = news;
  if (event === "back") return log.info("Database is back", { server, after_ms: news.afterMs });
  const { reason, code } = news;
  if (event === "away") return log.error("Database unavailable", { reason, code, server });
  if (event === "held") return log.warn("Calls wait for a lock in vain", { reason, code, server });
  log.warn("Database takes no more connections", { reason, code, server, open: news.connections });
}

/** Logs that what other processes announce is not heard, which nobody else would notice, and when it is again. */
export const logHearing: Pick<Required<Hearing>, "onLost" | "onBack"> = {
  onLost: (reason) => log.warn("Other processes are not heard", { ...reason }),
  onBack: (afterMs) => log.info("Other processes are heard again", { after_ms: Math.round(afterMs) }),
};
