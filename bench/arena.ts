// The input of every scenario, and its result.

import type { BenchDatabase, Cluster } from "./cluster.ts";
import { cpuSecondsOf, cpuSecondsOfFamily } from "./cpu.ts";
import type { Figures } from "./figures.ts";
import { type Service, startService } from "./service.ts";

/**
 * How large a bench is: `full` for figures, `quick` for an impression, `smoke` to see that everything works.
 */
export interface Size {
  runs: number;
  warmUpMs: number;
  /** How long to measure, and how long each floor takes. */
  seconds: number;
  sockets: number;
  /** In the contacts scenario, each of this many people asks each of as many others to be friends. */
  side: number;
  /** Megabytes of the uploaded and downloaded media. */
  media: [small: number, large: number];
  /** Numbers of messages and users in the growth scenario: small and grown. */
  growth: {
    messages: [number, number];
    users: [number, number];
    thread: [number, number];
    list: [number, number];
  };
}

export const SIZES: Record<"full" | "quick" | "smoke", Size> = {
  full: {
    runs: 3,
    warmUpMs: 2_000,
    seconds: 5,
    sockets: 10_000,
    side: 32,
    media: [10, 100],
    growth: {
      messages: [10_000, 10_000_000],
      users: [100, 100_000],
      thread: [1_000, 1_000_000],
      list: [10, 5_000],
    },
  },
  quick: {
    runs: 1,
    warmUpMs: 1_500,
    seconds: 2,
    sockets: 3_000,
    side: 24,
    media: [10, 100],
    growth: {
      messages: [10_000, 500_000],
      users: [100, 10_000],
      thread: [1_000, 100_000],
      list: [10, 1_000],
    },
  },
  smoke: {
    runs: 1,
    warmUpMs: 50,
    seconds: 0.2,
    sockets: 50,
    side: 8,
    media: [1, 2],
    growth: { messages: [300, 1_000], users: [20, 40], thread: [150, 500], list: [10, 20] },
  },
};

export interface Arena {
  cluster: Cluster;
  /** The folder of pgbench; null if not installed, and then there are no floors. */
  pgbench: string | null;
  size: Size;
}

export type Goal = { atLeast: number } | { atMost: number };

export interface Scenario {
  name: string;
  /** The number of its target in bench/RESULTS.md. */
  target: number;
  what: string;
  /** Goals by the name of the figure. */
  goals: Record<string, Goal>;
  /** Runs the scenario `size.runs` times. Every run asserts that what was counted really happened. */
  run(arena: Arena): Promise<Figures[]>;
}

/** Runs `use` with a new database and a service on it. */
export async function withService<T>(
  { cluster }: Arena,
  use: (service: Service, database: BenchDatabase) => Promise<T>,
): Promise<T> {
  const database = await cluster.createDatabase();
  try {
    const service = await startService({ databaseUrl: database.url });
    try {
      return await use(service, database);
    } finally {
      await service.stop();
    }
  } finally {
    await database.drop();
  }
}

export async function repeat(times: number, run: () => Promise<Figures>): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (let time = 0; time < times; time++) figures.push(await run());
  return figures;
}

/** CPU seconds so far of the service, of PostgreSQL and of the bench itself. */
export async function readCosts({ cluster }: Arena, services: { pid: number }[]) {
  const servers = await Promise.all(services.map(({ pid }) => cpuSecondsOf(pid)));
  return {
    server: servers.reduce((sum, seconds) => sum + seconds, 0),
    postgres: await cpuSecondsOfFamily(cluster.pid),
    client: await cpuSecondsOf(Deno.pid),
  };
}

export type Costs = Awaited<ReturnType<typeof readCosts>>;

/** CPU seconds of each for a thousand operations, between two readings. */
export function costsPer1000(before: Costs, after: Costs, operations: number): Figures {
  const of = (who: keyof Costs) => (after[who] - before[who]) / operations * 1000;
  return {
    server_cpu_s_per_1000: of("server"),
    server_postgres_cpu_s_per_1000: of("server") + of("postgres"),
    client_cpu_s_per_1000: of("client"),
  };
}
