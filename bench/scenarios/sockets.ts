import { strictEqual as equal } from "node:assert/strict";
import { type Arena, type Scenario } from "../arena.ts";
import { memoryOf } from "../cpu.ts";
import type { Figures } from "../figures.ts";
import { startBare } from "../floor_server.ts";
import type { Address } from "../http.ts";
import { makePeople, type Person } from "../people.ts";
import { startService } from "../service.ts";
import { type Listener, listenTo } from "../socket.ts";

/**
 * How many sockets one machine opens at once: as many as there are phones that wake up at the same moment.
 */
const OPENING_AT_ONCE = 256;
const WARMING = 200;
/** After this time the service has collected the garbage of the openings. */
const QUIET_MS = 12_000;
/** V8 returns memory some time after a collection. */
const GIVING_BACK_MS = 2_000;

/** Idle phones; then the service is restarted, and all of them come back. */
export const sockets: Scenario = {
  name: "sockets",
  target: 6,
  what: "idle sockets, and all of them again after a restart",
  goals: {
    kb_per_socket: { atMost: 13 },
    all_connected_after_restart_s: { atMost: 30 },
    errors: { atMost: 0 },
  },
  async run(arena: Arena) {
    const database = await arena.cluster.createDatabase();
    const people = await makePeople(database, arena.size.sockets);
    const figures: Figures[] = [];
    try {
      for (let time = 0; time < arena.size.runs; time++) {
        const service = await startService({ databaseUrl: database.url });
        let again = service;
        try {
          const before = await warmUp(service, people);
          const first = await openAll(service, people);
          const grownAtOnce = await memoryOf(service.pid) - before;
          await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
          const grown = await memoryOf(service.pid) - before;

          const stopped = service.stop();
          await Promise.all(first.listeners.map(({ ended }) => ended.catch(() => {})));
          await stopped;
          const restartedAt = performance.now();
          again = await startService({ databaseUrl: database.url, port: service.port });
          const second = await openAll(again, people);
          const seconds = (performance.now() - restartedAt) / 1000;
          await closeAll(second.listeners);
          equal(second.listeners.length + second.errors, people.length);
          const kbEach = (bytes: number) => bytes / first.listeners.length / 1000;
          figures.push({
            sockets: first.listeners.length,
            kb_per_socket: kbEach(grown),
            kb_per_socket_at_once: kbEach(grownAtOnce),
            bare_kb_per_socket: kbEach(await takeBareFloor(people)),
            all_connected_after_restart_s: seconds,
            errors: first.errors + second.errors,
          });
        } finally {
          await again.stop();
        }
      }
      return figures;
    } finally {
      await database.drop();
    }
  },
};

/**
 * Opens and closes some sockets first, so that one-time costs are not measured, and returns the memory after
 * that.
 */
async function warmUp(service: Address & { pid: number }, people: Person[]): Promise<number> {
  const warm = await openAll(service, people.slice(0, WARMING));
  await closeAll(warm.listeners);
  return await memoryOf(service.pid);
}

/** The memory of as many sockets on Deno without any state, after a garbage collection. */
async function takeBareFloor(people: Person[]): Promise<number> {
  const bare = await startBare([]);
  try {
    const before = await warmUp(bare, people);
    const { listeners } = await openAll(bare, people);
    await bare.collect();
    await new Promise((resolve) => setTimeout(resolve, GIVING_BACK_MS));
    const grown = await memoryOf(bare.pid) - before;
    await closeAll(listeners);
    return grown;
  } finally {
    await bare.stop();
  }
}

/** Opens a socket for each person and waits until all are connected. */
async function openAll(
  service: Address,
  people: Person[],
): Promise<{ listeners: Listener[]; errors: number }> {
  const listeners: Listener[] = [];
  let errors = 0;
  let next = 0;
  const openOneByOne = async () => {
    for (let person = people[next++]; person; person = people[next++]) {
      const connected = Promise.withResolvers<void>();
      try {
        const listener = await listenTo(service, person.token, () => connected.resolve());
        await Promise.race([
          connected.promise,
          listener.ended.then(() => Promise.reject(new Error("ended"))),
        ]);
        listeners.push(listener);
      } catch {
        errors += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openOneByOne));
  return { listeners, errors };
}

async function closeAll(listeners: Listener[]): Promise<void> {
  listeners.forEach((listener) => listener.close());
  await Promise.all(listeners.map(({ ended }) => ended.catch(() => {})));
}
