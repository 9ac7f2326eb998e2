/**
 * `deno task bench [--quick | --smoke] [--json=file] [scenario ...]`: measures the service against the
 * targets of bench/RESULTS.md and against floors, which are what PostgreSQL itself achieves in the same
 * minutes. Prints the table of each scenario as soon as it is measured.
 */
import { type Arena, SIZES } from "./arena.ts";
import { startCluster } from "./cluster.ts";
import { findPgbench } from "./pgbench.ts";
import { describeMachine, type Measured, printMachine, printMeasured } from "./report.ts";
import { SCENARIOS } from "./scenarios/all.ts";

interface Wanted {
  size: keyof typeof SIZES;
  json: string | null;
  names: string[];
}

function parseArguments(args: string[]): Wanted {
  const wanted: Wanted = { size: "full", json: null, names: [] };
  for (const arg of args) {
    if (arg === "--quick" || arg === "--smoke") wanted.size = arg.slice(2) as "quick" | "smoke";
    else if (arg.startsWith("--json=")) wanted.json = arg.slice("--json=".length);
    else if (SCENARIOS.some(({ name }) => name === arg)) wanted.names.push(arg);
    else {
      const names = SCENARIOS.map(({ name }) => name).join(", ");
      throw new Error(
        `Cannot understand "${arg}": give --quick, --smoke, --json=file or scenarios: ${names}`,
      );
    }
  }
  return wanted;
}

async function run({ size, json, names }: Wanted): Promise<void> {
  const pgbench = await findPgbench();
  if (!pgbench) {
    console.error("pgbench is not installed (Debian: postgresql-15): no floors, no ratios to them");
  }
  const cluster = await startCluster();
  try {
    const arena: Arena = { cluster, pgbench, size: SIZES[size] };
    const machine = await describeMachine(cluster.version, pgbench, size);
    printMachine(machine);
    const measured: Measured[] = [];
    for (const scenario of SCENARIOS) {
      if (names.length > 0 && !names.includes(scenario.name)) continue;
      console.error(`${new Date().toISOString().slice(11, 19)} ${scenario.name}: ${scenario.what}`);
      const load = Deno.loadavg()[0]!;
      measured.push({ scenario, load, runs: await scenario.run(arena) });
      printMeasured(measured.at(-1)!);
    }
    if (json) await Deno.writeTextFile(json, JSON.stringify({ machine, measured }, null, 2) + "\n");
  } finally {
    await cluster.stop();
  }
}

if (Deno.build.os !== "linux") throw new Error("The bench reads /proc, which only Linux has");
try {
  await run(parseArguments(Deno.args));
  Deno.exit(0);
} catch (error) {
  console.error(`The bench failed:\n${error instanceof Error ? error.stack : error}`);
  Deno.exit(1);
}
