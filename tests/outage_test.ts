// A database that refuses connections or is silent: calls are answered in time, no socket is closed, and the
// service recovers by itself.

import { deepEqual, equal, ok } from "./assert.ts";

import { connect, type Pool } from "../db/connection/database.ts";
import { createTestDatabase } from "./database.ts";
import { holding, untilWaiting } from "./locks.ts";
import { startService } from "./process.ts";
import { ask, befriend, type Reply, send, signUp, wholeThread } from "./service_client.ts";
import { openSocket, type TestSocket } from "./socket.ts";
import { ANN, BOB, eventually, type Person } from "./support.ts";
import { startProxy, type TcpProxy } from "./tcp_proxy.ts";

/** The service promises two seconds; the rest allows for a busy machine. */
const ANSWER_MS_MAX = 2_500;

interface Scene {
  url: string;
  proxy: TcpProxy;
  ann: Person;
  bob: Person;
  /** Bob's. */
  socket: TestSocket;
  /** Bypasses the proxy. */
  sql: Pool;
  /** Everything that the service has logged. */
  output(): string;
}

/** A service whose database is behind a proxy, two friends who have talked, and a socket. */
async function withScene(run: (scene: Scene) => Promise<void>, limits = "off"): Promise<void> {
  const database = await createTestDatabase();
  const { host, port, user, database: name } = database.address;
  const proxy = startProxy(`${host}/.s.PGSQL.${port}`);
  const sql = connect(database.address, { max: 3 });
  const service = await startService({
    env: {
      DATABASE_URL: `postgres://${user}@127.0.0.1:${proxy.port}/${name}`,
      JWT_SECRET: "a secret of thirty-two bytes or more",
      SMS_DRIVER: "console",
      LIMITS: limits,
    },
  });
  try {
    const { url } = service;
    const [ann, bob] = [await signUp(url, ANN), await signUp(url, BOB)];
    await befriend(url, ann, bob);
    const socket = await openSocket(`${url.replace("http", "ws")}/api/notifications?token=${bob.token}`);
    // After this the service has cached session and thread, and the next send goes straight to its statement.
    equal((await send(url, ann, bob, "in time")).status, 200);
    await eventually(() => socket.told().includes(`messages_updated ${ANN}`));
    socket.forget();
    await run({ url, proxy, ann, bob, socket, sql, output: service.output });
    await socket.end();
  } finally {
    await sql.end();
    await service.end("SIGKILL");
    proxy.close();
    await database.drop();
  }
}

/** Every kind of call, many at once. */
function manyCalls({ url, ann, bob }: Scene): Promise<{ reply: Reply; ms: number }[]> {
  const timed = async (reply: Promise<Reply>) => {
    const startedAt = performance.now();
    return { reply: await reply, ms: performance.now() - startedAt };
  };
  return Promise.all([
    timed(ask(`${url}/readyz`, "GET")),
    timed(ask(`${url}/api/contacts`, "GET", ann.token)),
    timed(ask(`${url}/api/messages/${BOB}`, "GET", ann.token)),
    timed(ask(`${url}/api/messages/read_all_text`, "PUT", bob.token, { phone_number: ANN })),
    timed(ask(`${url}/api/contacts/request`, "PUT", bob.token, { phone_number: "+14155550199" })),
    timed(ask(`${url}/api/auth/sessions`, "GET", ann.token)),
    timed(ask(`${url}/api/auth/signup`, "POST", undefined, { phone_number: "+14155550198" })),
    ...Array.from(
      { length: 20 },
      (_, place) => timed(send(url, ann, bob, "in the outage", `outage ${place}`)),
    ),
  ]);
}

function assertUnavailable(calls: { reply: Reply; ms: number }[]): void {
  for (const { reply, ms } of calls) {
    deepEqual([reply.status, reply.body.code], [503, "unavailable"], JSON.stringify(reply.body));
    ok(Number(reply.headers.get("retry-after")) >= 1);
    ok(ms < ANSWER_MS_MAX, `Took ${ms} ms`);
  }
}

/** Asserts what was logged about the database: these levels and reasons, and finally that it is back. */
async function assertTold({ output }: Scene, reasons: string[]): Promise<void> {
  await eventually(() => ok(output().includes('"Database is back"')), 10_000);
  const lines = output().split("\n").filter((line) => line.includes('"message":"Database '));
  const told = lines.map((line) => JSON.parse(line));
  deepEqual([...new Set(told.slice(0, -1).map(({ level, reason }) => `${level} ${reason}`))], reasons);
  deepEqual(told.map(({ message }) => message).indexOf("Database is back"), told.length - 1);
}

/** Asserts that the service has recovered: no socket was closed, nothing is lost, and events arrive. */
async function assertRecovered({ url, ann, bob, socket }: Scene): Promise<void> {
  await eventually(async () => equal((await ask(`${url}/readyz`, "GET")).status, 200), 10_000);
  await eventually(async () => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, place) => send(url, ann, bob, "in the outage", `outage ${place}`)),
    );
    deepEqual(replies.map(({ status }) => status), Array(20).fill(200));
  }, 10_000);
  equal((await wholeThread(url, bob, ann)).filter(({ message }) => message === "in the outage").length, 20);
  await eventually(() => socket.told().includes(`messages_updated ${ANN}`));
  socket.forget();
  equal((await send(url, ann, bob, "after the outage")).status, 200);
  await eventually(() => socket.told().includes(`messages_updated ${ANN}`));
  equal(socket.raw.readyState, WebSocket.OPEN);
}

