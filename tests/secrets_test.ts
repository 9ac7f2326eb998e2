import { deepEqual, equal, match, notEqual, rejects } from "./assert.ts";
import { join } from "node:path";

import { configureLogging } from "../services/log.ts";
import { developmentSecret } from "../services/secrets.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("developmentSecret() makes 32 bytes once, for the eyes of its user alone, in a folder that it makes", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    const secret = await developmentSecret(dataDir);

    match(secret, /^[0-9a-f]{64}$/);
    equal(await developmentSecret(dataDir), secret);
    notEqual(await developmentSecret(join(folder, "other")), secret);
    equal((await Deno.stat(join(dataDir, "jwt_secret"))).mode! & 0o777, 0o600);
  }));

Deno.test("developmentSecret() is the same for services that start at once, and leaves no draft", () =>
  withFolder(async (folder) => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => developmentSecret(folder)));

    equal(new Set(secrets).size, 1);
    match(secrets[0]!, /^[0-9a-f]{64}$/);
    const files = await Array.fromAsync(Deno.readDir(folder));
    deepEqual(files.map(({ name }) => name), ["jwt_secret"]);
  }));

Deno.test("developmentSecret() is one for this start alone where the folder cannot be written, and says so", () =>
  withFolder(async (folder) => {
    const log: string[] = [];
    configureLogging("json", (line) => void log.push(line));
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    const [one, other] = [await developmentSecret(file), await developmentSecret(file)];

    match(one, /^[0-9a-f]{64}$/);
    notEqual(one, other);
    equal(log.length, 2);
    match(log[0]!, /all sessions end with this process/);
  }));

Deno.test("developmentSecret() refuses a file that has lost its secret, and says which", () =>
  withFolder(async (folder) => {
    for (const text of ["", "too short", " ".repeat(64)]) {
      await Deno.writeTextFile(join(folder, "jwt_secret"), text);
      await rejects(developmentSecret(folder), /^Error: DATA_DIR: .*jwt_secret/);
    }
  }));
