import { Buffer } from "node:buffer";
import { hkdfSync } from "node:crypto";
import { log } from "./log.ts";

/** The minimum for HS256 (RFC 7518, section 3.2). */
export const SECRET_BYTES_MIN = 32;

/**
 * The secret if none is configured: generated once and kept in the data directory, so that a restart signs
 * nobody out. If it cannot be stored there, one that lives as long as this process.
 * @throws Error if the stored secret is too short
 */
export async function developmentSecret(dataDir: string): Promise<string> {
  const path = `${dataDir}/jwt_secret`;
  let secret: string;
  try {
    await Deno.mkdir(dataDir, { recursive: true });
    await writeOnce(path, newSecret());
    secret = (await Deno.readTextFile(path)).trim();
  } catch {
    log.warn("JWT_SECRET is not set and none can be stored in DATA_DIR: all sessions end with this process", {
      data_dir: dataDir,
    });
    return newSecret();
  }
  if (new TextEncoder().encode(secret).length >= SECRET_BYTES_MIN) return secret;
  throw new Error(
    `DATA_DIR: Has no secret of at least ${SECRET_BYTES_MIN} bytes in ${path}; delete that file to have one made`,
  );
}

/** Derives a key for one purpose from a server secret, by HKDF-SHA-256 (RFC 5869) with a label of its own. */
export function deriveKey(secret: string, label: string, bytes = 32): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `puffintalk ${label}`, bytes));
}

function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** If two services start at once, both use the file that came first. It appears complete or not at all. */
async function writeOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    using file = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
    await file.write(new TextEncoder().encode(text));
    await file.sync();
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(draft);
  }
}
