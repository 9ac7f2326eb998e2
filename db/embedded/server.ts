/** The server as a process: finds, starts and stops it. */
import { join } from "node:path";
import process from "node:process";
import { ENVIRONMENT } from "./cluster.ts";
import type { Place } from "./place.ts";
import { socketIn } from "./socket.ts";

const FAST_STOP_MS_MAX = 8_000;
const IMMEDIATE_STOP_MS_MAX = 1_500;
const LOG_BYTES_MAX = 1_000_000;

/**
 * Whether the working directory of process `$1` is `$2`; if that cannot be read, whether the process is a
 * server at all.
 */
const WORKS_IN = `
  if [ -d /proc/self ]; then [ "/proc/$1/cwd" -ef "$2" ]; else ps -o command= -p "$1" | grep -q postgres; fi`;

export type Settings = Record<string, string>;

const SETTINGS: Settings = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  cluster_name: "puffintalk",
  shared_buffers: "32MB",
  max_connections: "100",
  // Limits recovery after a crash to a few seconds, and the disk space of an idle service.
  max_wal_size: "256MB",
  // No I/O worker processes beside the backends, which read little here.
  io_method: "sync",
  // Otherwise the log would contain phone numbers. Errors of statements go to the service, which knows what
  // to hide.
  log_min_messages: "log",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * Freed memory below this size stays with the backend (mallopt(3)). The defaults of 128 KiB are exceeded by
 * each block of a download, and fetching pages from the system each time was a quarter of PostgreSQL's cost
 * for it.
 */
const KEPT_BYTES = String(1024 * 1024);
const MEMORY = { MALLOC_TRIM_THRESHOLD_: KEPT_BYTES, MALLOC_MMAP_THRESHOLD_: KEPT_BYTES };

/**
 * The pid of the cluster's running server, which another service may have left behind; null if there is none.
 */
export async function findServer(place: Place): Promise<number | null> {
  const pid = await readPid(join(place.cluster, "postmaster.pid"));
  if (pid === null || !isAlive(pid)) return null;
  return await worksIn(pid, place) ? pid : null;
}

/**
 * Whether the working directory of a process is the cluster's folder, as for its server during its whole
 * life, but not for a zombie.
 */
async function worksIn(pid: number, { cluster, account }: Place): Promise<boolean> {
  const args = ["-c", WORKS_IN, "sh", String(pid), cluster];
  return (await new Deno.Command("/bin/sh", { args, cwd: "/", ...account }).output()).success;
}

export interface Child {
  pid: number;
  exited: boolean;
}

/** Starts the server. Call it only if `findServer` finds none. */
export async function spawnServer(place: Place, programs: string, more: Settings): Promise<Child> {
  await removeStaleLocks(place);
  const log = await Deno.lstat(place.log).catch(() => null);
  if (log && log.size > LOG_BYTES_MAX) await Deno.remove(place.log);

  const sockets = `"${place.socketFolder.replaceAll('"', '""')}"`;
  const settings = { ...SETTINGS, unix_socket_directories: sockets, ...more };
  // The server's user opens the log, so that a link in their folder cannot make root write elsewhere. Our own
  // stderr would be wrong in any case: a server that outlives us would keep a pipeline that reads it open for
  // ever.
  const logged = 'umask 077; log=$1; shift; exec "$@" >>"$log" 2>&1';
  const child = new Deno.Command("/bin/sh", {
    args: [
      ...["-c", logged, "sh", place.log, join(programs, "bin/postgres"), "-D", place.cluster],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    cwd: place.location,
    clearEnv: true,
    env: { ...ENVIRONMENT, ...MEMORY },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    // In a session of its own: Ctrl-C in the terminal must not stop the database before the service has
    // drained.
    detached: true,
    ...place.account,
  }).spawn();
  child.unref();

  const started: Child = { pid: child.pid, exited: false };
  child.status.then(() => started.exited = true);
  return started;
}

/**
 * Removes stale lock files. After a crash of the machine or a restart of a container, the pid in one may
 * belong to any other program, which PostgreSQL would take for a running server. Locks with a dead pid are
 * left to PostgreSQL's own checks.
 */
async function removeStaleLocks({ cluster, socketFolder }: Place): Promise<void> {
  for (const lock of [join(cluster, "postmaster.pid"), `${socketIn(socketFolder)}.lock`]) {
    const pid = await readPid(lock);
    if (pid !== null && (isNaN(pid) || isAlive(pid))) await Deno.remove(lock);
  }
}

/**
 * Stops the server and disconnects its clients. A server that hangs is killed, and recovers at its next
 * start.
 */
export async function stopServer(pid: number, place: Place, child: Child | null): Promise<void> {
  const running = async () => child ? !child.exited : await worksIn(pid, place);
  signal(pid, "SIGINT");
  if (await becomesFalse(running, FAST_STOP_MS_MAX)) return;
  signal(pid, "SIGQUIT");
  await becomesFalse(running, IMMEDIATE_STOP_MS_MAX);
}

async function becomesFalse(condition: () => Promise<boolean>, msMax: number): Promise<boolean> {
  for (const deadline = Date.now() + msMax; Date.now() < deadline;) {
    if (!await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Null if there is no file, NaN if it holds no pid. */
async function readPid(path: string): Promise<number | null> {
  return await Deno.readTextFile(path).then(parseInt, () => null);
}

/** Whether the process exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}
