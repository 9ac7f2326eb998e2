// Many clients that never read while messages for them keep coming: how much memory they cost, how soon they
// are disconnected, and how soon everybody else is notified. `LONG=1` runs at the size given in SECURITY.md.

import { deepEqual, equal, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { type HttpConnection, openHttp } from "./http_connection.ts";
import { type Service, startService } from "./process.ts";
import { clientPorts, IS_KNOWN, memoryMib } from "./process_state.ts";
import { shakeHands } from "./raw_socket.ts";
import { befriend, signUp } from "./service_client.ts";
import { openSocket, type TestSocket } from "./socket.ts";
import { ANN, BOB, eventually, type Person, withApp } from "./support.ts";

const LONG = Deno.env.get("LONG") !== undefined;
/**
 * Users, each with `SOCKETS_EACH` sockets that never read; a message is an event for each of its sockets.
 */
const SLEEPERS = LONG ? 50 : 5;
const SOCKETS_EACH = 10;
const EVENTS = LONG ? 100_000 : 5_000;
const ROUNDS_BEFORE = LONG ? 5 : 1;
const SENDERS = 10;
const WATCHERS = 5;
const GROWTH_MIB_MAX = 50;
const TOLD_MS_MAX = 250;
/** Multiple of the delay without sleepers that is allowed: other tests run on this machine too. */
const TOLD_TIMES_MAX = 3;
const GONE_MS_MAX = 60_000;

interface Scene {
  service: Service;
  /** Each sleeper is friends with one of them. */
  senders: Person[];
  sleepers: Person[];
  watchers: { from: Person; to: Person; socket: TestSocket }[];
}

async function createScene(service: Service): Promise<Scene> {
  const { url } = service;
  let people = 0;
  const join = () => signUp(url, `+1415${5_570_000 + (people += 1)}`);
  const joinAll = async (count: number) => {
    const all: Person[] = [];
    await inParallel(count, 8, async () => void all.push(await join()));
    return all;
  };
  const senders = await joinAll(SENDERS);
  const sleepers = await joinAll(SLEEPERS);
  await inParallel(SLEEPERS, 8, (place) => befriend(url, senders[place % SENDERS]!, sleepers[place]!));
  const watchers = await Promise.all(Array.from({ length: WATCHERS }, async () => {
    const [from, to] = [await join(), await join()];
    await befriend(url, from, to);
    const socket = await openSocket(`${url.replace("http", "ws")}/api/notifications?token=${to.token}`);
    return { from, to, socket };
  }));
  return { service, senders, sleepers, watchers };
}

async function inParallel(
  count: number,
  width: number,
  work: (place: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

function request(from: Person, to: Person, message: string): Uint8Array {
  const body = JSON.stringify({ phone_number: to.phone, message_type: "text", message });
  return new TextEncoder().encode(
    `POST /api/messages/send HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${from.token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}

async function send(connection: HttpConnection, from: Person, to: Person, message: string): Promise<void> {
  equal((await connection.ask(request(from, to, message)))?.status, 200);
}

/** Sends messages to the sleepers until their sockets have had this many events. */
async function sendMany({ service, senders, sleepers }: Scene, events: number): Promise<void> {
  const lanes = Array.from({ length: 16 }, () => openHttp(service.url));
  await inParallel(events / SOCKETS_EACH, lanes.length, async (message) => {
    const place = message % SLEEPERS;
    const lane = lanes.pop()!;
    await send(lane, senders[place % SENDERS]!, sleepers[place]!, `Message ${message}`);
    lanes.push(lane);
  });
  lanes.forEach((lane) => lane.close());
}

/** Sends messages to the watchers during `work`; returns the delays of their notices, in ms, ascending. */
async function watch({ service, watchers }: Scene, work: Promise<unknown>): Promise<number[]> {
  const waits: number[] = [];
  let ended = false;
  const ending = work.finally(() => ended = true);
  ending.catch(() => {});
  await Promise.all(watchers.map(async ({ from, to, socket }) => {
    const connection = openHttp(service.url);
    while (!ended) {
      socket.forget();
      const told = new Promise((resolve) => socket.raw.addEventListener("message", resolve, { once: true }));
      const startedAt = performance.now();
      await send(connection, from, to, "Are you told?");
      await told;
      waits.push(performance.now() - startedAt);
    }
    connection.close();
  }));
  await ending;
  return waits.toSorted((one, other) => one - other);
}

interface Sleeper {
  port: number;
  openedAt: number;
  goneAt: number | null;
  conn: Deno.TcpConn;
}

async function openSleepers({ service, sleepers }: Scene): Promise<Sleeper[]> {
  const open: Sleeper[] = [];
  await inParallel(sleepers.length * SOCKETS_EACH, 8, async (place) => {
    const { token } = sleepers[place % SLEEPERS]!;
    const { conn, status } = await shakeHands(service.url, `/api/notifications?token=${token}`);
    equal(status, 101);
    const { port } = conn.localAddr as Deno.NetAddr;
    open.push({ port, openedAt: performance.now(), goneAt: null, conn });
  });
  return open;
}

/** Records which sleepers have been disconnected, and the peak of memory, which includes garbage. */
function lookOn(service: Service, sleepers: Sleeper[]) {
  let peak = memoryMib(service);
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryMib(service));
    const ports = clientPorts(service);
    for (const sleeper of sleepers) {
      if (!ports.has(sleeper.port)) sleeper.goneAt ??= performance.now();
    }
  }, 250);
  return { peak: () => peak, stop: () => clearInterval(timer) };
}

function p99(waits: number[]): number {
  return waits[Math.floor(waits.length * 0.99)]!;
}

Deno.test(
  "clients that never read cost little memory, are disconnected within a minute, and delay nobody else",
  { ignore: !IS_KNOWN },
  async () => {
    const database = await createTestDatabase();
    const env = {
      DATABASE_URL: database.url,
      JWT_SECRET: "a secret of thirty-two bytes or more",
      LIMITS: "off",
    };
    const service = await startService({ env });
    const sleepers: Sleeper[] = [];
    try {
      const scene = await createScene(service);
      // The peak for the same kind of work without these sockets. It includes garbage, which V8 first lets
      // grow to its usual size.
      const lookBefore = lookOn(service, []);
      const alone = await watch(scene, sendMany(scene, EVENTS * ROUNDS_BEFORE));
      lookBefore.stop();
      const before = lookBefore.peak();
      sleepers.push(...await openSleepers(scene));
      const look = lookOn(service, sleepers);
      const startedAt = performance.now();
      const waits = await watch(scene, sendMany(scene, EVENTS));
      const seconds = (performance.now() - startedAt) / 1000;
      if (LONG) await eventually(() => sleepers.every(({ goneAt }) => goneAt !== null), 90_000);
      look.stop();

      const growth = look.peak() - before;
      const [aloneMs, toldMs] = [p99(alone), p99(waits)];
      const toldMsMax = LONG ? TOLD_MS_MAX : Math.max(TOLD_MS_MAX, aloneMs * TOLD_TIMES_MAX);
      const gone = sleepers.filter(({ goneAt }) => goneAt !== null);
      const goneMs = Math.max(0, ...gone.map(({ openedAt, goneAt }) => goneAt! - openedAt));
      console.log(
        `${sleepers.length} sockets that never read, ${EVENTS} events for them in ${
          seconds.toFixed(1)
        } s: memory ` +
          `${before.toFixed(0)} MiB at most without them and ${
            growth.toFixed(1)
          } more at most; ${waits.length} others told, 99% within ` +
          `${toldMs.toFixed(0)} ms, ${aloneMs.toFixed(0)} ms before; ${gone.length} gone, the last after ${
            (goneMs / 1000).toFixed(1)
          } s`,
      );
      ok(growth < GROWTH_MIB_MAX, `${growth} MiB`);
      ok(waits.length > 20 && toldMs < toldMsMax, `${toldMs} ms`);
      ok(goneMs < GONE_MS_MAX, `${goneMs} ms`);
      for (const { socket } of scene.watchers) await socket.end();
    } finally {
      sleepers.forEach(({ conn }) => conn.close());
      await service.end("SIGKILL");
      await database.drop();
    }
  },
);

// This takes a minute. Without the flag it is not defined at all, so that it does not appear as skipped.
if (LONG) {
  Deno.test(
    "a socket that is sent notices all the time and never reads is closed within a minute",
    { ignore: !IS_KNOWN },
    () =>
      withApp(async (t) => {
        const { hub, sessions } = t.services;
        const bob = await t.signUp(BOB);
        const { user_id } = await sessions.authenticate(bob.token);
        const { conn } = await shakeHands(t.url, `/api/notifications?token=${bob.token}`);
        const { port } = conn.localAddr as Deno.NetAddr;
        ok(clientPorts(t).has(port));
        const startedAt = performance.now();
        // Enough to fill the operating system's buffers for the connection within a second or two.
        const telling = setInterval(() => {
          for (let sender = 0; sender < 100; sender += 1) {
            hub.tell({ to: user_id, event: "messages_updated", sender: `${ANN}${sender}` });
          }
        }, 1);
        await eventually(() => !clientPorts(t).has(port), GONE_MS_MAX).finally(() => clearInterval(telling));
        console.log(
          `A socket that is told all the time is gone after ${
            ((performance.now() - startedAt) / 1000).toFixed(1)
          } s`,
        );
        deepEqual(hub.userIds(), []);
        conn.close();
      }),
  );
}
