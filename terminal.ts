// What the service prints for the person who started it, and the signals that stop it.

import { createPrinter } from "./printing.ts";
import type { Config } from "./services/config.ts";
import { log } from "./services/log.ts";

/** How long the process waits at its end for its output to be read. */
const FLUSH_MS_MAX = 500;

const printer = createPrinter({
  write: (bytes) => Deno.stdout.write(bytes),
  onLost: (lines) => log.warn("Log lines dropped, because nothing read the output", { lines }),
});

/** Writes a line to standard output soon. */
export const printLine = printer.print;

/** Ends the process once its output is written, or nobody reads it. */
export async function exit(code: number): Promise<never> {
  await printer.flushed(FLUSH_MS_MAX);
  return Deno.exit(code);
}

/** Resolves with the first of these signals. */
export function untilTold(signals: Deno.Signal[]): Promise<Deno.Signal> {
  return new Promise((resolve) =>
    signals.forEach((signal) => Deno.addSignalListener(signal, () => resolve(signal)))
  );
}

const SIGHUP = 1;

/**
 * SIGHUP, or nothing. When a terminal closes, the service started in it has to stop, or its embedded database would stay
 * behind. A service started by `nohup` ignores the signal, and listening to it would undo that. If the system does not tell
 * which it is, as on anything but Linux, this does not listen.
 */
export function hangupSignals(): Deno.Signal[] {
  try {
    const [, ignored] = Deno.readTextFileSync("/proc/self/status").match(/^SigIgn:\s*([0-9a-f]+)$/m) ?? [];
    return ignored !== undefined && (BigInt(`0x${ignored}`) >> BigInt(SIGHUP - 1) & 1n) === 0n
      ? ["SIGHUP"]
      : [];
  } catch {
    return [];
  }
}

export interface Started {
  config: Config;
  port: number;
  /** Null without metrics. */
  metricsPort: number | null;
  /** The version of PostgreSQL. */
  version: string;
  embedded: { location: string; adopted: boolean } | null;
  /** Whether the web client was built. */
  hasWebClient: boolean;
}

/** Prints in a few lines where the service listens and what it uses; as one log line if the log is JSON. */
export function announce(
  { config, port, metricsPort, version, embedded, hasWebClient }: Started,
): void {
  const url = urlOf(config.host, port);
  const lines = {
    listening: url,
    client: hasWebClient ? `${url}/app` : "not built: deno task build",
    database: `PostgreSQL ${version}, ${
      embedded ? `embedded, in ${embedded.location}` : "from DATABASE_URL"
    }`,
    sms: config.sms.driver,
    passcodes: config.sms.driver === "console" ? `printed here, and shown at ${url}/dev` : "sent by SMS",
    ...(config.metrics && metricsPort !== null
      ? { metrics: `${urlOf(config.metrics.host, metricsPort)}/metrics` }
      : {}),
    ...(embedded?.adopted
      ? { recovered: "adopted the database server that a killed service left running" }
      : {}),
  };
  const pretty = config.logFormat === "pretty" || (config.logFormat === null && Deno.stdout.isTerminal());
  if (!pretty) return log.info("PuffinTalk is ready", lines);
  const entries = Object.entries(lines).map(([name, value]) => `  ${name.padEnd(10)} ${value}`);
  printLine(["PuffinTalk is ready", ...entries, `  ${"stop with".padEnd(10)} Ctrl-C`].join("\n"));
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Explains in a sentence why the service cannot start, naming what to change.
 * @param listener the prefix of the variables that say where to listen
 */
export function explain(error: unknown, listener: "" | "METRICS_" = ""): string {
  if (error instanceof Deno.errors.AddrInUse) return `${listener}PORT: Is in use by another program`;
  const isNoAddress = error instanceof Deno.errors.AddrNotAvailable ||
    // Thrown when Deno cannot resolve the host to listen on; errors about the database's host name the database themselves.
    error instanceof Error && /lookup address/.test(error.message);
  if (isNoAddress) return `${listener}HOST: Is not an address of this machine`;
  return error instanceof Error ? error.message : String(error);
}
