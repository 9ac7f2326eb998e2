// The ports of the service: its own, and that of the metrics where METRICS_PORT is set.

import { keepListening, type Listening } from "./listening.ts";
import { serveMetrics } from "./routes/metrics.ts";
import type { Config } from "./services/config.ts";
import { describeError, log } from "./services/log.ts";
import type { Metrics } from "./services/metrics.ts";
import { explain } from "./terminal.ts";

/** Checks the ports before anything is changed: after a migration the previous version does not start any more. */
export function checkPorts({ host, port, metrics }: Config): void {
  Deno.listen({ hostname: host, port }).close();
  if (metrics) {
    blamingMetrics(() => Deno.listen({ hostname: metrics.host, port: metrics.port }).close());
  }
}

export function serve(
  { host, port }: Pick<Config, "host" | "port">,
  fetch: Deno.ServeHandler<Deno.NetAddr>,
): Listening {
  const open = (port: number) => Deno.serve({ port, hostname: host, onListen: () => {} }, fetch);
  return keepListening(open, {
    port,
    onLost: (error) =>
      log.error("Cannot accept connections; raise the limit of open files", describeError(error)),
    onBack: () => log.info("Accepting connections again"),
  });
}

/** Serves the metrics on a port of their own. */
export function serveMetricsPort(at: NonNullable<Config["metrics"]>, metrics: Metrics): Listening {
  return blamingMetrics(() => serve(at, serveMetrics(metrics)));
}

/** Makes its errors name METRICS_PORT or METRICS_HOST instead of PORT or HOST. */
function blamingMetrics<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new Error(explain(error, "METRICS_"), { cause: error });
  }
}
