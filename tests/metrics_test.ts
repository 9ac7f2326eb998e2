// The metrics for Prometheus, mostly of a service in its own process.

import process from "node:process";
import { createMetrics } from "../services/metrics.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import type { SmsOutcome, SmsSender } from "../services/sms/sender.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { type Service, spawnService, startService } from "./process.ts";
import { startRelay } from "./relay.ts";
import { ask, signUp } from "./service_client.ts";
import { openSocket } from "./socket.ts";
import { ANN, BOB, eventually } from "./support.ts";

const SECRET = "s".repeat(40);

/** Reads `/metrics`: the value of each name with its labels, which are sorted alphabetically. */
async function readMetrics({ ready }: Service): Promise<Map<string, number>> {
  const response = await fetch(ready.metrics!);
  equal(response.status, 200);
  equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const [, name, labels, value] = line.match(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/) ?? [];
    ok(name, line);
    const sorted = labels?.match(/\w+="[^"]*"/g)?.sort().join(",");
    return [sorted === undefined ? name : `${name}{${sorted}}`, Number(value)];
  }));
}

/** Runs a test against `serve` with metrics, on a database that can be cut off. */
async function withMetrics(run: (service: Service, relay: ReturnType<typeof startRelay>) => Promise<void>) {
  const database = await createTestDatabase();
  const relay = startRelay(database);
  const service = await startService({
    task: "serve",
    env: { DATABASE_URL: relay.url, JWT_SECRET: SECRET, LIMITS: "off", METRICS_PORT: "0" },
  });
  try {
    await run(service, relay);
  } finally {
    equal(await service.end("SIGTERM"), 0, service.output());
    relay.close();
    await database.drop();
  }
}

Deno.test("metrics count answers, errors, SMS and open sockets, and contain no number, token, or unknown path or method", () =>
  withMetrics(async (service) => {
    const { url } = service;
    const { token } = await signUp(url, ANN);
    const socket = await openSocket(`${url.replace("http", "ws")}/api/notifications?token=${token}`);
    await ask(`${url}/api/contacts`, "GET");
    await ask(`${url}/api/contacts`, "GET");
    await ask(`${url}/api/messages/${BOB}?token=hush`, "GET");
    await ask(`${url}/hush`, "GET");
    await ask(`${url}/healthz`, "HUSH");

    const metrics = await readMetrics(service);
    const count = (labels: string) => metrics.get(`http_request_duration_seconds_count{${labels}}`);
    equal(count('method="POST",route="/api/auth/signup",status="200"'), 1);
    equal(count('method="GET",route="/api/contacts",status="401"'), 2);
    equal(count('method="GET",route="/api/messages/{phone_number}",status="401"'), 1);
    equal(count('method="GET",route="/api/notifications",status="101"'), 1);
    equal(metrics.get('puffintalk_errors_total{code="unauthenticated"}'), 3);
    equal(metrics.get('puffintalk_errors_total{code="not_found"}'), 1);
    equal(metrics.get('puffintalk_sms_total{outcome="sent"}'), 1);
    equal(metrics.get('puffintalk_sms_total{outcome="sms_failed"}'), 0);
    equal(metrics.get("puffintalk_sockets"), 1);
    equal(metrics.get("puffintalk_ready"), 1);
    equal(metrics.get("http_requests_under_way"), 0);
    const seconds = metrics.get(
      'http_request_duration_seconds_sum{method="POST",route="/api/auth/signup",status="200"}',
    )!;
    ok(seconds > 0 && seconds < 30, `${seconds}`);
    const within = metrics.get(
      'http_request_duration_seconds_bucket{le="60",method="POST",route="/api/auth/signup",status="200"}',
    );
    equal(within, 1);
    ok(metrics.get("process_resident_memory_bytes")! > 1e7);
    ok(metrics.get("process_cpu_seconds_total")! > 0);
    ok(Math.abs(metrics.get("process_start_time_seconds")! - Date.now() / 1000) < 120);
    const text = [...metrics.keys()].join("\n");
    for (const hidden of [ANN, BOB, ANN.slice(1), token, "hush", "HUSH"]) ok(!text.includes(hidden), hidden);

    await socket.end();
    await eventually(async () => equal((await readMetrics(service)).get("puffintalk_sockets"), 0));
  }));

