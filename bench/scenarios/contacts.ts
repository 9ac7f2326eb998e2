import { strictEqual as equal } from "node:assert/strict";
import { type Arena, costsPer1000, repeat, type Scenario, withService } from "../arena.ts";
import type { BenchDatabase } from "../cluster.ts";
import { type Figures, percentile, ratio } from "../figures.ts";
import { startGrouped } from "../floor_server.ts";
import { type Address, type Connection, openConnection, request } from "../http.ts";
import { putUnderLoad, type Work } from "../load.ts";
import { makePeople, type Person } from "../people.ts";
import { takeFloor } from "../pgbench.ts";
import { type Listener, listenTo } from "../socket.ts";

const IN_FLIGHT = 32;
const PEOPLE_OF_FLOOR = 20_000;
/**
 * In `{"event":"contacts_updated"`: the offset and the value of the first byte that differs from `connected`.
 */
const NAME_AT = 13;
const CONTACTS_UPDATED = "t".charCodeAt(0);

/** A user with a socket who waits for changes of their contacts. */
interface Watcher {
  person: Person;
  listener: Listener;
  /** Resolves when they have been told that their contacts changed, since the last call. */
  told(): Promise<void>;
}

/** One user asks, the other is told and accepts, the first is told. */
export const contacts: Scenario = {
  name: "contacts",
  target: 5,
  what: `request and accept, each seen on the other's socket, ${IN_FLIGHT} in flight`,
  goals: { times_roster_floor: { atLeast: 1 } },
  async run(arena: Arena) {
    const floor = await arena.cluster.createDatabase();
    await floor.sql`
      insert into users (phone_number, status, created_at)
      select '+1415' || lpad(n::text, 8, '0'), 'active', now() from generate_series(1, ${
      PEOPLE_OF_FLOOR * 2
    }) as n`;
    try {
      return await withService(arena, (service, database) =>
        repeat(arena.size.runs, async () => {
          const takeRoster = (told: 0 | 1) =>
            takeFloor(arena.pgbench, floor, "roster", {
              clients: IN_FLIGHT,
              seconds: arena.size.seconds,
              variables: { people: PEOPLE_OF_FLOOR, told },
            });
          const floorPerS = await takeRoster(0);
          const toldPerS = await takeRoster(1);
          const people = await makePeople(database, IN_FLIGHT * arena.size.side * 2);
          const load = await loadPairs(arena, database, service, people);
          const perS = load.operations / load.seconds;
          return {
            pairs_per_s: perS,
            roster_floor_per_s: floorPerS,
            roster_told_floor_per_s: toldPerS,
            times_roster_floor: ratio(perS, floorPerS),
            times_roster_told_floor: ratio(perS, toldPerS),
            p50_ms: percentile(load.latenciesMs, 0.5),
            p99_ms: percentile(load.latenciesMs, 0.99),
            ...costsPer1000(...load.costs, load.operations),
            ...await takeGroupedFloor(arena, floor),
          };
        }));
    } finally {
      await floor.drop();
    }
  },
};

/** Runs that with new people on a server, and counts the friendships. */
async function loadPairs(
  arena: Arena,
  database: BenchDatabase,
  server: Address & { pid: number },
  people: Person[],
) {
  const each = people.length / IN_FLIGHT;
  const workers = await Promise.all(
    Array.from(
      { length: IN_FLIGHT },
      (_, place) => openWorker(server, people.slice(place * each, (place + 1) * each)),
    ),
  );
  const before = await countFriends(database);
  const load = await putUnderLoad(arena, [server], workers);
  equal(await countFriends(database) - before, load.total, "not all who were told are friends");
  workers.forEach((worker) => worker.close());
  return load;
}

/** The same on a server that only stores, in groups; with more people, because it is faster. */
async function takeGroupedFloor(arena: Arena, database: BenchDatabase): Promise<Figures> {
  const people = await makePeople(database, IN_FLIGHT * arena.size.side * 4);
  const server = await startGrouped(people, database.url);
  try {
    const load = await loadPairs(arena, database, server, people);
    const costs = costsPer1000(...load.costs, load.operations);
    return {
      grouped_pairs_per_s: load.operations / load.seconds,
      grouped_server_cpu_s_per_1000: costs.server_cpu_s_per_1000!,
      grouped_server_postgres_cpu_s_per_1000: costs.server_postgres_cpu_s_per_1000!,
    };
  } finally {
    await server.stop();
  }
}

/** Half of these people ask each of the other half, one after another. */
async function openWorker(service: Address, people: Person[]): Promise<Work & { close(): void }> {
  const watchers: Watcher[] = [];
  for (const person of people) watchers.push(await watch(service, person));
  const connection = await openConnection(service);
  const side = people.length / 2;
  let next = 0;
  return {
    async operate() {
      const one = watchers[next % side]!;
      const other = watchers[side + (Math.floor(next / side) + next) % side]!;
      if (next++ === side * side) throw new Error("Too few people for so fast a service");
      await Promise.all([other.told(), put(connection, "request", one.person, other.person)]);
      await Promise.all([one.told(), put(connection, "accept", other.person, one.person)]);
    },
    close() {
      connection.close();
      watchers.forEach(({ listener }) => listener.close());
    },
  };
}

async function watch(service: Address, person: Person): Promise<Watcher> {
  const connected = Promise.withResolvers<void>();
  let tell = () => {};
  const listener = await listenTo(service, person.token, (text) => {
    if (text[NAME_AT] === CONTACTS_UPDATED) tell();
    else connected.resolve();
  });
  await connected.promise;
  return { person, listener, told: () => new Promise((resolve) => tell = resolve) };
}

async function put(connection: Connection, call: "request" | "accept", me: Person, peer: Person) {
  const body = JSON.stringify({ phone_number: peer.phone });
  const reply = await connection.ask(request(`PUT /api/contacts/${call}`, { token: me.token, body }));
  if (reply.status !== 200) {
    throw new Error(`${call} got ${reply.status}: ${new TextDecoder().decode(reply.body)}`);
  }
}

async function countFriends({ sql }: BenchDatabase): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count
    from conversations
    where low_intent = 'want' and high_intent = 'want'`;
  return row!.count;
}
