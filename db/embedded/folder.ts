/** Attempts, over five seconds: a program that writes there fails as soon as its files are gone. */
const REMOVALS_MAX = 100;

/** Creates a folder that only its owner may enter, unless it exists. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** A short hash of a path, for use as a name. */
export async function hashOf(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(path));
  return new Uint8Array(hash, 0, 8).toHex();
}

export function quote(path: string): string {
  return JSON.stringify(path);
}

export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Removes a folder although a program that outlived a killed service may still be writing to it.
 * @throws what Deno.remove throws, after REMOVALS_MAX attempts
 */
export async function removeBusyFolder(path: string): Promise<void> {
  for (let attempts = 0;; attempts++) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (attempts === REMOVALS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
