import { join } from "node:path";
import { EmbeddedPostgresError, USE_DATABASE_URL } from "./error.ts";
import { exists, removeBusyFolder } from "./folder.ts";
import type { Place } from "./place.ts";

export const SUPERUSER = "puffintalk";

/** The server's whole environment: it does not need the secrets in ours, and other processes may read it. */
export const ENVIRONMENT = { LC_ALL: "C", TZ: "UTC", PATH: "/usr/local/bin:/usr/bin:/bin" };

/**
 * Creates the cluster unless it exists. It gets its name only after initdb has succeeded, so a folder of that
 * name is never removed, and the remains of an interrupted initdb always are.
 * @throws EmbeddedPostgresError if initdb fails, or its user has no name
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
  // If a crash of the machine undid the rename, this cluster would look interrupted.
  if (durable) await syncFolder(place.location);
}

/** initdb looks up the name of its user, which is missing in containers with an arbitrary uid. */
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
      // The server's built-in C.UTF-8: its sorting and case folding do not change with the machine's C
      // library.
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
