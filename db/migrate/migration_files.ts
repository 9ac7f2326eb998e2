export interface Migration {
  name: string;
  text: string;
  checksum: string;
}

/**
 * Reads `0001_name.sql` and so on, in order. Line endings are normalised, so that a checkout cannot change a
 * checksum.
 * @throws Error for another name that ends with .sql
 */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (!entry.name.endsWith(".sql")) continue;
    if (!/^\d{4}_\w+\.sql$/.test(entry.name)) {
      throw new Error(`Cannot migrate: "${entry.name}" is not named like "0001_people.sql"`);
    }
    names.push(entry.name);
  }
  return await Promise.all(
    names.sort().map(async (name) => {
      const text = (await Deno.readTextFile(new URL(name, folder))).replaceAll("\r\n", "\n");
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      return { name, text, checksum: new Uint8Array(digest).toHex() };
    }),
  );
}
