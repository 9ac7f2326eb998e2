// The service as operators run it: in a process of its own.

import { join } from "node:path";
import { connect, type Pool } from "../db/connection/database.ts";
import { createTestDatabase } from "./database.ts";

export interface Service {
  url: string;
  pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** The fields of its announcement that it is ready. */
  ready: Record<string, string>;
  /** Sends a signal and resolves with the exit code. */
  end(signal: Deno.Signal): Promise<number>;
}

export interface ServiceOptions {
  env?: Record<string, string>;
  /** Runs this deno task; without it, main.ts itself. */
  task?: "start" | "serve";
  uid?: number;
  gid?: number;
}

const ROOT = new URL("..", import.meta.url).pathname;

/** Starts a service and waits until it is ready. It has to be stopped by `end`. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const service = spawnService(options);
  const ready = await service.ready;
  return { ...service, ready, url: ready.listening! };
}

/**
 * Runs with a function that starts services on one database, and with a pool on that database. All services
 * are stopped at the end.
 */
export async function withServices(
  run: (start: () => Promise<Service>, sql: Pool) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase();
  const sql = connect(database.address, { max: 2 });
  const started: Service[] = [];
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: "a secret of thirty-two bytes or more",
    SMS_DRIVER: "console",
    LIMITS: "off",
  };
  try {
    await run(async () => {
      const service = await startService({ env });
      started.push(service);
      return service;
    }, sql);
  } finally {
    for (const service of started) await service.end("SIGKILL").catch(() => {});
    await sql.end({ timeout: 1 });
    await database.drop();
  }
}

/**
 * Runs a test against a process and a database of its own. The service prints passcodes and has no limits.
 */
export async function withService(run: (service: Service) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: "s".repeat(40),
    LIMITS: "off",
    SMS_DRIVER: "console",
  };
  const service = await startService({ env });
  try {
    await run(service);
  } finally {
    // In case the test has not stopped it.
    await service.end("SIGKILL").catch(() => {});
    await database.drop();
  }
}

/** Starts a service without waiting, for starts that have to fail. */
export function spawnService({ env = {}, task, uid, gid }: ServiceOptions) {
  const args = task ? ["task", task] : ["run", "-A", "--frozen", join(ROOT, "main.ts")];
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { PORT: "0", LOG_FORMAT: "json", ...env, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
    stdin: "null",
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  }).spawn();
  let output = "";
  const ready = Promise.withResolvers<Record<string, string>>();
  let isReady = false;
  ready.promise.then(() => isReady = true, () => {});
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (isReady) continue;
      const announced = readAnnouncement(output);
      if (announced) ready.resolve(announced);
    }
  };
  const finished = Promise.all([read(child.stdout), read(child.stderr), child.status]).then(
    ([, , status]) => {
      ready.reject(new Error(`Service ended with ${status.code}: ${output}`));
      return status.code;
    },
  );
  return {
    pid: child.pid,
    ready: ready.promise,
    output: () => output,
    /** Resolves with the exit code when the process ends by itself. */
    finished,
    async end(signal: Deno.Signal) {
      child.kill(signal);
      return await finished;
    },
  };
}

/**
 * Parses the announcement that the service is ready: one line of JSON, or several for people, the last of
 * which says how to stop it. Null if it has not come yet.
 */
function readAnnouncement(output: string): Record<string, string> | null {
  const line = output.split("\n").find((line) => line.includes('"PuffinTalk is ready"'));
  if (line?.endsWith("}")) return JSON.parse(line);
  const [, lines] = output.match(/^PuffinTalk is ready\n([^]*?stop with.*)$/m) ?? [];
  if (lines === undefined) return null;
  return Object.fromEntries(
    [...lines.matchAll(/^ {2}(\w+) +(.*)$/gm)].map(([, name, value]) => [name!, value!]),
  );
}
