// PuffinTalk: reads its configuration, opens its database, wires the services, serves, and drains when told to stop.

import { type DatabaseAddress, openDatabase } from "./db/connection/database.ts";
import { findUnreadable } from "./db/media/media.ts";
import { listen } from "./db/notify.ts";
import { collectWhenQuiet } from "./garbage.ts";
import type { Listening } from "./listening.ts";
import { checkPorts, serve, serveMetricsPort } from "./ports.ts";
import { createApp } from "./routes/app.ts";
import { createRequestTracker, type RequestTracker } from "./routes/request_tracker.ts";
import { readWebFiles } from "./routes/web_files.ts";
import { type Config, parseConfig } from "./services/config.ts";
import { startMemoryGuard } from "./services/events/memory_guard.ts";
import { configureLogging, describeError, log } from "./services/log.ts";
import type { Metrics } from "./services/metrics.ts";
import { developmentSecret } from "./services/secrets.ts";
import { createServices, type Services } from "./services/services.ts";
import { createSms } from "./services/sms/create.ts";
import { prepareDatabase, startEmbedded } from "./start_database.ts";
import { warnOfClock, warnOfMedia, warnOfSettings, warnOfSms } from "./start_warnings.ts";
import { announce, exit, explain, hangupSignals, printLine, untilTold } from "./terminal.ts";

const CONNECTIONS_MAX = 10;
/** How much of the ten seconds for a stop running requests get. */
const DRAIN_MS_MAX = 5_500;
/** The last part of that, reserved for requests that are aborted: their uploads are deleted, and they are answered. */
const GIVING_UP_MS = 1_500;
/** Enough to answer a request for metrics; a client that does not finish its request is not waited for. */
const METRICS_MS_MAX = 500;
/** When the process ends, even if something still hangs. */
const STOP_MS_MAX = 9_500;

/** Runs the service until it is told to stop. */
async function run(config: Config, told: Promise<Deno.Signal>): Promise<void> {
  const now = () => new Date();
  const elapsedMs = () => performance.now();
  const embedded = config.databaseUrl ? null : await startEmbedded(config.dataDir);
  try {
    const address: DatabaseAddress = config.databaseUrl ?? embedded!.address;
    const dbServer = await prepareDatabase(address, told, () => checkPorts(config));
    const database = openDatabase(address, { max: CONNECTIONS_MAX });
    const secrets = config.jwtSecrets ?? [await developmentSecret(config.dataDir)];
    const metrics = config.metrics && await loadMetrics();
    const sender = await createSms(config.sms, { print: printLine, now, publicUrl: config.publicUrl });
    const sms = metrics?.counting(sender) ?? sender;
    const services = createServices({ config, database, secrets, sms, now, elapsedMs });
    const listener = await listen(address, services.fromOthers);
    const tracker = createRequestTracker({ patienceMs: DRAIN_MS_MAX - GIVING_UP_MS });
    const webFiles = await readWebFiles(new URL("web/dist/", import.meta.url));
    const app = createApp(services, config, {
      tracker,
      webFiles,
      ...(metrics ? { count: metrics.count } : {}),
    });
    const stopCollecting = collectWhenQuiet(tracker.count);
    const server = serve(config, app.fetch);
    metrics?.watch({
      requestsUnderWay: tracker.inFlight,
      sockets: services.hub.countSockets,
      isReady: () => services.ready().then(() => true, () => false),
    });
    const metricsServer = metrics && serveMetricsPort(config.metrics!, metrics);
    services.upkeep.start();
    services.push.start();
    const stopWatching = startMemoryGuard(services.hub);
    announce({
      config,
      port: server.port,
      metricsPort: metricsServer?.port ?? null,
      version: dbServer.version,
      embedded,
      hasWebClient: webFiles.size > 0,
    });
    warnOfSms(config);
    warnOfClock(dbServer.clockAheadMs);
    warnOfSettings(dbServer);
    database.run(findUnreadable).then(warnOfMedia, () => {});

    log.info("Stopping", { signal: await told });
    stopCollecting();
    stopWatching();
    await drain(services, tracker, server);
    if (metricsServer) await atMost(METRICS_MS_MAX, metricsServer.shutdown());
    await listener.close();
    await database.close();
  } finally {
    await embedded?.stop();
  }
}

/** Loads the metrics, which only a service with METRICS_PORT needs. */
async function loadMetrics(): Promise<Metrics> {
  const { createMetrics } = await import("./services/metrics.ts");
  return createMetrics();
}

/** Starts nothing new, and lets running work finish within the time limit. */
async function drain(services: Services, tracker: RequestTracker, server: Listening): Promise<void> {
  services.upkeep.stop();
  services.hub.closeAll();
  await atMost(DRAIN_MS_MAX, tracker.drain().then(() => server.shutdown()));
  await services.push.stop();
}

/** Waits until it has ended, but at most so long. */
async function atMost(ms: number, ended: Promise<void>): Promise<void> {
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ms))]);
}

// An unhandled error must not close everybody's connections. postgres.js sometimes throws from a timer, when a connection is
// lost while it writes; the pool is then replaced.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  log.error("Unhandled rejection", describeError(event.reason));
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  log.error("Uncaught error", describeError(event.error));
});

const told = untilTold(["SIGINT", "SIGTERM", ...hangupSignals()]);
let stopping = false;
told.then(() => {
  stopping = true;
  setTimeout(() => Deno.exit(0), STOP_MS_MAX);
});

try {
  const config = parseConfig(Deno.env.toObject(), { production: Deno.args.includes("--production") });
  configureLogging(config.logFormat ?? (Deno.stdout.isTerminal() ? "pretty" : "json"), printLine);
  await run(config, told);
  await exit(0);
} catch (error) {
  if (stopping) await exit(0);
  console.error(`PuffinTalk cannot start:\n${explain(error)}`);
  await exit(1);
}
