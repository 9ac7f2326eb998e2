// A service whose database connections are killed repeatedly under load.

import { deepEqual, equal, ok } from "./assert.ts";

import { connect } from "../db/connection/database.ts";
import { createTestDatabase } from "./database.ts";
import { startService } from "./process.ts";
import { befriend, send, signUp, wholeThread } from "./service_client.ts";
import { ANN, BOB, eventually } from "./support.ts";

const KILLS = 60;
const SENDERS = 8;
/** The service promises two seconds; the rest allows for a slow machine. */
const ANSWER_MS_MAX = 3_000;

Deno.test("connections killed under load: answers are 200 or 503 and in time, nothing acknowledged is lost, and the service keeps running", async () => {
  const database = await createTestDatabase();
  const service = await startService({
    env: { DATABASE_URL: database.url, LIMITS: "off", JWT_SECRET: "s".repeat(40) },
  });
  const admin = connect({ ...database.address, database: "puffintalk" }, { max: 1 });
  try {
    const [ann, bob] = [await signUp(service.url, ANN), await signUp(service.url, BOB)];
    await befriend(service.url, ann, bob);
    const acknowledged: number[] = [];
    const others = new Set<number>();
    let slowestMs = 0;
    let going = true;
    const senders = Array.from({ length: SENDERS }, async (_, sender) => {
      for (let count = 0; going; count++) {
        const askedAt = performance.now();
        const { status, body } = await send(
          service.url,
          ann,
          bob,
          `${sender} ${count}`,
          `${sender}-${count}`,
        );
        slowestMs = Math.max(slowestMs, performance.now() - askedAt);
        if (status === 200) acknowledged.push(body.messages[0].id);
        else others.add(status);
      }
    });
    for (let kill = 0; kill < KILLS; kill++) {
      const before = acknowledged.length;
      await eventually(() => ok(acknowledged.length > before + 5), 10_000);
      const name = database.address.database;
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
    }
    going = false;
    await Promise.all(senders);

    deepEqual([...others].filter((status) => status !== 503), []);
    ok(slowestMs < ANSWER_MS_MAX, `${slowestMs} ms`);
    let stored = new Set<number>();
    await eventually(async () =>
      stored = new Set((await wholeThread(service.url, ann, bob)).map(({ id }) => id))
    );
    deepEqual(acknowledged.filter((id) => !stored.has(id)), []);
  } finally {
    equal(await service.end("SIGTERM"), 0);
    await admin.end({ timeout: 1 });
    await database.drop();
  }
});
