// The benchmark at its smallest size: whether its counts are right, not how fast anything is.

import { deepEqual, equal, match, ok } from "./assert.ts";

const BENCH = new URL("../bench/bench.ts", import.meta.url).pathname;
const pgbench = await Deno.stat("/usr/lib/postgresql/15/bin/pgbench").then(() => true, () => false);

async function bench(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", BENCH, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

Deno.test("bench: every scenario runs, and its counts agree with the database and the sockets", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const names = [
      "sends-32",
      "history",
      "contacts",
      "sockets",
      "media-small",
      "growth",
      "start",
      "processes",
    ];
    const { code, out, err } = await bench("--smoke", `--json=${file}`, ...names);
    equal(code, 0, err);
    match(out, /sends accepted and pushed, 32 in flight/);
    const { measured } = JSON.parse(await Deno.readTextFile(file));
    deepEqual(measured.map(({ scenario }: { scenario: { name: string } }) => scenario.name), names);
    for (const { scenario, runs } of measured) {
      const [figures] = runs;
      for (const goal of Object.keys(scenario.goals)) {
        if (!pgbench && goal.endsWith("_floor")) continue;
        ok(Number.isFinite(figures[goal]), `${scenario.name} ${goal}: ${figures[goal]}`);
      }
    }
    equal(
      measured.find(({ scenario }: { scenario: { name: string } }) => scenario.name === "sockets").runs[0]
        .errors,
      0,
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("bench: refuses an unknown argument by its name, and lists the known ones", async () => {
  const { code, err } = await bench("--fast");
  equal(code, 1);
  match(err, /Cannot understand "--fast": give --quick.* sends-128, .*processes/);
});
