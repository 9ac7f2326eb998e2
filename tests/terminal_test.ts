// What a start prints, for machines and for people, how it explains a failure, and which signals it heeds.

import { parseConfig } from "../services/config.ts";
import { configureLogging } from "../services/log.ts";
import { announce, explain, type Started } from "../terminal.ts";
import { deepEqual, equal, match, ok, throws } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { startService } from "./process.ts";

const STARTED = { port: 3000, metricsPort: null, version: "18.4", embedded: null, hasWebClient: true };
const TWILIO = {
  TWILIO_ACCOUNT_SID: `AC${"0".repeat(32)}`,
  TWILIO_AUTH_TOKEN: "hush-token",
  TWILIO_PHONE_NUMBER: "+14155550100",
};

/** Its fields, without those that every line has. */
function said(env: Record<string, string>, started: Partial<Omit<Started, "config">> = {}) {
  const lines: string[] = [];
  configureLogging("json", (line) => void lines.push(line));
  announce({ config: parseConfig({ LOG_FORMAT: "json", ...env }), ...STARTED, ...started });
  equal(lines.length, 1);
  const { "@timestamp": _, level, message, logger: __, ...fields } = JSON.parse(lines[0]!);
  deepEqual([level, message], ["INFO", "PuffinTalk is ready"]);
  return fields;
}

Deno.test("a start says where everything is, as addresses that can be opened, and what it uses", () => {
  const embedded = { location: "/data/postgres", adopted: false };
  deepEqual(said({ HOST: "127.0.0.1" }, { embedded }), {
    listening: "http://127.0.0.1:3000",
    client: "http://127.0.0.1:3000/app",
    database: "PostgreSQL 18.4, embedded, in /data/postgres",
    sms: "console",
    passcodes: "printed here, and shown at http://127.0.0.1:3000/dev",
  });
  const six = said({ HOST: "::1", METRICS_PORT: "9000", METRICS_HOST: "::1" }, { metricsPort: 9000 });
  equal(six.listening, "http://[::1]:3000");
  equal(six.metrics, "http://[::1]:9000/metrics");
  equal(said({}, { hasWebClient: false }).client, "not built: deno task build");
  ok("recovered" in said({}, { embedded: { ...embedded, adopted: true } }));
});

Deno.test("a start with a provider says that passcodes are sent by SMS, and reveals no secret", () => {
  const DATABASE_URL = "postgres://puffin:hush-word@db.example/puffin";
  const fields = said({ ...TWILIO, SMS_DRIVER: "twilio", DATABASE_URL, JWT_SECRET: "hush".repeat(10) });
  equal(fields.database, "PostgreSQL 18.4, from DATABASE_URL");
  deepEqual([fields.sms, fields.passcodes], ["twilio", "sent by SMS"]);
  ok(!JSON.stringify(fields).includes("hush"));
});

Deno.test("with LOG_FORMAT=pretty, a start says the same in a few lines for people, even into a pipe", async () => {
  const database = await createTestDatabase();
  const service = await startService({
    env: { DATABASE_URL: database.url, JWT_SECRET: "s".repeat(40), LOG_FORMAT: "pretty" },
  });
  equal(await service.end("SIGTERM"), 0);
  match(service.output(), /^PuffinTalk is ready\n {2}listening {2}http:[^]*\n {2}stop with {2}Ctrl-C$/m);
  await database.drop();
});

Deno.test("a process started by nohup does not listen to the signal that it was told to ignore", async () => {
  const terminal = new URL("../terminal.ts", import.meta.url).href;
  const script = `import { hangupSignals } from "${terminal}"; console.log(hangupSignals().length);`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'trap "" HUP; exec "$0" eval --no-lock "$1"', Deno.execPath(), script],
    cwd: new URL("..", import.meta.url),
  }).output();
  equal(new TextDecoder().decode(stdout).trim(), "0", new TextDecoder().decode(stderr));
});

Deno.test("explain() names the variable to change if the service cannot listen, and otherwise gives the error's message", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const failure = (hostname: string, port: number) => {
    let failed: unknown;
    throws(() => Deno.listen({ hostname, port }).close(), (error) => (failed = error, true));
    return failed;
  };
  const inUse = failure("127.0.0.1", taken.addr.port);
  equal(explain(inUse), "PORT: Is in use by another program");
  equal(explain(inUse, "METRICS_"), "METRICS_PORT: Is in use by another program");
  equal(explain(failure("203.0.113.1", 0)), "HOST: Is not an address of this machine");
  equal(explain(new Error("DATABASE_URL: Must be an address")), "DATABASE_URL: Must be an address");
});
