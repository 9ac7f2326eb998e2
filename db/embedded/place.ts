/**
 * Where the cluster of a data directory lives, and which user runs it. PostgreSQL refuses to run as root, so
 * root's clusters belong to `nobody`, and are kept out of directories that `nobody` cannot reach.
 */
import { dirname, join } from "node:path";
import { EmbeddedPostgresError, USE_DATABASE_URL } from "./error.ts";
import { exists, hashOf, makeFolder, quote } from "./folder.ts";
import { findSocketFolder } from "./socket.ts";

const ROOTS_CLUSTERS = "/var/lib/puffintalk";

/** Spawn options that run a program as the cluster's user; empty if that is the current one. */
export type Account = { uid: number; gid: number } | Record<never, never>;

export interface Place {
  /** The folder with the cluster, its programs and its log: mode 0700, owned by the account. */
  location: string;
  cluster: string;
  log: string;
  socketFolder: string;
  account: Account;
}

/**
 * Finds or creates the place for `dataDir` (absolute, without links, existing).
 * @throws EmbeddedPostgresError if the server cannot run at that path, or there is no user to run it
 */
export async function findPlace(dataDir: string): Promise<Place> {
  const root = Deno.uid() === 0;
  const location = await findLocation(dataDir, root);
  await makeFolder(location);
  const account = root ? await ownerOf(location) : {};
  const place = {
    location,
    cluster: join(location, "cluster"),
    log: join(location, "postgres.log"),
    socketFolder: await findSocketFolder(location, account),
    account,
  };
  await refuseUnusable(place);
  return place;
}

/**
 * Refuses paths that would not work: initdb passes its path to a shell unescaped, and postgres.js treats a
 * comma as the end of a host. The server itself accepts any path.
 */
async function refuseUnusable({ location, cluster, socketFolder }: Place): Promise<void> {
  const setsUp = !await exists(cluster);
  const found = /,/.exec(socketFolder) ?? (setsUp ? /["$`\r\n]/.exec(location) : null);
  if (found === null) return;
  throw new EmbeddedPostgresError(
    `DATA_DIR: Must be a path without ${quote(found[0])}; its database would be in ${quote(location)}. ` +
      USE_DATABASE_URL,
  );
}

/**
 * `<dataDir>/postgres` is the folder itself, or a link to where root's cluster had to go. The link keeps the
 * data with the directory if that is renamed, or its mode changes later.
 */
async function findLocation(dataDir: string, root: boolean): Promise<string> {
  const usual = join(dataDir, "postgres");
  const existing = await Deno.lstat(usual).catch(() => null);
  if (existing?.isSymlink) return followLink(usual);
  if (!root) return usual;
  if (await canEnter(dataDir, existing?.uid ? accountOf(existing) : await nobody())) return usual;
  if (existing) {
    throw new EmbeddedPostgresError(
      `The database is in ${quote(usual)}, which its user can no longer reach. ` +
        `Let others enter the folders above it (chmod o+x), or move the data directory and set DATA_DIR.`,
    );
  }

  const elsewhere = join(ROOTS_CLUSTERS, await hashOf(dataDir));
  await Deno.mkdir(ROOTS_CLUSTERS, { recursive: true });
  await Deno.chmod(ROOTS_CLUSTERS, 0o711);
  await Deno.symlink(elsewhere, usual);
  return elsewhere;
}

/** Follows only links that we have made, because root gives the target to another user. */
async function followLink(link: string): Promise<string> {
  const target = await Deno.readLink(link);
  if (dirname(target) === ROOTS_CLUSTERS) return target;
  throw new EmbeddedPostgresError(`The link ${quote(link)} does not point into ${quote(ROOTS_CLUSTERS)}.`);
}

/** An existing cluster keeps its user; a new folder of root's goes to `nobody`. */
async function ownerOf(folder: string): Promise<Account> {
  const { uid, gid } = await Deno.lstat(folder);
  if (uid !== null && uid !== 0) return accountOf({ uid, gid });
  const account = await nobody();
  await Deno.chown(folder, account.uid, account.gid);
  return account;
}

function accountOf({ uid, gid }: { uid: number | null; gid: number | null }) {
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

async function nobody(): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => {
    const { success, stdout } = await new Deno.Command("id", { args: [flag, "nobody"] }).output();
    return success ? Number(new TextDecoder().decode(stdout)) : NaN;
  }));
  if (uid && gid) return { uid, gid };
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and this machine has no user "nobody" to run it. ${USE_DATABASE_URL}`,
  );
}

/** Asks the operating system instead of computing from mode bits, which ignore access lists. */
async function canEnter(folder: string, account: Account): Promise<boolean> {
  const shell = new Deno.Command("/bin/sh", {
    args: ["-c", 'test -x "$1"', "sh", folder],
    cwd: "/",
    ...account,
  });
  return (await shell.output()).success;
}
