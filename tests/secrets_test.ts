import { join } from "node:path";
import { deepEqual, equal, match, notEqual, rejects } from "./assert.ts";

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

Deno.test("developmentSecret() generates 32 bytes once, readable by its user only, in a folder that it creates", () =>
  withFolder(async (folder) => {
    const dataDir = join(folder, "data");
    const secret = await developmentSecret(dataDir);

    match(secret, /^[0-9a-f]{64}$/);
    equal(await developmentSecret(dataDir), secret);
    notEqual(await developmentSecret(join(folder, "other")), secret);
    equal((await Deno.stat(join(dataDir, "jwt_secret"))).mode! & 0o777, 0o600);
  }));

Deno.test("developmentSecret() is the same for services that start at the same time, and leaves no draft file", () =>
  withFolder(async (folder) => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => developmentSecret(folder)));

    equal(new Set(secrets).size, 1);
    match(secrets[0]!, /^[0-9a-f]{64}$/);
    const files = await Array.fromAsync(Deno.readDir(folder));
    deepEqual(files.map(({ name }) => name), ["jwt_secret"]);
  }));

Deno.test("developmentSecret() is only for this start if the folder cannot be written, and logs that", () =>
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

Deno.test("developmentSecret() refuses a file without a usable secret, and names it", () =>
  withFolder(async (folder) => {
    for (const text of ["", "too short", " ".repeat(64)]) {
      await Deno.writeTextFile(join(folder, "jwt_secret"), text);
      await rejects(developmentSecret(folder), /^Error: DATA_DIR: .*jwt_secret/);
    }
  }));