Deno.test("while the database refuses connections every call is 503 in time, and the service recovers when it is back", () =>
  withScene(async (scene) => {
    scene.proxy.refuse();
    for (let round = 0; round < 2; round += 1) assertUnavailable(await manyCalls(scene));
    equal((await ask(`${scene.url}/healthz`, "GET")).status, 200);
    scene.proxy.resume();
    await assertRecovered(scene);
    await assertTold(scene, ["ERROR connection lost", "ERROR no server there"]);
  }));

Deno.test("while the database is silent every call is 503 in time, and the service recovers when it is back", () =>
  withScene(async (scene) => {
    scene.proxy.freeze();
    for (let round = 0; round < 2; round += 1) assertUnavailable(await manyCalls(scene));
    scene.proxy.resume();
    await assertRecovered(scene);
    await assertTold(scene, ["ERROR Database does not answer"]);
  }));

Deno.test("concurrent calls of one address, which take turns at its limits, are 503 in time as well", () =>
  withScene(async ({ url, proxy }) => {
    proxy.freeze();
    const timed = async (path: string, json: Record<string, string>) => {
      const startedAt = performance.now();
      const reply = await ask(`${url}/api/auth/${path}`, "POST", undefined, json);
      return { reply, ms: performance.now() - startedAt };
    };
    for (const path of ["signup", "signin", "complete-signup", "complete-signin"]) {
      const calls = Array.from({ length: 20 }, (_, nth) =>
        timed(path, {
          phone_number: `+1415555${1_000 + nth}`,
          ...(path.startsWith("complete") ? { passcode: "123456" } : {}),
        }));
      assertUnavailable(await Promise.all(calls));
    }
  }, ""));

Deno.test("calls that have already been counted for their limits when an outage begins are 503 in time as well", () =>
  withScene(async ({ url, proxy, sql }) => {
    const timed = async (nth: number) => {
      const reply = await ask(`${url}/api/auth/signup`, "POST", undefined, {
        phone_number: `+1415556${1_000 + nth}`,
      });
      return { reply, endedAt: performance.now() };
    };
    await holding({ sql }, async (held) => {
      await held`lock table passcodes in access exclusive mode`;
      const calls = Promise.all(Array.from({ length: 20 }, (_, nth) => timed(nth)));
      await untilWaiting({ sql }, 5);
      const frozenAt = performance.now();
      proxy.freeze();
      assertUnavailable((await calls).map(({ reply, endedAt }) => ({ reply, ms: endedAt - frozenAt })));
    });
  }, ""));

Deno.test("a call that comes while others wait for a silent database waits no longer than they do", () =>
  withScene(async (scene) => {
    scene.proxy.freeze();
    const rounds: Promise<{ reply: Reply; ms: number }[]>[] = [];
    for (let round = 0; round < 6; round += 1) {
      rounds.push(manyCalls(scene));
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    (await Promise.all(rounds)).forEach(assertUnavailable);
    scene.proxy.resume();
    await assertRecovered(scene);
  }));

Deno.test("nobody is notified while the database is unavailable, and everybody is told to fetch again when it is back", () =>
  withScene(async ({ url, proxy, ann, bob, socket }) => {
    proxy.refuse();
    equal((await send(url, ann, bob, "lost")).status, 503);
    // Long enough for several attempts to reach it.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    deepEqual(socket.told(), []);
    proxy.resume();
    await eventually(() => ok(socket.told().includes("contacts_updated")), 10_000);
  }));

Deno.test("a message that is committed after its send was given up is announced all the same", () =>
  withScene(async ({ url, proxy, ann, bob, socket }) => {
    proxy.freeze();
    equal((await send(url, ann, bob, "late")).status, 503);
    deepEqual(socket.told(), []);
    proxy.resume();

    await eventually(() => socket.told().includes(`messages_updated ${ANN}`));
    deepEqual((await wholeThread(url, bob, ann)).map(({ message }) => message), ["in time", "late"]);
  }));

Deno.test("a message that is committed long after its send was given up is announced, and a repeated send is answered", () =>
  withScene(async ({ url, proxy, ann, bob, socket, sql, output }) => {
    const looks = () => output().split("Clients told to fetch again").length - 1;
    // A slow commit, as with a slow standby or disk.
    await sql`
      create function take_time() returns trigger language plpgsql as
        'begin perform pg_sleep(8); return null; end'`;
    await sql`
      create constraint trigger takes_time after insert on messages deferrable initially deferred
        for each row execute function take_time()`;
    const before = looks();
    const sent = send(url, ann, bob, "late", "late-1");
    await eventually(async () => {
      const [row] = await sql`
        select count(*)::int as committing from pg_stat_activity
        where datname = current_database() and wait_event = 'PgSleep'`;
      equal(row!.committing, 1);
    });
    proxy.refuse();
    equal((await sent).status, 503);
    proxy.resume();
    // One because of the operation with an unknown outcome, one because of missed announcements.
    await eventually(() => ok(looks() >= before + 2, output()), 5_000);
    const heard = (event: string) => socket.frames.filter((frame) => frame.event === event).length;
    await eventually(() => deepEqual(["contacts_updated", "messages_updated"].map(heard), [2, 2]));
    const committed = await sql`select id from messages where body = 'late'`;
    equal(committed.length, 0, "The machine was too slow for this test");
    socket.forget();

    await eventually(() => deepEqual(socket.told(), [`messages_updated ${ANN}`]), 15_000);
    equal((await send(url, ann, bob, "late", "late-1")).status, 200);
    equal((await wholeThread(url, bob, ann)).filter(({ message }) => message === "late").length, 1);
  }));
