// The warnings that the service logs at its start.

import { deepEqual, equal, match } from "./assert.ts";

import { parseConfig } from "../services/config.ts";
import { configureLogging } from "../services/log.ts";
import { warnOfClock, warnOfMedia, warnOfSettings, warnOfSms } from "../start_warnings.ts";
import { createTestDatabase } from "./database.ts";
import { twilioEnv } from "./passcode_calls.ts";
import { startService } from "./process.ts";
import { startTwilioDouble } from "./twilio_double.ts";

const JWT_SECRET = "a secret of thirty-two bytes or more";
const ALL = "sms_address, sms_prefix, sms_dial_code, sms_service";

Deno.test("a start with Twilio warns of every limit on SMS that is off, and of a PUBLIC_URL that only this machine can reach", async () => {
  const twilio = startTwilioDouble();
  const log: string[] = [];
  configureLogging("json", (line) => void log.push(line));
  const warned = (env: Record<string, string>) => {
    const PUBLIC_URL = "https://puffin.example";
    warnOfSms(parseConfig({ ...twilioEnv(twilio), JWT_SECRET, PUBLIC_URL, ...env }));
    return log.splice(0).map((line) => JSON.parse(line)).map(({ level, off, public_url, missing }) =>
      `${level} ${off ?? public_url ?? missing}`
    );
  };
  try {
    deepEqual(warned({ LIMITS: "off" }), [`WARN ${ALL}`]);
    deepEqual(warned({ LIMITS: "sms_prefix=off,sms_service=off,messages=off" }), [
      "WARN sms_prefix, sms_service",
    ]);
    deepEqual(warned({ LIMITS: "messages=off,sms_address=1000/d" }), []);
    deepEqual(warned({ LIMITS: "off", SMS_ENABLED: "false" }), []);
    deepEqual(warned({ PUBLIC_URL: "" }), ["WARN http://localhost:3000"]);
    deepEqual(warned({ PUBLIC_URL: "http://127.0.0.1:8080" }), ["WARN http://127.0.0.1:8080"]);
    deepEqual(warned({ PUBLIC_URL: "", SMS_DRIVER: "console" }), []);
    deepEqual(warned({ LIMITS: "off", SMS_DRIVER: "console", PUBLIC_URL: "" }), []);
    for (const behind of [{ TRUSTED_PROXY_COUNT: "1", PUBLIC_URL: "" }, {}]) {
      deepEqual(warned({ SMS_DRIVER: "console", ...behind }), [
        "WARN TWILIO_ACCOUNT_SID and the other TWILIO_ variables",
      ]);
    }
  } finally {
    await twilio.close();
  }
});

Deno.test("a start warns of a clock that is more than half a minute from the database's, and says by how much", () => {
  const log: string[] = [];
  configureLogging("json", (line) => void log.push(line));
  for (const aheadMs of [0, 29_000, -29_000, 600_000, -31_000]) warnOfClock(aheadMs);
  deepEqual(
    log.map((line) => JSON.parse(line)).map((line) =>
      `${line.level} ${line.seconds} s ${line.this_machine_is}`
    ),
    ["WARN 600 s ahead", "WARN 31 s behind"],
  );
});

Deno.test("a start warns of a database that may lose confirmed data, and of media that cannot be read", () => {
  const log: string[] = [];
  configureLogging("json", (line) => void log.push(line));
  warnOfSettings({ unsafe: [] });
  warnOfMedia(null);
  deepEqual(log, []);
  warnOfSettings({ unsafe: ["fsync", "synchronous_commit"] });
  warnOfMedia({ owner: "restorer" });
  deepEqual(
    log.map((line) => JSON.parse(line)).map(({ level, off, owner }) => `${level} ${off ?? owner}`),
    ["WARN fsync, synchronous_commit", "WARN restorer"],
  );
});

Deno.test("the service itself logs these warnings when it starts", async () => {
  const [twilio, database] = [startTwilioDouble(), await createTestDatabase()];
  const env = { ...twilioEnv(twilio), DATABASE_URL: database.url, JWT_SECRET, LIMITS: "off" };
  const service = await startService({ env });
  try {
    equal(await service.end("SIGTERM"), 0);
    match(service.output(), new RegExp(`"WARN".*"off":"${ALL}"`));
  } finally {
    await service.end("SIGKILL").catch(() => {});
    await twilio.close();
    await database.drop();
  }
});
