/**
 * `deno task profile [scenario] [--seconds=n]`: where the service's CPU time goes under the load of a
 * scenario. Lists the functions with the largest self time and the largest total time, by V8's sampling
 * profiler.
 */
import { SIZES } from "./arena.ts";
import { startCluster } from "./cluster.ts";
import { inspect, type Inspected } from "./inspector.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { onServiceStarted } from "./service.ts";

const SHOWN = 45;
const PORT = 9_339;
const ROOT = new URL("..", import.meta.url).href;

interface Totals {
  self: number;
  total: number;
}

/** Self and total time by function; recursive calls count once. */
function addUp({ nodes, samples, timeDeltas }: Inspected): Map<string, Totals> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const weights = new Map<number, number>();
  samples.forEach((id, place) => weights.set(id, (weights.get(id) ?? 0) + timeDeltas[place]!));
  const totals = new Map<string, Totals>();
  for (const [id, weight] of weights) {
    const seen = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const name = nameOf(byId.get(at)!.callFrame);
      const entry = totals.get(name) ?? { self: 0, total: 0 };
      if (at === id) entry.self += weight;
      if (!seen.has(name)) entry.total += weight;
      seen.add(name);
      totals.set(name, entry);
    }
  }
  return totals;
}

function nameOf({ functionName, url, lineNumber }: Inspected["nodes"][number]["callFrame"]): string {
  const place = placeOf(url);
  return `${functionName || "(anonymous)"}${place === "" ? "" : `  ${place}:${lineNumber + 1}`}`;
}

/** Self time by package, or by file of ours and of Deno. */
function bySource({ nodes, samples, timeDeltas }: Inspected): Map<string, Totals> {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const totals = new Map<string, Totals>();
  samples.forEach((id, place) => {
    const { url, functionName } = byId.get(id)!;
    const path = placeOf(url);
    const name = path === ""
      ? functionName.startsWith("op_") ? "op_*, Deno's native calls" : functionName
      : path.replace(/^((?:@[\w-]+\/)?[\w-]+\/\d[^/]*)\/.*$/, "$1");
    const entry = totals.get(name) ?? { self: 0, total: 0 };
    entry.self += timeDeltas[place]!;
    totals.set(name, entry);
  });
  totals.forEach((entry) => entry.total = entry.self);
  return totals;
}

function placeOf(url: string): string {
  return url.replace(ROOT, "").replace(/^.*\/npm\/registry\.npmjs\.org\//, "");
}

function print(title: string, totals: [string, Totals][], all: number): void {
  console.log(`\n${title}\n   self %  total %`);
  for (const [name, { self, total }] of totals.slice(0, SHOWN)) {
    const percent = (value: number) => (value / all * 100).toFixed(1).padStart(8);
    console.log(`${percent(self)} ${percent(total)}   ${name}`);
  }
}

const wanted = Deno.args[0] ?? "sends-128";
const scenario = SCENARIOS.find(({ name }) => name === wanted);
if (!scenario) {
  console.error(`Cannot understand "${wanted}": give one of ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  Deno.exit(1);
}
const cluster = await startCluster();
try {
  const size = { ...SIZES.quick, seconds: 6 };
  const profile = onServiceStarted(
    [`--inspect=127.0.0.1:${PORT}`],
    () => inspect(PORT, { afterMs: size.warmUpMs + 1_000, ms: 4_000 }),
  );
  await scenario.run({ cluster, pgbench: null, size });
  const inspected = await profile;
  const totals = addUp(inspected);
  const idle = ["(idle)", "(program)", "(root)"];
  const all = [...totals].reduce((sum, [name, { self }]) => name === "(idle)" ? sum : sum + self, 0);
  const named = [...totals].filter(([name]) => !idle.includes(name) || name === "(program)");
  console.log(
    `${wanted}: ${(all / 4_000_000 * 100).toFixed(0)} % of one core was busy; "(program)" is Deno itself`,
  );
  const sources = [...bySource(inspected)].filter(([name]) => name !== "(idle)");
  print("by source", sources.toSorted(([, one], [, other]) => other.self - one.self), all);
  print("by themselves", named.toSorted(([, one], [, other]) => other.self - one.self), all);
  print("with what they call", named.toSorted(([, one], [, other]) => other.total - one.total), all);
} finally {
  await cluster.stop();
}
Deno.exit(0);
