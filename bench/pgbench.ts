// Floors by PostgreSQL's own programs: what it achieves by itself on the same machine in the same minutes.

import type { BenchDatabase } from "./cluster.ts";

/** Where Debian installs them; other systems have them in PATH. */
const FOLDERS = [
  "/usr/lib/postgresql/18/bin/",
  "/usr/lib/postgresql/17/bin/",
  "/usr/lib/postgresql/15/bin/",
  "",
];
const FLOORS = new URL("floors/", import.meta.url).pathname;

export interface FloorOptions {
  clients: number;
  seconds: number;
  variables?: Record<string, number>;
}

/** The folder of pgbench; null if not installed. */
export async function findPgbench(): Promise<string | null> {
  for (const folder of FOLDERS) {
    const found = await run(`${folder}pgbench`, ["--version"]).then(() => true, () => false);
    if (found) return `${folder}pgbench`;
  }
  return null;
}

/** Transactions per second of a script in floors/; null without pgbench. */
export async function takeFloor(
  pgbench: string | null,
  database: BenchDatabase,
  script: string,
  { clients, seconds, variables = {} }: FloorOptions,
): Promise<number | null> {
  if (pgbench === null) return null;
  const output = await run(pgbench, [
    ...["--no-vacuum", "--protocol=prepared", `--file=${FLOORS}${script}.sql`],
    ...[`--client=${clients}`, "--jobs=1", seconds < 1 ? "--transactions=10" : `--time=${seconds}`],
    ...Object.entries(variables).map(([name, value]) => `--define=${name}=${value}`),
    ...[`--host=${database.host}`, "--username=puffintalk", database.name],
  ]);
  const found = output.match(/^tps = ([\d.]+)/m)?.[1];
  if (found === undefined) throw new Error(`pgbench says nothing of its speed: ${output}`);
  return Number(found);
}

/** Runs a program and returns its output. @throws Error with the output if it fails */
export async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr).slice(0, 500)}`);
  return decoder.decode(stdout);
}
