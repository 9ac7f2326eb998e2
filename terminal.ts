// What the service says to whoever started it, and how it hears that it should stop.

import type { Config } from "./services/config.ts";
import { createPrinter } from "./printing.ts";
import { log } from "./services/log.ts";

/** What is printed in the last moment has this long to be read. */
const FLUSH_MS_MAX = 500;

const printer = createPrinter({
  write: (bytes) => Deno.stdout.write(bytes),
  onLost: (lines) => log.warn("Log lines dropped, because nothing read the output", { lines }),
});

/** Writes a line to standard output, soon. */
export const printLine = printer.print;

/** Ends the process, when what it printed is written, if anybody reads it. */
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
 * SIGHUP, or nothing. A terminal that closes ends what was started in it, or a database of its own would stay behind; but not
 * what `nohup` started: that ignores the signal, and would not any more if we listened to it. Where the system does not tell
 * which it is, as anywhere but on Linux, we do not listen.
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
  /** Null where there are no metrics. */
  metricsPort: number | null;
  /** Of PostgreSQL. */
  version: string;
  embedded: { location: string; adopted: boolean } | null;
  /** Whether it was built. */
  hasWebClient: boolean;
}

/** Says in a few lines where the service is and what it works with; to machines as one line of the log. */
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
 * Why the service cannot start, in a sentence that names what to change.
 * @param listener whose variables say where to listen
 */
export function explain(error: unknown, listener: "" | "METRICS_" = ""): string {
  if (error instanceof Deno.errors.AddrInUse) return `${listener}PORT: Is in use by another program`;
  const isNoAddress = error instanceof Deno.errors.AddrNotAvailable ||
    // Where Deno looks for the name of what it listens on; a database that is not found says so itself.
    error instanceof Error && /lookup address/.test(error.message);
  if (isNoAddress) return `${listener}HOST: Is not an address of this machine`;
  return error instanceof Error ? error.message : String(error);
}
