import { log } from "./log.ts";

/**
 * The secret of a service that was given none: made once and kept in the data directory, so that a restart signs nobody
 * out. Where that cannot be written, one for as long as this process lives.
 */
export async function developmentSecret(dataDir: string): Promise<string> {
  const path = `${dataDir}/jwt_secret`;
  try {
    await Deno.mkdir(dataDir, { recursive: true });
    await writeOnce(path, newSecret());
    return (await Deno.readTextFile(path)).trim();
  } catch {
    log.warn("JWT_SECRET is not set and cannot be kept: all sessions end with this process");
    return newSecret();
  }
}

function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** Two services that start at once agree on the file that came first. It is there whole or not at all. */
async function writeOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, text, { createNew: true, mode: 0o600 });
  try {
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(draft);
  }
}
