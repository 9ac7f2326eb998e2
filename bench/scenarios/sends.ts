import type { Arena, Goal, Scenario } from "../arena.ts";
import { costsPer1000, repeat, withService } from "../arena.ts";
import type { BenchDatabase } from "../cluster.ts";
import { type Figures, percentile, ratio } from "../figures.ts";
import { type FloorServer, startBare, startGrouped } from "../floor_server.ts";
import { putUnderLoad } from "../load.ts";
import { takeFloor } from "../pgbench.ts";
import { countMessages, countStored, makePairs, openSender } from "../sending.ts";

/** The number of clients with which pgbench inserts fastest here; 8 and 128 are slower. */
const FLOOR_CLIENTS = 32;
const FLOOR_PAIRS = 128;

/**
 * Sends that are answered and told, one in flight for each pair. The floor is measured before each run, on a
 * database like it.
 */
export function sends(inFlight: number, target: number, goals: Record<string, Goal>): Scenario {
  async function run(arena: Arena) {
    const floor = await arena.cluster.createDatabase();
    const floorPairs = await makePairs(floor, FLOOR_PAIRS);
    try {
      return await withService(arena, async (service, database) => {
        const pairs = await makePairs(database, inFlight);
        let stored = 0;
        return await repeat(arena.size.runs, async () => {
          const { seconds } = arena.size;
          const options = { clients: FLOOR_CLIENTS, seconds, variables: { pairs: FLOOR_PAIRS } };
          const floorPerS = await takeFloor(arena.pgbench, floor, "insert", options);
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
            insert_marked_floor_per_s: marked,
            ...alone,
            times_insert_floor: ratio(perS, floorPerS),
            times_insert_marked_floor: ratio(perS, marked),
            p50_ms: percentile(load.latenciesMs, 0.5),
            p99_ms: percentile(load.latenciesMs, 0.99),
            ...costsPer1000(...load.costs, load.operations),
            ...await takeGroupedFloor(arena, floor, floorPairs.slice(0, inFlight)),
            ...await takeBareFloor(arena, pairs),
          };
        });
      });
    } finally {
      await floor.drop();
    }
  }
  /** The time of a single insert without other load, alone and with its marks. */
  async function takeAlone({ pgbench, size: { seconds } }: Arena, floor: BenchDatabase) {
    const options = { clients: 1, seconds, variables: { pairs: FLOOR_PAIRS } };
    const insert = await takeFloor(pgbench, floor, "insert", options);
    const marked = await takeFloor(pgbench, floor, "insert_marked", options);
    if (insert === null || marked === null) return {};
    return { insert_alone_ms: 1000 / insert, insert_marked_alone_ms: 1000 / marked };
  }
  return {
    name: `sends-${inFlight}`,
    target,
    what: `sends accepted and pushed, ${inFlight} in flight`,
    goals,
    run,
  };
}

type Pairs = Awaited<ReturnType<typeof makePairs>>;

/** The same load on a server that only stores, in groups. */
async function takeGroupedFloor(arena: Arena, database: BenchDatabase, pairs: Pairs): Promise<Figures> {
  const stored = await countMessages(database);
  const server = await startGrouped(peopleOf(pairs), database.url);
  const { senders, figures } = await loadFloor(arena, server, pairs, "grouped");
  await countStored(database, senders, stored);
  return figures;
}

/** The same load on a server that stores nothing. */
async function takeBareFloor(arena: Arena, pairs: Pairs): Promise<Figures> {
  return (await loadFloor(arena, await startBare(peopleOf(pairs)), pairs, "bare")).figures;
}

function peopleOf(pairs: Pairs) {
  return pairs.flatMap(({ from, to }) => [from, to]);
}

async function loadFloor(arena: Arena, server: FloorServer, pairs: Pairs, name: string) {
  try {
    const senders = await Promise.all(
      pairs.map((pair) => openSender(pair, { sendTo: server, listenAt: server })),
    );
    const load = await putUnderLoad(arena, [server], senders);
    senders.forEach((sender) => sender.close());
    const costs = costsPer1000(...load.costs, load.operations);
    const figures: Figures = {
      [`${name}_sends_per_s`]: load.operations / load.seconds,
      [`${name}_p50_ms`]: percentile(load.latenciesMs, 0.5),
      [`${name}_p99_ms`]: percentile(load.latenciesMs, 0.99),
      [`${name}_server_cpu_s_per_1000`]: costs.server_cpu_s_per_1000!,
      [`${name}_server_postgres_cpu_s_per_1000`]: costs.server_postgres_cpu_s_per_1000!,
    };
    return { senders, figures };
  } finally {
    await server.stop();
  }
}
