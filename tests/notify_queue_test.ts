// PostgreSQL queues notifications until all listeners have received them, even a stuck one, and its queue has
// a limit. The limit can only be set for a whole cluster, so this test has its own.

import { connect } from "../db/connection/database.ts";
import { removeBusyFolder } from "../db/embedded/folder.ts";
import { startEmbedded } from "../db/embedded/launcher.ts";
import { deepEqual, equal, match, rejects } from "./assert.ts";
import { startService } from "./process.ts";
import { befriend, send, signUp, wholeThread } from "./service_client.ts";
import { ANN, BOB, eventually } from "./support.ts";

/** The smallest queue that can be set, in pages of 8 kB. */
const SETTINGS = { fsync: "off", max_notify_queue_pages: "64" };

Deno.test("while the NOTIFY queue is full sends are 503, and once its listener is no longer stuck they succeed", async () => {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "puffintalk-queue-" });
  await Deno.chmod(folder, 0o711);
  const server = await startEmbedded(folder, { settings: SETTINGS });
  const { host, user, database } = server.address;
  const service = await startService({
    env: {
      DATABASE_URL: `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
      JWT_SECRET: "s".repeat(40),
      LIMITS: "off",
      SMS_DRIVER: "console",
    },
  });
  const { url } = service;
  const stuck = connect(server.address, { max: 1, takesArrays: false });
  const other = connect(server.address, { max: 1, takesArrays: false });
  const announceUntilFull = (length: number) =>
    rejects(async () => {
      for (let nth = 0;; nth += 1) {
        await other`select pg_notify('other', repeat('x', ${length}::int) || ${nth}::text)`;
      }
    }, { code: "54000" });
  try {
    const [ann, bob] = [await signUp(url, ANN), await signUp(url, BOB)];
    await befriend(url, ann, bob);
    equal((await send(url, ann, bob, "first")).status, 200);
    await stuck`listen other`;
    await stuck.begin(async (sql) => {
      await sql`select 1`;
      await announceUntilFull(7_000);
      await announceUntilFull(10);
      const refused = await Promise.all(["one", "two", "three"].map((text) => send(url, ann, bob, text)));
      deepEqual(refused.map(({ status, body }) => [status, body.code]), Array(3).fill([503, "unavailable"]));
      await eventually(() => match(service.output(), /"Database unavailable".*"NOTIFY queue full"/));
    });

    await eventually(async () => equal((await send(url, ann, bob, "at last")).status, 200), 10_000);
    const thread = await wholeThread(url, bob, ann);
    deepEqual(thread.map(({ message }) => message), ["first", "at last"]);
  } finally {
    await Promise.all([stuck, other].map((sql) => sql.end({ timeout: 1 })));
    await service.end("SIGKILL");
    await server.stop();
    await Promise.all([server.location, folder].map(removeBusyFolder));
  }
});
