// Writes results as a table for people and as JSON.

import type { Goal, Scenario } from "./arena.ts";
import { type Figures, median } from "./figures.ts";
import { run } from "./pgbench.ts";

export interface Measured {
  scenario: Scenario;
  /** The machine's load average of the last minute. */
  load: number;
  runs: Figures[];
}

export async function describeMachine(postgresVersion: string, pgbench: string | null, size: string) {
  const cpu = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return {
    at: new Date().toISOString(),
    size,
    cores: navigator.hardwareConcurrency,
    cpu: cpu.match(/^model name\s*: (.*)$/m)?.[1] ?? "unknown",
    memory_gb: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    system: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    postgres: postgresVersion,
    pgbench: pgbench && (await run(pgbench, ["--version"])).trim(),
  };
}

export function printMachine(machine: Record<string, unknown>): void {
  console.log(Object.entries(machine).map(([name, value]) => `${name}: ${value}`).join(", "));
}

export function printMeasured({ scenario, load, runs }: Measured): void {
  console.log(`\n${scenario.target}. ${scenario.what} (${scenario.name}; load before ${load.toFixed(1)})`);
  for (const name of Object.keys(runs[0] ?? {})) {
    console.log(`   ${line(name, runs, scenario.goals[name])}`);
  }
}

function line(name: string, runs: Figures[], goal: Goal | undefined): string {
  const values = runs.map((figures) => figures[name] ?? null).filter((value) => value !== null);
  if (values.length === 0) return `${name.padEnd(34)} not measured`;
  const middle = median(values);
  const spread = `${show(Math.min(...values))} to ${show(Math.max(...values))}`;
  return `${name.padEnd(34)} ${show(middle).padStart(9)}   ${spread.padEnd(22)} ${judge(middle, goal)}`
    .trimEnd();
}

function judge(value: number, goal: Goal | undefined): string {
  if (!goal) return "";
  const [isReached, words] = "atLeast" in goal
    ? [value >= goal.atLeast, `at least ${goal.atLeast}`]
    : [value <= goal.atMost, `at most ${goal.atMost}`];
  return `${isReached ? "reached" : "MISSED"}: ${words}`;
}

function show(value: number): string {
  const digits = value >= 1000 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 4;
  return value.toFixed(digits);
}