Deno.test("an SMS is counted by the outcome that the provider reported", async () => {
  const metrics = createMetrics();
  const refusals = ["sms_failed", "sms_opted_out", "sms_failed"] as const;
  const outcomes: SmsOutcome[] = [
    { sent: true, provider_id: null },
    ...refusals.map((refusal) => ({ sent: false, refusal, provider_code: null, perhaps: "no" }) as const),
  ];
  const said = [...outcomes];
  const sms = metrics.counting<SmsSender>({ paid: true, send: () => Promise.resolve(said.shift()!) });
  for (const outcome of outcomes) equal(await sms.send(ANN as PhoneNumber, "text"), outcome);
  const text = await metrics.text();
  for (
    const [outcome, times] of Object.entries({ sent: 1, sms_failed: 2, sms_opted_out: 1, sms_not_allowed: 0 })
  ) {
    match(text, new RegExp(`^puffintalk_sms_total{outcome="${outcome}"} ${times}$`, "m"));
  }
});

Deno.test("process_cpu_seconds_total is the CPU time of the whole process, however often it is read", async () => {
  const metrics = createMetrics();
  const told = async () => Number((await metrics.text()).match(/^process_cpu_seconds_total (\S+)$/m)![1]);
  const took = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  };
  for (let time = 0; time < 3; time += 1) {
    const [before, between, after] = [took(), await told(), took()];
    ok(before <= between && between <= after, `${before} ${between} ${after}`);
  }
});

Deno.test("metrics are served while the database is unavailable, and report that", () =>
  withMetrics(async (service, relay) => {
    relay.cut();
    await eventually(async () => equal((await readMetrics(service)).get("puffintalk_ready"), 0));
    relay.mend();
    await eventually(async () => equal((await readMetrics(service)).get("puffintalk_ready"), 1));
  }));

Deno.test("metrics are served on a port of their own, at one path, and can only be read", () =>
  withMetrics(async (service) => {
    equal((await ask(`${service.url}/metrics`, "GET")).status, 404);
    const { origin } = new URL(service.ready.metrics!);
    const answers = await Promise.all([
      fetch(`${origin}/`),
      fetch(`${origin}/metrics/more`),
      fetch(`${origin}/metrics`, { method: "POST" }),
      fetch(`${origin}/metrics`, { method: "HEAD" }),
    ]);
    deepEqual(answers.map(({ status }) => status), [404, 404, 405, 200]);
    equal(answers[2]!.headers.get("allow"), "GET, HEAD");
    equal(answers[3]!.headers.get("cache-control"), "no-store");
    equal(answers[3]!.headers.get("x-content-type-options"), "nosniff");
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
  }));

Deno.test("a stop does not wait for a client that does not finish its request for metrics", async () => {
  let connection: Deno.TcpConn | undefined;
  let toldAt = 0;
  await withMetrics(async (service) => {
    const { hostname, port } = new URL(service.ready.metrics!);
    connection = await Deno.connect({ hostname, port: Number(port) });
    const asked = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
    await connection.write(new TextEncoder().encode(asked));
    ok(await connection.read(new Uint8Array(1_024)), "it was answered");
    toldAt = performance.now();
  });
  // The forced end of the process after 9.5 seconds would leave an embedded database running.
  ok(performance.now() - toldAt < 8_000);
  connection!.close();
});

Deno.test("a service that cannot serve metrics where it is configured to does not start, and names the variable", async () => {
  const database = await createTestDatabase();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = { DATABASE_URL: database.url, JWT_SECRET: SECRET, METRICS_PORT: String(taken.addr.port) };
  const inUse = spawnService({ env });
  equal(await inUse.finished, 1);
  match(inUse.output(), /^METRICS_PORT: Is in use by another program$/m);
  const nowhere = spawnService({ env: { ...env, METRICS_PORT: "0", METRICS_HOST: "203.0.113.1" } });
  equal(await nowhere.finished, 1);
  match(nowhere.output(), /^METRICS_HOST: Is not an address of this machine$/m);
  await database.drop();
});
