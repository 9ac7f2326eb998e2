/**
 * Runs a PostgreSQL server below the data directory, for machines without one. Guarantees: one service per
 * data directory; a server that a killed service left behind is adopted, not restarted; a server that was
 * killed itself is started again; a cluster that was once complete is never removed; the server listens only
 * on a socket in a folder of mode 0700.
 */
import { copyBinaries } from "./binaries.ts";
import { createCluster, SUPERUSER } from "./cluster.ts";
import { type Address, askVersion, DATABASE } from "./database.ts";
import { EmbeddedPostgresError, USE_DATABASE_URL } from "./error.ts";
import { quote } from "./folder.ts";
import { lockDataDirectory } from "./lock.ts";
import { findPlace, type Place } from "./place.ts";
import { keepAlive } from "./revival.ts";
import { type Child, findServer, type Settings, spawnServer, stopServer } from "./server.ts";
import { PORT } from "./socket.ts";

const START_MS_MAX = 30_000;
const POLL_MS = 10;

export interface EmbeddedOptions {
  /**
   * Settings of postgresql.conf in addition to ours. An adopted server keeps the ones it was started with.
   */
  settings?: Settings;
  /** Called when the server has died and is being started again. */
  onLost?: () => void;
}

export interface EmbeddedPostgres {
  address: Address;
  /** Version of the server, e.g. "18.4". */
  version: string;
  /** The folder with the cluster, the programs and the log. */
  location: string;
  /** Whether the server was already running, left behind by a killed service. */
  adopted: boolean;
  /**
   * Disconnects all clients, stops the server within 10 s and releases the data directory. A restart of a server
   * that has died is waited for first.
   */
  stop(): Promise<void>;
}

/**
 * Starts or adopts the server below `dataDir`.
 * @throws EmbeddedPostgresError with a sentence for the terminal
 */
export async function startEmbedded(
  dataDir: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedPostgres> {
  let lock: Deno.FsFile | null = null;
  try {
    // Root's folder has to be accessible to the user who runs the server.
    await Deno.mkdir(dataDir, { recursive: true, mode: Deno.uid() === 0 ? 0o711 : 0o700 });
    const directory = await Deno.realPath(dataDir);
    lock = await lockDataDirectory(directory);
    return await launch(await findPlace(directory), options, lock);
  } catch (error) {
    lock?.close();
    throw explain(dataDir, error);
  }
}

async function launch(
  place: Place,
  { settings = {}, onLost = () => {} }: EmbeddedOptions,
  lock: Deno.FsFile,
): Promise<EmbeddedPostgres> {
  const address: Address = { host: place.socketFolder, port: PORT, user: SUPERUSER, database: DATABASE };
  const { child, version } = await bringUp(place, settings, address);
  const revival = keepAlive(place, () => bringUp(place, settings, address), child, onLost);
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    const last = await revival.stop();
    await (last && !last.exited ? stopServer(last.pid, place, last) : stopLeftBehind(place));
    if (place.socketFolder !== place.location) await Deno.remove(place.socketFolder).catch(() => {});
    lock.close();
  };
  return { address, version, location: place.location, adopted: !child, stop: () => stopped ??= stop() };
}

/**
 * Waits until a server answers, and starts one as soon as none is running: an old one may still be stopping.
 */
async function bringUp(place: Place, settings: Settings, address: Address) {
  let child: Child | null = null;
  try {
    for (const deadline = Date.now() + START_MS_MAX; Date.now() < deadline;) {
      const version = await askVersion(address);
      if (version) return { child, version };
      if (!child || child.exited) {
        if (await findServer(place)) child = null;
        else if (child) break;
        else child = await prepareAndSpawn(place, settings);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL in ${quote(place.location)} did not start or does not answer. ` +
        `${USE_DATABASE_URL} Its log ends with:\n${await endOf(place.log)}`,
    );
  } catch (error) {
    if (child && !child.exited) await stopServer(child.pid, place, child);
    throw error;
  }
}

async function prepareAndSpawn(place: Place, settings: Settings): Promise<Child> {
  const programs = await copyBinaries(place.location);
  await createCluster(place, programs, settings.fsync !== "off");
  return await spawnServer(place, programs, settings);
}

async function stopLeftBehind(place: Place): Promise<void> {
  const pid = await findServer(place);
  if (pid) await stopServer(pid, place, null);
}

async function endOf(log: string): Promise<string> {
  const text = await Deno.readTextFile(log).catch(() => "(no log)");
  return text.trimEnd().split("\n").slice(-8).join("\n");
}

/**
 * Turns errors of the operating system into advice about the data directory: no permission, no space, a file
 * in the way.
 */
function explain(dataDir: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // Deno asks for permission to do everything where a path is in /proc, /dev or the like. Its advice to grant
  // that would be wrong here, because no data can be kept there.
  const isForbidden = error.name === "NotCapable";
  if (!isForbidden && !("code" in error)) return error;
  const reason = isForbidden ? "files cannot be kept there" : error.message;
  return new EmbeddedPostgresError(
    `Cannot write to the data directory ${quote(dataDir)}: ${reason}. ` +
      `Set DATA_DIR to a directory that is writable. ${USE_DATABASE_URL}`,
    { cause: error },
  );
}
