// What the service says to whoever started it, and how it hears that it should stop.

import type { Config } from "./services/config.ts";
import { log } from "./services/log.ts";
import { isPublic } from "./services/sms/create.ts";

const encoder = new TextEncoder();
/**
 * A write costs as much as ten lines: those of a busy service go out together, this long after the last were written. What
 * a process that is killed has not written is lost.
 */
const GATHERED_MS_MAX = 50;
/** So many characters go out at once. */
const GATHERED_MAX = 32_768;

let unwritten = "";
let timer: ReturnType<typeof setTimeout> | null = null;
let writtenAt = -Infinity;

/** Writes a line to standard output: at the end of this turn of the event loop, or with the lines of the next ones. */
export function printLine(line: string): void {
  unwritten += line.endsWith("\n") ? line : `${line}\n`;
  if (unwritten.length > GATHERED_MAX) writeOut();
  else timer ??= setTimeout(writeOut, Math.max(0, writtenAt + GATHERED_MS_MAX - performance.now()));
}

/** A reader that went away is no reason to stop. */
function writeOut(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  writtenAt = performance.now();
  let bytes = encoder.encode(unwritten);
  unwritten = "";
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  } catch { /* nobody reads any more */ }
}

globalThis.addEventListener("unload", writeOut);

/** Resolves with the first of these signals. */
export function untilTold(signals: Deno.Signal[]): Promise<Deno.Signal> {
  return new Promise((resolve) =>
    signals.forEach((signal) => Deno.addSignalListener(signal, () => resolve(signal)))
  );
}

const SIGHUP = 1;

/**
 * A terminal that closes ends what was started in it, or a database of its own would stay behind; but not what `nohup`
 * started, which ignores that signal and would not any more once it is listened to. Where nobody can say, it is not.
 */
export function hangup(): Deno.Signal[] {
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
  /** Of PostgreSQL. */
  version: string;
  embedded: { location: string; adopted: boolean } | null;
  /** Whether it was built. */
  hasWebClient: boolean;
}

/** Says in a few lines where the service is and what it works with; to machines as one line of the log. */
export function announce({ config, port, version, embedded, hasWebClient }: Started): void {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const url = `http://${host}:${port}`;
  const lines = {
    listening: url,
    client: hasWebClient ? `${url}/app` : "not built: deno task build",
    database: `PostgreSQL ${version}, ${embedded ? `its own, in ${embedded.location}` : "by DATABASE_URL"}`,
    sms: config.sms.driver,
    passcodes: config.sms.driver === "console" ? `printed here, and shown at ${url}/dev` : "sent by SMS",
    ...(embedded?.adopted ? { recovered: "the database server that a killed service left running" } : {}),
  };
  const pretty = config.logFormat === "pretty" || (config.logFormat === null && Deno.stdout.isTerminal());
  if (!pretty) return log.info("PuffinTalk is ready", lines);
  const entries = Object.entries(lines).map(([name, value]) => `  ${name.padEnd(10)} ${value}`);
  printLine(["PuffinTalk is ready", ...entries, `  ${"stop with".padEnd(10)} Ctrl-C`].join("\n"));
}

/** Says what works, and may still cost the operator dearly, or be of no use to whoever gets an SMS. */
export function warnOfSms({ sms, smsEnabled, limits, publicUrl }: Config): void {
  if (sms.driver !== "twilio" || !smsEnabled) return;
  if (!isPublic(publicUrl)) {
    log.warn(
      "PUBLIC_URL is of this network alone: links in SMS open nothing elsewhere, and Twilio reports nothing back",
      { public_url: publicUrl },
    );
  }
  const off = Object.entries(limits).filter(([name, limit]) => name.startsWith("sms_") && limit === null);
  if (off.length === 0) return;
  log.warn("LIMITS leaves SMS that cost money unlimited", { off: off.map(([name]) => name).join(", ") });
}

/** Why the service cannot start, in a sentence that names what to change. */
export function explain(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "PORT: Is in use by another program";
  if (error instanceof Deno.errors.AddrNotAvailable) return "HOST: Is no address of this machine";
  // Where Deno looks for the name of what it listens on; a database that is not found says so itself.
  if (error instanceof Error && /lookup address/.test(error.message)) {
    return "HOST: Is no address of this machine";
  }
  return error instanceof Error ? error.message : String(error);
}
