import { log } from "./log.ts";

/**
 * The secret of a service that was given none: made once and kept in the data directory, so that a restart signs nobody
 * out. Where that cannot be written, one for as long as this process lives.
 */
export async function developmentSecret(dataDir: string): Promise<string> {
  const path = `${dataDir}/jwt_secret`;
  try {
    await Deno.mkdir(dataDir, { recursive: true });
    const made = crypto.getRandomValues(new Uint8Array(32)).toHex();
    // Two services that start at once agree on the file that came first.
    await Deno.writeTextFile(path, made, { createNew: true, mode: 0o600 }).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    return (await Deno.readTextFile(path)).trim();
  } catch {
    log.warn("JWT_SECRET is not set and cannot be kept: all sessions end with this process");
    return crypto.getRandomValues(new Uint8Array(32)).toHex();
  }
}
