// The service as a process: how it starts, stops and recovers from being killed, and what it prints.

import { connect, type Pool } from "../db/connection/database.ts";
import { hangupSignals } from "../terminal.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { type Service, spawnService, startService } from "./process.ts";
import { startRelay } from "./relay.ts";
import { openSocket } from "./socket.ts";
import { ANN, BOB, eventually } from "./support.ts";
import { fixture, MULTIPART, multipart } from "./upload_calls.ts";

const STOP_MS_MAX = 10_000;

/** Runs a test with its own data directory, and removes that and its cluster. */
async function withDataDir(run: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "puffintalk-main-" });
  try {
    await run(dataDir);
  } finally {
    const cluster = await Deno.realPath(`${dataDir}/postgres`).catch(() => null);
    if (cluster) await Deno.remove(cluster, { recursive: true });
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function post(service: Service, path: string, json: unknown, token?: string) {
  const response = await fetch(service.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(json),
  });
  return await response.json();
}

async function signUp(service: Service, phone: string): Promise<string> {
  equal((await post(service, "/api/auth/signup", { phone_number: phone })).success, true);
  const sms = await (await fetch(`${service.url}/dev/sms?to=${phone}`)).json();
  const passcode = sms.messages[0].text.match(/^\d{6}/)[0];
  return (await post(service, "/api/auth/complete-signup", { phone_number: phone, passcode })).token;
}

async function uploadVoice(service: Service, token: string) {
  const response = await fetch(`${service.url}/api/messages/upload_media?media_type=audio`, {
    method: "POST",
    headers: { ...MULTIPART, authorization: `Bearer ${token}` },
    body: multipart({ bytes: fixture("voice.wav") }),
  });
  return await response.json();
}

async function contacts(service: Service, token: string) {
  const response = await fetch(`${service.url}/api/contacts`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return await response.json();
}

async function stopsInTime(service: Service, signal: Deno.Signal): Promise<void> {
  const toldAt = performance.now();
  equal(await service.end(signal), 0, service.output());
  ok(performance.now() - toldAt < STOP_MS_MAX);
}

Deno.test("start: sets everything up from nothing, stops on SIGTERM, and has all data after the next start", () =>
  withDataDir(async (dataDir) => {
    const first = await startService({ task: "start", env: { DATA_DIR: dataDir } });
    match(first.ready.database!, /^PostgreSQL 18\..*embedded/);
    equal(first.ready.sms, "console");
    match(first.ready.passcodes!, /\/dev$/);
    const ann = await signUp(first, ANN);
    const socket = await openSocket(`${first.url.replace("http", "ws")}/api/notifications?token=${ann}`);
    await stopsInTime(first, "SIGTERM");
    equal(await socket.closed, 1001);

    const second = await startService({ task: "start", env: { DATA_DIR: dataDir } });
    equal(second.ready.recovered, undefined, "stopped with its service, so not adopted");
    deepEqual((await contacts(second, ann)).contacts, [], "the token and its secret survived");
    await stopsInTime(second, "SIGINT");
  }));

Deno.test("start: stops on SIGHUP, as when its terminal closes, unless it was started to ignore that", () =>
  withDataDir(async (dataDir) => {
    const first = await startService({ env: { DATA_DIR: dataDir } });
    // The tests themselves may run under nohup.
    if (hangupSignals().length > 0) await stopsInTime(first, "SIGHUP");
    else {
      Deno.kill(first.pid, "SIGHUP");
      equal((await fetch(`${first.url}/healthz`)).status, 200);
      await stopsInTime(first, "SIGTERM");
    }
    const second = await startService({ env: { DATA_DIR: dataDir } });
    equal(second.ready.recovered, undefined, "stopped with its service, so not adopted");
    await stopsInTime(second, "SIGTERM");
  }));

Deno.test("start: after SIGKILL the database that was left running is adopted, and nothing is lost", () =>
  withDataDir(async (dataDir) => {
    const killed = await startService({ env: { DATA_DIR: dataDir } });
    const ann = await signUp(killed, ANN);
    await post(killed, "/api/contacts/request", { phone_number: BOB }, ann);
    await killed.end("SIGKILL");

    const next = await startService({ env: { DATA_DIR: dataDir } });
    match(next.ready.recovered!, /killed service/);
    equal((await contacts(next, ann)).contacts[0].phone_number, BOB);
    await stopsInTime(next, "SIGTERM");
  }));

Deno.test("start: a second service on the same data directory says so and exits", () =>
  withDataDir(async (dataDir) => {
    const first = await startService({ env: { DATA_DIR: dataDir } });
    const second = spawnService({ env: { DATA_DIR: dataDir } });
    equal(await second.finished, 1);
    match(second.output(), /another PuffinTalk service/i);
    equal((await fetch(`${first.url}/readyz`)).status, 200);
    await stopsInTime(first, "SIGTERM");
  }));

Deno.test("start: names every bad variable and does not start", async () => {
  const service = spawnService({ env: { PORT: "x", LIMITS: "y", PASSCODE_TTL_SECONDS: "0" } });
  equal(await service.finished, 1);
  for (const name of ["PORT", "LIMITS", "PASSCODE_TTL_SECONDS"]) {
    match(service.output(), new RegExp(`^${name}: `, "m"));
  }
});

Deno.test("start: says so when a port is taken, and leaves no database behind", () =>
  withDataDir(async (dataDir) => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const service = spawnService({ env: { DATA_DIR: dataDir, PORT: String(port) } });
    equal(await service.finished, 1);
    match(service.output(), /^PORT: Is in use/m);
    // The older version keeps using the database as it is.
    equal(service.output().includes("Database migrated"), false);
    taken.close();
    const next = await startService({ env: { DATA_DIR: dataDir } });
    equal(next.ready.recovered, undefined);
    await stopsInTime(next, "SIGTERM");
  }));

