import { join } from "node:path";
import { EmbeddedPostgresError } from "./error.ts";
import { quote } from "./folder.ts";

/**
 * Makes this process the only service on `dataDir` until the returned file is closed or the process ends in
 * any way. The kernel holds the lock, so nothing has to be cleaned up after a SIGKILL.
 * @throws EmbeddedPostgresError if another process has the lock
 */
export async function lockDataDirectory(dataDir: string): Promise<Deno.FsFile> {
  const path = join(dataDir, "lock");
  const file = await Deno.open(path, { read: true, write: true, create: true });
  if (await file.tryLock(true)) {
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
    return file;
  }
  file.close();
  const pid = (await Deno.readTextFile(path)).trim();
  throw new EmbeddedPostgresError(
    `Another PuffinTalk service${pid && ` (process ${pid})`} uses the data directory ${quote(dataDir)}. ` +
      "Stop it first, or give this one a DATA_DIR of its own.",
  );
}
