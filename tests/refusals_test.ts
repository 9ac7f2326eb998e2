// A running server that refuses logins, more connections or writes: no answer is 500, and the log says why.

import { deepEqual, equal, ok, rejects } from "./assert.ts";

import { connect, type Database, openDatabase, type Pool } from "../db/connection/database.ts";
import type { DatabaseNews } from "../db/connection/outage_watch.ts";
import { awaitServer } from "../db/connection/server.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { createTestDatabase } from "./database.ts";
import { type Service, startService } from "./process.ts";
import { ask, befriend, send, signUp } from "./service_client.ts";
import { ANN, BOB, eventually } from "./support.ts";

interface Scene {
  /** The address of the database with a role that the server can refuse, unlike a superuser. */
  url: string;
  server: string;
  name: string;
  role: string;
  /** A superuser's, on another database. */
  admin: Pool;
  /** Ends every connection of the role. */
  cut(): Promise<void>;
}

async function withRole(run: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await createTestDatabase({ empty: true });
  const { host, port, database: name } = database.address;
  const admin = connect({ ...database.address, database: "puffintalk" }, { max: 1 });
  const role = `role_${name}`;
  try {
    await admin`create role ${admin(role)} login`;
    await admin`alter database ${admin(name)} owner to ${admin(role)}`;
    await run({
      url: `postgres://${role}@localhost/${name}?host=${encodeURIComponent(host)}`,
      server: `${host}/.s.PGSQL.${port}`,
      name,
      role,
      admin,
      cut: async () =>
        void await admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`,
    });
  } finally {
    await database.drop();
    await admin`drop role ${admin(role)}`;
    await admin.end({ timeout: 1 });
  }
}

interface OpenScene extends Scene {
  database: Database;
  news: DatabaseNews[];
  outages(): number;
}

function withOpen(max: number, run: (scene: OpenScene) => Promise<void>): Promise<void> {
  return withRole(async (scene) => {
    const database = openDatabase(scene.url, { max });
    const news: DatabaseNews[] = [];
    let outages = 0;
    database.onNews((heard) => void news.push(heard));
    database.onOutage(() => outages += 1);
    try {
      await run({ ...scene, database, news, outages: () => outages });
    } finally {
      await database.close();
    }
  });
}

function sleep({ database }: OpenScene, seconds: number, inTurn = false) {
  return database.run((sql) => sql`select 1 from pg_sleep(${seconds})`.execute(), { inTurn });
}

/** A statement that the server fails with this code, and a message that must not be reported. */
function failWith({ database }: OpenScene, code: string) {
  return database.begin(async (sql) => {
    await sql`select set_config('test.code', ${code}, true)`;
    await sql`do $$ begin raise '+14155550101' using errcode = current_setting('test.code'); end $$`;
  });
}

async function countConnections({ admin, role }: Scene): Promise<number> {
  const [row] = await admin<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity where usename = ${role}`;
  return row!.count;
}

/** Opens this many connections, including the one of the probe, and then limits the role to them. */
async function limitTo(connections: number, scene: OpenScene): Promise<void> {
  const { admin, role } = scene;
  await Promise.all(Array.from({ length: connections - 1 }, () => sleep(scene, 0.2)));
  await eventually(async () => equal(await countConnections(scene), connections));
  await admin.unsafe(`alter role ${role} connection limit ${connections}`);
}

Deno.test("when another connection is refused all work is done on the open ones, and no outage is reported", () =>
  withOpen(8, async (scene) => {
    await limitTo(3, scene);
    await Promise.all(Array.from({ length: 60 }, (_, nth) => sleep(scene, 0.01, nth % 2 === 0)));
    equal(await countConnections(scene), 3);
    equal(scene.outages(), 0);
    const { server } = scene;
    deepEqual(scene.news, [
      { event: "cramped", server, connections: 2, reason: "too many connections", code: "53300" },
    ]);
  }));

Deno.test("slow statements are waited for even if no connection is left for the probe", () =>
  withOpen(2, async (scene) => {
    const { admin, role } = scene;
    await admin.unsafe(`alter role ${role} connection limit 1`);
    const slow = sleep(scene, 1.5);
    // If two are opened at the same moment, PostgreSQL may refuse both.
    await eventually(async () => equal(await countConnections(scene), 1));
    await Promise.all([slow, sleep(scene, 0)]);
    equal(scene.outages(), 0);
  }));

Deno.test("connections for bytes are shared as well when more are refused", () =>
  withOpen(1, async (scene) => {
    const { admin, role, database } = scene;
    const bytes = database.openBytes();
    const sleepThere = (seconds: number) =>
      bytes.run({ name: "sleep", text: "select 1 from pg_sleep($1)", values: [seconds] });
    await Promise.all([sleepThere(0.2), sleepThere(0.2)]);
    await eventually(async () => equal(await countConnections(scene), 3));
    await admin.unsafe(`alter role ${role} connection limit 3`);
    await Promise.all(Array.from({ length: 20 }, () => sleepThere(0.01)));
    deepEqual(scene.news.map(({ event }) => event), ["cramped"]);
  }));

Deno.test("bytes that come when statements have all connections get one of theirs, and statements go on", () =>
  withOpen(8, async (scene) => {
    await limitTo(4, scene);
    const bytes = scene.database.openBytes();
    const store = () => bytes.run({ name: "one", text: "select 1", values: [] });
    deepEqual(await Promise.all([store(), store(), store()]), [1, 1, 1]);
    await Promise.all(Array.from({ length: 20 }, () => sleep(scene, 0.01)));
    equal(await store(), 1);
    equal(scene.outages(), 0);
    ok(await countConnections(scene) <= 4);
  }));

Deno.test("when no connection can be opened calls are DatabaseUnavailable at once, and nothing can have been committed", () =>
  withOpen(4, async (scene) => {
    const { admin, role, cut } = scene;
    await sleep(scene, 0);
    await admin.unsafe(`alter role ${role} connection limit 0`);
    await cut();
    await eventually(async () => equal(await countConnections(scene), 0));
    // The first statement after the cut may have been committed; after it all connections are known to be
    // closed.
    await rejects(sleep(scene, 0), DatabaseUnavailable);
    const before = scene.outages();
    const askedAt = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => rejects(sleep(scene, 0), DatabaseUnavailable)));
    ok(performance.now() - askedAt < 2_000);
    equal(scene.outages(), before);
    await admin.unsafe(`alter role ${role} connection limit -1`);
    await Promise.all(Array.from({ length: 8 }, () => sleep(scene, 0)));
    equal(scene.news.filter((news) => "code" in news && news.code === "53300").length, 1);
  }));

Deno.test("an error of a statement is passed on, even if the same code would be an outage at a login", () =>
  withOpen(1, async (scene) => {
    const { database } = scene;
    await database.run((sql) => sql`create sequence kept`.execute());
    for (const way of [database.run, database.begin]) {
      await rejects(way((sql) => sql`select currval('kept')`.execute()), { code: "55000" });
      await rejects(way((sql) => sql`select rolpassword from pg_authid`.execute()), { code: "42501" });
    }
    deepEqual([scene.outages(), scene.news], [0, []]);
  }));

Deno.test("an outage of statements is reported as well, by its code and without the server's message", () =>
  withOpen(1, async (scene) => {
    for (const code of ["53100", "25006", "53100", "57014", "54000"]) {
      await rejects(failWith(scene, code), DatabaseUnavailable);
    }
    deepEqual(
      scene.news.map((news) => "code" in news ? `${news.code} ${news.reason}` : news.event),
      [
        "53100 disk full",
        "25006 read-only",
        "57014 statement took too long, perhaps waiting for a lock",
        "54000 NOTIFY queue full",
      ],
    );
    // Undone statements need no further notice, but 25006 does: another server may have other data.
    equal(scene.outages(), 1);
  }));

Deno.test("a statement that took too long, or found the disk full, closes no connection", () =>
  withOpen(3, async (scene) => {
    await Promise.all([sleep(scene, 0.2), sleep(scene, 0.2)]);
    await eventually(async () => equal(await countConnections(scene), 3));
    const pids = () =>
      scene.admin<
        { pid: number }[]
      >`select pid from pg_stat_activity where usename = ${scene.role} order by pid`;
    const before = [...await pids()];
    for (const code of ["53100", "57014"]) {
      const slow = sleep(scene, 0.2);
      await rejects(failWith(scene, code), DatabaseUnavailable);
      await slow;
    }
    deepEqual([...await pids()], before);
  }));

Deno.test("awaitServer() does not wait for a login that is refused", () =>
  withRole(async ({ url, admin, role, name }) => {
    const never = new Promise(() => {});
    const refusedWith = (words: RegExp) => rejects(awaitServer(url, never), words);
    await admin.unsafe(`alter role ${role} nologin`);
    await refusedWith(/^Error: DATABASE_URL: Cannot use the database: .* is not permitted to log in$/);
    await admin.unsafe(`alter role ${role} login`);
    await admin.unsafe(`alter database ${name} allow_connections false`);
    await refusedWith(/: Cannot use the database: .* is not currently accepting connections$/);
    await rejects(awaitServer(`${url}&no_such_setting=1`, never), /: Cannot use the database: /);
  }));

const REFUSALS = [
  {
    reason: "login refused",
    code: "28000",
    refuse: ({ admin, role }: Scene) => admin.unsafe(`alter role ${role} nologin`),
    allow: ({ admin, role }: Scene) => admin.unsafe(`alter role ${role} login`),
  },
  {
    reason: "login refused: database accepts no connections",
    code: "55000",
    refuse: ({ admin, name }: Scene) => admin.unsafe(`alter database ${name} allow_connections false`),
    allow: ({ admin, name }: Scene) => admin.unsafe(`alter database ${name} allow_connections true`),
  },
  {
    reason: "login refused: no permission to connect",
    code: "42501",
    refuse: ({ admin, name, role }: Scene) =>
      admin.unsafe(`revoke connect on database ${name} from public, ${role}`),
    allow: ({ admin, name, role }: Scene) => admin.unsafe(`grant connect on database ${name} to ${role}`),
  },
];

Deno.test("while logins are refused every call is 503 and the log says so once, and once they are allowed calls work again", () =>
  withRole(async (scene) => {
    const service = await startService({
      env: { DATABASE_URL: scene.url, LIMITS: "off", JWT_SECRET: "s".repeat(40), SMS_DRIVER: "console" },
    });
    try {
      const [ann, bob] = [await signUp(service.url, ANN), await signUp(service.url, BOB)];
      await befriend(service.url, ann, bob);
      for (const { reason, code, refuse, allow } of REFUSALS) {
        const before = linesOf(service).length;
        await refuse(scene);
        await scene.cut();
        // Meanwhile push looks for work twice a second.
        for (let round = 0; round < 4; round += 1) {
          const replies = await Promise.all([
            ask(`${service.url}/readyz`, "GET"),
            ask(`${service.url}/api/contacts`, "GET", ann.token),
            ...Array.from({ length: 10 }, () => send(service.url, ann, bob, "in the outage")),
          ]);
          for (const { status, body, headers } of replies) {
            deepEqual([status, body.code], [503, "unavailable"]);
            ok(Number(headers.get("retry-after")) >= 1);
          }
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
        await allow(scene);
        const allowedAt = performance.now();
        await eventually(async () => equal((await ask(`${service.url}/readyz`, "GET")).status, 200));
        ok(performance.now() - allowedAt < 2_500);
        equal((await send(service.url, ann, bob, "after it")).status, 200);

        const news = () => linesOf(service).slice(before);
        await eventually(() => ok(news().some(({ message }) => message === "Database is back")), 10_000);
        const errors = news().filter(({ level }) => level === "ERROR");
        deepEqual(
          errors.filter((line) => line.code === code).map(({ message, reason, server }) => ({
            message,
            reason,
            server,
          })),
          [{ message: "Database unavailable", reason, server: scene.server }],
        );
        deepEqual(errors.filter(({ message }) => message !== "Database unavailable"), []);
        const [back] = news().filter(({ message }) => message === "Database is back");
        ok(Number(back!.after_ms) >= 1_000);
      }
    } finally {
      equal(await service.end("SIGTERM"), 0);
    }
  }));

function linesOf(service: Service): Record<string, unknown>[] {
  return service.output().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}
