import type { Arena, Goal, Scenario } from "../arena.ts";
import { costsPer1000, repeat, withService } from "../arena.ts";
import { startBare } from "../bare.ts";
import type { BenchDatabase } from "../cluster.ts";
import { percentile, ratio } from "../figures.ts";
import { putUnderLoad } from "../load.ts";
import { takeFloor } from "../pgbench.ts";
import { countStored, makePairs, openSender } from "../sending.ts";

/** With so many clients pgbench inserts fastest here; with 8 or 128 it is slower. */
export const FLOOR_CLIENTS = 32;

/** Sends that were answered and told, each pair with one in flight; the floor before each run, on a database like it. */
export function sends(inFlight: number, target: number, goals: Record<string, Goal>): Scenario {
  async function run(arena: Arena) {
    const floor = await arena.cluster.createDatabase();
    await makePairs(floor, 128);
    try {
      return await withService(arena, async (service, database) => {
        const pairs = await makePairs(database, inFlight);
        let stored = 0;
        return await repeat(arena.size.runs, async () => {
          const { seconds } = arena.size;
          const options = { clients: FLOOR_CLIENTS, seconds, variables: { pairs: 128 } };
          const floorPerS = await takeFloor(arena.pgbench, floor, "insert", options);
          const told = await takeFloor(arena.pgbench, floor, "insert_notify", options);
          const marked = await takeFloor(arena.pgbench, floor, "insert_marked", options);
          const alone = inFlight === 1 ? await takeAlone(arena, floor) : {};
          const senders = await Promise.all(
            pairs.map((pair) => openSender(pair, { sendTo: service, listenAt: service })),
          );
          const load = await putUnderLoad(arena, [service], senders);
          stored = await countStored(database, senders, stored);
          senders.forEach((sender) => sender.close());
          const perS = load.operations / load.seconds;
          return {
            sends_per_s: perS,
            insert_floor_per_s: floorPerS,
            insert_notify_floor_per_s: told,
            insert_marked_floor_per_s: marked,
            ...alone,
            times_insert_floor: ratio(perS, floorPerS),
            times_insert_marked_floor: ratio(perS, marked),
            p50_ms: percentile(load.latenciesMs, 0.5),
            p99_ms: percentile(load.latenciesMs, 0.99),
            ...costsPer1000(...load.costs, load.operations),
            ...await takeBareFloor(arena, pairs),
          };
        });
      });
    } finally {
      await floor.drop();
    }
  }
  /** What one insert takes when nothing else is under way, and what it takes with its marks. */
  async function takeAlone({ pgbench, size: { seconds } }: Arena, floor: BenchDatabase) {
    const options = { clients: 1, seconds, variables: { pairs: 128 } };
    const insert = await takeFloor(pgbench, floor, "insert", options);
    const marked = await takeFloor(pgbench, floor, "insert_marked", options);
    if (insert === null || marked === null) return {};
    return { insert_alone_ms: 1000 / insert, insert_marked_alone_ms: 1000 / marked };
  }
  /** The same load on a server of Deno that stores nothing. */
  async function takeBareFloor(arena: Arena, pairs: Awaited<ReturnType<typeof makePairs>>) {
    const bare = await startBare(pairs.flatMap(({ from, to }) => [from, to]));
    try {
      const senders = await Promise.all(
        pairs.map((pair) => openSender(pair, { sendTo: bare, listenAt: bare })),
      );
      const load = await putUnderLoad(arena, [bare], senders);
      senders.forEach((sender) => sender.close());
      const costs = costsPer1000(...load.costs, load.operations);
      return {
        bare_sends_per_s: load.operations / load.seconds,
        bare_p50_ms: percentile(load.latenciesMs, 0.5),
        bare_server_cpu_s_per_1000: costs.server_cpu_s_per_1000!,
      };
    } finally {
      await bare.stop();
    }
  }
  return {
    name: `sends-${inFlight}`,
    target,
    what: `sends accepted and pushed, ${inFlight} in flight`,
    goals,
    run,
  };
}
