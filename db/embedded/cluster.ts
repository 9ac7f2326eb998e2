import { join } from "node:path";
import { EmbeddedPostgresError, USE_DATABASE_URL } from "./error.ts";
import { exists, removeBusyFolder } from "./folder.ts";
import type { Place } from "./place.ts";

export const SUPERUSER = "puffintalk";

/** The server's whole environment: it has no use for the secrets in ours, and other processes may read its. */
export const ENVIRONMENT = { LC_ALL: "C", TZ: "UTC", PATH: "/usr/local/bin:/usr/bin:/bin" };

/**
 * Creates the cluster unless it is there. It gets its name only when initdb is through, so a folder of that name is
 * never removed, and what an interrupted initdb left behind always is.
 */
export async function createCluster(place: Place, programs: string, durable: boolean): Promise<void> {
  for await (const { name } of Deno.readDir(place.location)) {
    if (name.startsWith("cluster.")) await removeBusyFolder(join(place.location, name));
  }
  if (await exists(place.cluster)) return;

  await requireName(place);
  const unfinished = `${place.cluster}.${crypto.randomUUID()}`;
  await initdb(place, programs, unfinished, durable);
  await Deno.rename(unfinished, place.cluster);
  // A rename that a crash of the machine undoes would make this cluster look interrupted.
  if (durable) await syncFolder(place.location);
}

/** initdb looks up its user's name, which containers with an arbitrary uid do not have. */
async function requireName({ account }: Place): Promise<void> {
  const { success } = await new Deno.Command("id", { args: ["-un"], cwd: "/", ...account }).output();
  if (success) return;
  const uid = "uid" in account ? account.uid : Deno.uid();
  throw new EmbeddedPostgresError(
    `The embedded PostgreSQL needs a user with a name, and uid ${uid} has none in /etc/passwd. ${USE_DATABASE_URL}`,
  );
}

async function initdb(place: Place, programs: string, folder: string, durable: boolean): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(join(programs, "bin/initdb"), {
    args: [
      ...["--pgdata", folder, "--username", SUPERUSER, "--data-checksums", "--encoding=UTF8", "--locale=C"],
      // The server's own C.UTF-8: what it sorts and folds does not change with the machine's C library.
      ...["--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
      // The socket's folder decides who may connect.
      "--auth=trust",
      ...(durable ? [] : ["--no-sync"]),
    ],
    cwd: place.location,
    clearEnv: true,
    env: ENVIRONMENT,
    ...place.account,
  }).output().catch((cause) => {
    // E.g. a machine with another C library, or a data directory from which nothing may be executed.
    throw new EmbeddedPostgresError(
      `The programs of the embedded PostgreSQL do not run here: ${cause.message}. ${USE_DATABASE_URL}`,
      { cause },
    );
  });
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim() || new TextDecoder().decode(stdout).trim();
  throw new EmbeddedPostgresError(`The embedded PostgreSQL cannot be set up: ${said}\n${USE_DATABASE_URL}`);
}

async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}
