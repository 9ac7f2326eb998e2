import { equal } from "node:assert/strict";
import { type Arena, type Scenario } from "../arena.ts";
import { startBare } from "../bare.ts";
import { memoryOf } from "../cpu.ts";
import type { Figures } from "../figures.ts";
import { makePeople, type Person } from "../people.ts";
import type { Address } from "../http.ts";
import { startService } from "../service.ts";
import { type Listener, listenTo } from "../socket.ts";

/** As many as phones that wake up at once would be, for one machine. */
const OPENING_AT_ONCE = 256;
const WARMING = 200;

/** Phones that only wait; then the service is started again, and all of them come back. */
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
    let service = await startService({ databaseUrl: database.url });
    try {
      for (let time = 0; time < arena.size.runs; time++) {
        const warm = await openAll(service, people.slice(0, WARMING));
        await closeAll(warm.listeners);
        const before = await memoryOf(service.pid);
        const first = await openAll(service, people);
        const grown = await memoryOf(service.pid) - before;

        const { port } = service;
        const stopped = service.stop();
        await Promise.all(first.listeners.map(({ ended }) => ended.catch(() => {})));
        await stopped;
        const restartedAt = performance.now();
        service = await startService({ databaseUrl: database.url, port });
        const second = await openAll(service, people);
        const seconds = (performance.now() - restartedAt) / 1000;
        await closeAll(second.listeners);
        equal(second.listeners.length + second.errors, people.length);
        figures.push({
          sockets: first.listeners.length,
          kb_per_socket: grown / first.listeners.length / 1000,
          bare_kb_per_socket: await takeBareFloor(people),
          all_connected_after_restart_s: seconds,
          errors: first.errors + second.errors,
        });
      }
      return figures;
    } finally {
      await service.stop();
      await database.drop();
    }
  },
};

/** What as many sockets of Deno take that nothing is known of. */
async function takeBareFloor(people: Person[]): Promise<number> {
  const bare = await startBare([]);
  try {
    const warm = await openAll(bare, people.slice(0, WARMING));
    await closeAll(warm.listeners);
    const before = await memoryOf(bare.pid);
    const { listeners } = await openAll(bare, people);
    const grown = await memoryOf(bare.pid) - before;
    await closeAll(listeners);
    return grown / listeners.length / 1000;
  } finally {
    await bare.stop();
  }
}

/** Opens a socket for each and waits until each was told that it is connected. */
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
