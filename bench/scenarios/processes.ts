import { type Arena, costsPer1000, repeat, type Scenario } from "../arena.ts";
import { percentile } from "../figures.ts";
import { putUnderLoad } from "../load.ts";
import { countStored, makePairs, openSender } from "../sending.ts";
import { type Service, startService } from "../service.ts";

const PROCESSES = 4;
const IN_FLIGHT = 128;

/**
 * The same sends through one process and through four, with each receiver's socket at another process than
 * the sender.
 */
export const processes: Scenario = {
  name: "processes",
  target: 10,
  what: `sends through ${PROCESSES} processes on one database, ${IN_FLIGHT} in flight`,
  goals: { times_one_process: { atLeast: 0.6 }, event_p99_ms: { atMost: 50 } },
  async run(arena: Arena) {
    const database = await arena.cluster.createDatabase();
    const services: Service[] = [];
    try {
      const pairs = await makePairs(database, IN_FLIGHT);
      services.push(await startService({ databaseUrl: database.url }));
      let stored = 0;

      const measure = async (among: Service[]) => {
        const at = (place: number) => among[place % among.length]!;
        const senders = await Promise.all(
          pairs.map((pair, place) => openSender(pair, { sendTo: at(place), listenAt: at(place + 1) })),
        );
        const load = await putUnderLoad(arena, among, senders);
        stored = await countStored(database, senders, stored);
        senders.forEach((sender) => sender.close());
        return {
          load,
          perS: load.operations / load.seconds,
          delays: senders.flatMap(({ delaysMs }) => delaysMs),
        };
      };

      const alone = await repeat(arena.size.runs, async () => ({ per_s: (await measure(services)).perS }));
      while (services.length < PROCESSES) services.push(await startService({ databaseUrl: database.url }));
      return await repeat(arena.size.runs, async () => {
        const onePerS = alone.shift()!.per_s!;
        const { load, perS, delays } = await measure(services);
        return {
          sends_per_s: perS,
          one_process_sends_per_s: onePerS,
          times_one_process: perS / onePerS,
          event_p50_ms: percentile(delays, 0.5),
          event_p99_ms: percentile(delays, 0.99),
          ...costsPer1000(...load.costs, load.operations),
        };
      });
    } finally {
      for (const service of services) await service.stop();
      await database.drop();
    }
  },
};
