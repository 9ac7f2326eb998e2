// Starts the service under load: a process of its own, like `deno task serve` except that its database is on
// a Unix socket, as it is for the floors.

import denoJson from "../deno.json" with { type: "json" };
import { COUNT_LIMITS, RATE_LIMITS } from "../services/limits/table.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const SECRET = "a secret of thirty-two bytes or more";
const START_MS_MAX = 60_000;
const LOOK_EVERY_MS = 5;

/** Every limit is checked at every call, but refuses nothing. */
const LIMITS = [
  ...Object.keys(RATE_LIMITS).map((name) => `${name}=999999999/s`),
  ...Object.keys(COUNT_LIMITS).map((name) => `${name}=999999999`),
].join(",");

export interface Service {
  hostname: string;
  port: number;
  pid: number;
  /** Milliseconds from the start of the process to its first answer that it is ready. */
  readyAfterMs: number;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  databaseUrl: string;
  port?: number;
}

const running = new Set<Deno.ChildProcess>();

/** Remembers a child process, to end it if the bench is stopped. */
export function keepTrackOf(child: Deno.ChildProcess): void {
  running.add(child);
  child.status.then(() => running.delete(child));
}

export function killServices(): void {
  running.forEach((service) => service.kill("SIGKILL"));
}

let watch: { flags: string[]; onStarted: () => void } = { flags: [], onStarted: () => {} };

/**
 * From here on services are started with these additional flags of `deno run`. Calls `look` once the first of
 * them is ready.
 */
export function onServiceStarted<T>(flags: string[], look: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  watch = { flags, onStarted: () => resolve(look()) };
  return promise;
}

/** Starts the service and waits until it is ready. Its log goes to a file, as in production. */
export async function startService(
  { databaseUrl, port = freePort() }: ServiceOptions,
): Promise<Service> {
  const log = await Deno.makeTempFile({ prefix: "puffintalk-bench-", suffix: ".log" });
  const [, run, ...serve] = denoJson.tasks.serve.command
    .replace(" --production", "")
    // Permissions that Deno requires for a Unix socket.
    .replace(/--allow-read=\S+/, "--allow-read --allow-write")
    .split(" ");
  const startedAt = performance.now();
  const child = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      'log=$1; shift; exec "$@" >"$log" 2>&1',
      "sh",
      log,
      Deno.execPath(),
      run!,
      ...watch.flags,
      ...serve,
    ],
    cwd: ROOT,
    env: {
      DATABASE_URL: databaseUrl,
      JWT_SECRET: SECRET,
      LIMITS,
      LOG_FORMAT: "json",
      MEDIA_QUOTA_BYTES: String(Number.MAX_SAFE_INTEGER),
      PORT: String(port),
      SMS_DRIVER: "console",
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  keepTrackOf(child);
  let isEnded = false;
  child.status.then(() => isEnded = true);
  const service = { hostname: "127.0.0.1", port, pid: child.pid };
  while (!await isReady(service)) {
    if (isEnded || performance.now() - startedAt > START_MS_MAX) {
      throw new Error(`The service did not start: ${await Deno.readTextFile(log)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const readyAfterMs = performance.now() - startedAt;
  watch.onStarted();
  return {
    ...service,
    readyAfterMs,
    async stop() {
      if (!isEnded) child.kill("SIGTERM");
      await child.status;
      await Deno.remove(log);
    },
  };
}

async function isReady({ hostname, port }: { hostname: string; port: number }): Promise<boolean> {
  try {
    const answer = await fetch(`http://${hostname}:${port}/readyz`);
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

export { SECRET as BENCH_SECRET };
