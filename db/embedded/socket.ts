/**
 * The Unix socket, the server's only entrance: anybody who may enter its folder may connect, and nobody else.
 */
import { join } from "node:path";
import { EmbeddedPostgresError } from "./error.ts";
import { hashOf, makeFolder, quote } from "./folder.ts";
import type { Account } from "./place.ts";

/** Part of the socket's name; no TCP port is opened. */
export const PORT = 5432;
/** Longest path of a Unix socket in bytes, without the final NUL. */
const SOCKET_PATH_BYTES_MAX = Deno.build.os === "darwin" ? 103 : 107;

/**
 * `location` itself, or a folder with a short name if the socket's path there would be too long.
 * @throws EmbeddedPostgresError if that folder is somebody else's
 */
export async function findSocketFolder(location: string, account: Account): Promise<string> {
  const path = new TextEncoder().encode(socketIn(location));
  if (path.length <= SOCKET_PATH_BYTES_MAX) return location;

  // Always /tmp: with TMPDIR, a service started from another shell would not find the running server.
  const folder = join("/tmp", `puffintalk-${await hashOf(location)}`);
  await makeFolder(folder);
  const { uid, gid } = "uid" in account ? account : { uid: Deno.uid(), gid: Deno.gid() };
  const before = await Deno.lstat(folder);
  if (before.isDirectory && before.uid === Deno.uid() && uid !== null) await Deno.chown(folder, uid, gid);

  // Anybody may create folders in /tmp, so an existing one need not be ours.
  const after = await Deno.lstat(folder);
  if (after.isDirectory && after.uid === uid && ((after.mode ?? 0) & 0o077) === 0) return folder;
  throw new EmbeddedPostgresError(
    `The folder ${
      quote(folder)
    }, which is for the socket of the database, belongs to somebody else. Remove it.`,
  );
}

export function socketIn(folder: string): string {
  return join(folder, `.s.PGSQL.${PORT}`);
}