Deno.test("start: is stopped by SIGTERM while it still waits for its database", async () => {
  const service = spawnService({ env: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" } });
  await eventually(() => match(service.output(), /Waiting for the database/), 10_000);
  const toldAt = performance.now();
  equal(await service.end("SIGTERM"), 0);
  ok(performance.now() - toldAt < STOP_MS_MAX);
});

/** Runs with a service that waits at its start for `other`, which holds the lock for migrations. */
async function whileAnotherMigrates(
  run: (service: ReturnType<typeof spawnService>, other: Pool) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase({ empty: true });
  const other = connect(database.address, { max: 1 });
  await other`select pg_advisory_lock(7886342001)`;
  const service = spawnService({ env: { DATABASE_URL: database.url } });
  try {
    await eventually(() => match(service.output(), /WARN.*Waiting for another process/), 20_000);
    await run(service, other);
  } finally {
    // The test may have ended it already.
    await service.end("SIGKILL").catch(() => {});
    await other.end({ timeout: 0 });
    await database.drop();
  }
}

Deno.test("start: logs that it waits for another process's migrations, and stops at once on SIGTERM meanwhile", () =>
  whileAnotherMigrates(async (service) => {
    const toldAt = performance.now();
    equal(await service.end("SIGTERM"), 0);
    ok(performance.now() - toldAt < 3_000);
  }));

Deno.test("start: waits again for a database that is lost during its migration", () =>
  whileAnotherMigrates(async (service, other) => {
    await other`
      select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`;
    await eventually(() => match(service.output(), /WARN.*Database lost during the migration/));
    await other`select pg_advisory_unlock(7886342001)`;
    await service.ready;
    equal(await service.end("SIGTERM"), 0);
    ok(!service.output().includes("cannot start"), service.output());
  }));

Deno.test("serve: requires DATABASE_URL", async () => {
  const service = spawnService({ task: "serve", env: { DATABASE_URL: "" } });
  equal(await service.finished, 1);
  match(service.output(), /^DATABASE_URL: /m);
});

Deno.test("serve: refuses a weak secret, even next to a strong one, and does not print it", async () => {
  for (const secrets of ["hushhush", `${"s".repeat(32)},hushhush`]) {
    const env = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none", JWT_SECRET: secrets };
    const service = spawnService({ task: "serve", env });
    equal(await service.finished, 1);
    match(service.output(), /^JWT_SECRET: Must have at least 32 bytes in every secret/m);
    ok(!/hush/.test(service.output()));
  }
});

Deno.test("serve: does all its work with its permissions: the network, its variables, its migrations and web files", async () => {
  const database = await createTestDatabase({ empty: true });
  const relay = startRelay(database);
  const service = await startService({
    task: "serve",
    env: { DATABASE_URL: relay.url, JWT_SECRET: "s".repeat(32) },
  });
  try {
    const [ann, bob] = [await signUp(service, ANN), await signUp(service, BOB)];
    await post(service, "/api/contacts/request", { phone_number: BOB }, ann);
    await post(service, "/api/contacts/request", { phone_number: ANN }, bob);
    const sent = { phone_number: BOB, message_type: "text", message: "Hello" };
    equal((await post(service, "/api/messages/send", sent, ann)).success, true);
    equal((await uploadVoice(service, ann)).success, true);
    ok(!service.output().includes("NotCapable"), service.output());
  } finally {
    await stopsInTime(service, "SIGTERM");
    relay.close();
    await database.drop();
  }
});

Deno.test("start: after SIGTERM a request whose body is still arriving is finished, and others are served, but /healthz is 503 and no socket opens", async () => {
  const database = await createTestDatabase();
  const service = await startService({ env: { DATABASE_URL: database.url, METRICS_PORT: "0" } });
  const bob = await signUp(service, BOB);
  const { hostname, port, host } = new URL(service.url);
  const body = JSON.stringify({ phone_number: ANN });
  const head = `POST /api/auth/signup HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n`;
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(head + body.slice(0, 5)));
  await eventually(async () => {
    const metrics = await fetch(service.ready.metrics!);
    match(await metrics.text(), /^http_requests_under_way 1$/m);
  });
  const ended = service.end("SIGTERM");
  await eventually(async () => equal((await fetch(`${service.url}/healthz`)).status, 503));
  for (const path of ["/api/contacts", "/"]) {
    const answer = await fetch(service.url + path, { headers: { authorization: `Bearer ${bob}` } });
    deepEqual([answer.status, answer.headers.get("connection")], [200, "close"]);
    await answer.body!.cancel();
  }
  const socket = new WebSocket(`${service.url.replace("http", "ws")}/api/notifications?token=${bob}`);
  await new Promise((resolve) => socket.onerror = resolve);

  await connection.write(new TextEncoder().encode(body.slice(5)));
  const buffer = new Uint8Array(2_048);
  const length = await connection.read(buffer);
  match(new TextDecoder().decode(buffer.subarray(0, length!)), /^HTTP\/1.1 200 /);
  connection.close();
  equal(await ended, 0);
  await database.drop();
});

Deno.test("start: reports a wrong DATABASE_URL without its password", async () => {
  for (const url of ["postgres://u:hushhush@host:99999/db", "postgres://u:hush%zzhush@host/db"]) {
    const service = spawnService({ env: { DATABASE_URL: url } });
    equal(await service.finished, 1);
    match(service.output(), /^DATABASE_URL: /m);
    ok(!/hush/.test(service.output()));
  }
});

Deno.test("start: restarts a database server that was killed, with all that was acknowledged", () =>
  withDataDir(async (dataDir) => {
    const service = await startService({ env: { DATA_DIR: dataDir } });
    const ann = await signUp(service, ANN);
    await post(service, "/api/contacts/request", { phone_number: BOB }, ann);
    const pid = parseInt(await Deno.readTextFile(`${dataDir}/postgres/cluster/postmaster.pid`));
    Deno.kill(pid, "SIGKILL");

    await eventually(async () => equal((await fetch(`${service.url}/readyz`)).status, 503));
    await eventually(async () => equal((await fetch(`${service.url}/readyz`)).status, 200), 20_000);
    equal((await contacts(service, ann)).contacts[0].phone_number, BOB);
    await stopsInTime(service, "SIGTERM");
  }));
