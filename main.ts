// PuffinTalk: reads its configuration, opens its database, wires the services, serves, and drains when told to stop.

import { type DatabaseAddress, openDatabase } from "./db/connection/database.ts";
import { findUnreadable } from "./db/media/media.ts";
import { migrate } from "./db/migrate/migrate.ts";
import { listen } from "./db/notify.ts";
import { isLoss } from "./db/connection/outages.ts";
import { awaitServer, type Server } from "./db/connection/server.ts";
import { collectWhenQuiet } from "./garbage.ts";
import { keepListening, type Listening } from "./listening.ts";
import { createApp } from "./routes/app.ts";
import { createRequestTracker, type RequestTracker } from "./routes/request_tracker.ts";
import { serveMetrics } from "./routes/metrics.ts";
import { readWebFiles } from "./routes/web_files.ts";
import { type Config, parseConfig } from "./services/config.ts";
import { startMemoryGuard } from "./services/events/memory_guard.ts";
import { configureLogging, describeError, log } from "./services/log.ts";
import type { Metrics } from "./services/metrics.ts";
import { developmentSecret } from "./services/secrets.ts";
import { createServices, type Services } from "./services/services.ts";
import { createSms } from "./services/sms/create.ts";
import { warnOfClock, warnOfMedia, warnOfSettings, warnOfSms } from "./start_warnings.ts";
import { announce, exit, explain, hangupSignals, printLine, untilTold } from "./terminal.ts";

const CONNECTIONS_MAX = 10;
/** How often a start continues after losing its database: a database that the migration itself kills is not retried for ever. */
const LOSSES_MAX = 3;
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
    const dbServer = await prepare(config, address, told);
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
    const metricsServer = metrics && openMetrics(config.metrics!, metrics);
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

/**
 * Waits for the database and migrates it. If the connection is lost meanwhile, nothing of the migration was applied, and
 * this waits for the database again.
 */
async function prepare(config: Config, address: DatabaseAddress, told: Promise<unknown>): Promise<Server> {
  for (let losses = 0;; losses += 1) {
    const server = await awaitServer(address, told, {
      onWaiting: (unreached) => log.warn("Waiting for the database", { ...unreached }),
    });
    tryPorts(config);
    try {
      const applied = await migrate(address, new URL("migrations/", import.meta.url), {
        stop: told,
        onWaiting: () => log.warn("Waiting for another process to migrate the database"),
        onHeldUp: (holders) =>
          log.warn("Waiting for others to release tables that a migration changes", { holders }),
      });
      const newest = applied.at(-1);
      if (newest) log.info("Database migrated", { migrations: applied.length, newest });
      return server;
    } catch (error) {
      if (!isLoss(error) || losses === LOSSES_MAX) throw error;
      log.warn("Database lost during the migration, trying again", describeError(error));
    }
  }
}

function serve(
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

/** Loads the metrics, which only a service with METRICS_PORT needs. */
async function loadMetrics(): Promise<Metrics> {
  const { createMetrics } = await import("./services/metrics.ts");
  return createMetrics();
}

function openMetrics(at: NonNullable<Config["metrics"]>, metrics: Metrics): Listening {
  return blamingMetrics(() => serve(at, serveMetrics(metrics)));
}

/** Checks the ports before anything is changed: after a migration the previous version does not start any more. */
function tryPorts({ host, port, metrics }: Config): void {
  Deno.listen({ hostname: host, port }).close();
  if (metrics) {
    blamingMetrics(() => Deno.listen({ hostname: metrics.host, port: metrics.port }).close());
  }
}

/** Makes its errors name METRICS_PORT or METRICS_HOST instead of PORT or HOST. */
function blamingMetrics<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new Error(explain(error, "METRICS_"), { cause: error });
  }
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

/** Loads the launcher and its binaries, which only a service without DATABASE_URL needs. */
async function startEmbedded(dataDir: string) {
  const launcher = await import("./db/embedded/launcher.ts");
  return await launcher.startEmbedded(dataDir, {
    onLost: () => log.error("Embedded PostgreSQL died, restarting it"),
  });
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
