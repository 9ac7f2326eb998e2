import { strictEqual as equal } from "node:assert/strict";
import { type Arena, repeat, type Scenario } from "../arena.ts";
import { memoryOf } from "../cpu.ts";
import { json, openConnection, request } from "../http.ts";
import { makePeople } from "../people.ts";
import { startService } from "../service.ts";

/** The time from the start of the process, with an existing database, to the first answer. */
export const start: Scenario = {
  name: "start",
  target: 9,
  what: "ready after a start on an existing database, and its memory then",
  goals: { ready_after_ms: { atMost: 500 }, idle_mb: { atMost: 120 } },
  async run(arena: Arena) {
    const database = await arena.cluster.createDatabase();
    const [person] = await makePeople(database, 1);
    try {
      return await repeat(arena.size.runs, async () => {
        const service = await startService({ databaseUrl: database.url });
        try {
          const idle = await memoryOf(service.pid);
          const connection = await openConnection(service);
          const reply = await connection.ask(request("GET /api/contacts", { token: person!.token }));
          equal(reply.status, 200);
          equal((json(reply) as { success: boolean }).success, true);
          connection.close();
          return { ready_after_ms: service.readyAfterMs, idle_mb: idle / 1e6 };
        } finally {
          await service.stop();
        }
      });
    } finally {
      await database.drop();
    }
  },
};
