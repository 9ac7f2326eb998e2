// The task media:sweep, run as by operators.

import { deepEqual, equal, match } from "./assert.ts";

import { createTestDatabase } from "./database.ts";
import { holding, untilWaiting } from "./locks.ts";
import { startService } from "./process.ts";
import { startRelay } from "./relay.ts";
import { ANN, succeeded, type TestApp, withApp } from "./support.ts";
import { NOTHING, remains, upload, wav } from "./upload_calls.ts";

const ROOT = new URL("..", import.meta.url);

async function runTask(env: Record<string, string>, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "media:sweep", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", DATABASE_URL: "", ...env },
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return { code, found: lines.map((line) => line.split(":")[0]), errors: new TextDecoder().decode(stderr) };
}

async function leaveBehind(t: TestApp): Promise<void> {
  const ann = await t.signUp(ANN);
  for (let count = 0; count < 2; count += 1) succeeded(await upload(t, ann, wav(1_000)));
  await t.sql`update media set touched_at = now() - interval '1 year'`;
  await t.sql`select lo_create(0) from generate_series(1, 3)`;
}

Deno.test("media:sweep --dry-run counts leftover media and changes nothing, media:sweep deletes them", () =>
  withApp(async (t) => {
    await leaveBehind(t);
    const relay = startRelay(t.database);
    const env = { DATABASE_URL: relay.url };
    try {
      const dry = await runTask(env, "--dry-run");
      equal(dry.code, 0, dry.errors);
      deepEqual(dry.found, [
        "abandoned 0 found",
        "unsent    2 found",
        "orphans   3 found",
        "hollow    0 found",
      ]);
      deepEqual(await remains(t), { rows: 2, objects: 5 });

      const { code, found } = await runTask(env);
      equal(code, 0);
      deepEqual(found, [
        "abandoned 0 deleted",
        "unsent    2 deleted",
        "orphans   3 deleted",
        "hollow    0 found",
      ]);
      deepEqual(await remains(t), NOTHING);
    } finally {
      relay.close();
    }
  }));

Deno.test("media:sweep ends on SIGTERM, even while it waits for the database", () =>
  withApp(async (t) => {
    await leaveBehind(t);
    const relay = startRelay(t.database);
    try {
      await holding(t, async (sql) => {
        await sql`lock table media in access exclusive mode`;
        const task = new Deno.Command(Deno.execPath(), {
          args: ["run", "--frozen", "-A", "media_sweep.ts"],
          cwd: ROOT,
          env: { NO_COLOR: "1", DATABASE_URL: relay.url },
          stdout: "null",
          stderr: "piped",
        }).spawn();
        await untilWaiting(t);
        task.kill("SIGTERM");
        const { code, stderr } = await task.output();
        equal(code, 1);
        match(new TextDecoder().decode(stderr), /Told to stop/);
      });
    } finally {
      relay.close();
    }
  }));

Deno.test("media:sweep refuses an argument that it does not know, and a database without our tables", async () => {
  const database = await createTestDatabase({ empty: true });
  const relay = startRelay(database);
  try {
    const typo = await runTask({ DATABASE_URL: relay.url }, "--dryrun");
    deepEqual([typo.code, typo.found], [1, [""]]);
    match(typo.errors, /Unknown argument "--dryrun"/);
    const empty = await runTask({ DATABASE_URL: relay.url });
    equal(empty.code, 1);
    match(empty.errors, /start the service once/);
  } finally {
    relay.close();
    await database.drop();
  }
});

Deno.test("media:sweep leaves a running service's own database alone and says why, and sweeps it once the service has stopped", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "puffintalk-sweep-" });
  try {
    const service = await startService({ env: { DATA_DIR: dataDir } });
    const refused = await runTask({ DATA_DIR: dataDir }, "--dry-run");
    equal((await fetch(`${service.url}/readyz`)).status, 200);
    equal(await service.end("SIGTERM"), 0);
    deepEqual([refused.code, refused.found], [1, [""]]);
    match(refused.errors, /Another PuffinTalk[^]*every hour[^]*stop it/);

    const { code, found, errors } = await runTask({ DATA_DIR: dataDir });
    equal(code, 0, errors);
    equal(found[0], "abandoned 0 deleted");
  } finally {
    const cluster = await Deno.realPath(`${dataDir}/postgres`).catch(() => null);
    if (cluster) await Deno.remove(cluster, { recursive: true });
    await Deno.remove(dataDir, { recursive: true });
  }
});
