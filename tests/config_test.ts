import fc from "fast-check";
import { deepEqual, doesNotMatch, equal, ok } from "./assert.ts";

import { ConfigError, parseConfig } from "../services/config.ts";
import { DEFAULT_LIMITS } from "../services/limits/parse.ts";

type Variables = Record<string, string | undefined>;

const SECRET = "0123456789abcdef0123456789abcdef";
const TWILIO = {
  TWILIO_ACCOUNT_SID: "AC0123456789abcdef0123456789abcdef",
  TWILIO_AUTH_TOKEN: "token",
  TWILIO_PHONE_NUMBER: "+1 (415) 555-2671",
  JWT_SECRET: SECRET,
};
const SERVICE = { ...TWILIO, TWILIO_PHONE_NUMBER: "", TWILIO_MESSAGING_SERVICE_SID: "MG42" };

/** The lines of the refusal, one for each bad variable. */
function problems(variables: Variables, options?: { production?: boolean }): string[] {
  try {
    parseConfig(variables, options);
  } catch (error) {
    ok(error instanceof ConfigError);
    equal(error.message, error.problems.join("\n"));
    return error.message.split("\n");
  }
  return [];
}

function badNames(variables: Variables, options?: { production?: boolean }): string[] {
  return problems(variables, options).map((line) => line.split(":")[0] ?? "");
}

Deno.test("parseConfig() needs no variables", () => {
  deepEqual(parseConfig({}), {
    port: 3000,
    host: "127.0.0.1",
    databaseUrl: null,
    dataDir: "./data",
    publicUrl: "http://localhost:3000",
    jwtSecrets: null,
    sms: { driver: "console" },
    smsEnabled: true,
    smsCountries: "*",
    testPasscodes: new Map(),
    passcodeTtlMs: 600_000,
    phoneWireFormat: "e164",
    inviteMode: "server",
    uniformAuth: false,
    androidApp: null,
    iosApp: null,
    limits: DEFAULT_LIMITS,
    trustedProxyCount: 0,
    corsOrigins: "*",
    maxUploadBytes: 104_857_600,
    mediaQuotaBytes: 1_073_741_824,
    pushHosts: [
      "https://fcm.googleapis.com",
      "*.push.services.mozilla.com",
      "*.notify.windows.com",
      "*.push.apple.com",
    ],
    vapidPair: null,
    vapidSubject: "mailto:push@localhost",
    metrics: null,
    logFormat: null,
  });
});

const FINGERPRINT = Array.from({ length: 32 }, () => "AB").join(":");

const VAPID = {
  public_key: "BBsE88UOE0DQtkx2Y3nCbH-z4XQOE17NYbRt52_C9H_nFBXJoXexa0W31CVVllHsOuZ94RoMhrSF7tKSxBeMtxk",
  private_key: "NccCCV6eJXPpnP2fD8__5vud9LbVRvgJGr_T2wHhDIg",
};

const EVERYTHING = {
  ...TWILIO,
  PORT: " 8080 ",
  HOST: "::1",
  DATABASE_URL: "postgresql://puffin:secret@db/puffin",
  DATA_DIR: "/var/lib/puffin",
  PUBLIC_URL: "https://Puffin.example:8443/",
  JWT_SECRET: `${SECRET}, ${SECRET}2`,
  TWILIO_API_BASE_URL: "http://127.0.0.1:9/twilio/",
  SMS_ENABLED: "false",
  SMS_COUNTRIES: "us, DE",
  TEST_PASSCODES: "+1234567890=654321,001 234 567 891=000000",
  PASSCODE_TTL_SECONDS: "1",
  PHONE_WIRE_FORMAT: "digits",
  INVITE_MODE: "off",
  UNIFORM_AUTH: "1",
  ANDROID_APP: `example.puffin=${FINGERPRINT.toLowerCase()}`,
  IOS_APP: "ABCDE12345.example.puffin",
  LIMITS: "messages=off",
  TRUSTED_PROXY_COUNT: "2",
  CORS_ORIGINS: "https://app.example/, http://localhost:5173",
  MAX_UPLOAD_BYTES: "1",
  MEDIA_QUOTA_BYTES: "2",
  PUSH_HOSTS: "Push.Example, *.push.example, https://push.example:8443/, http://127.0.0.1:9",
  VAPID_PUBLIC_KEY: VAPID.public_key,
  VAPID_PRIVATE_KEY: VAPID.private_key,
  VAPID_SUBJECT: "mailto:push@example.org",
  METRICS_PORT: "9464",
  METRICS_HOST: "::",
  LOG_FORMAT: "json",
  SOMETHING_ELSE: "\0",
};

Deno.test("parseConfig() reads every variable", () => {
  deepEqual(parseConfig(EVERYTHING, { production: true }), {
    port: 8080,
    host: "::1",
    databaseUrl: "postgresql://puffin:secret@db/puffin",
    dataDir: "/var/lib/puffin",
    publicUrl: "https://puffin.example:8443",
    jwtSecrets: [SECRET, `${SECRET}2`],
    sms: {
      driver: "twilio",
      accountSid: TWILIO.TWILIO_ACCOUNT_SID,
      authToken: "token",
      from: { phoneNumber: "+14155552671" },
      apiBaseUrl: "http://127.0.0.1:9/twilio",
    },
    smsEnabled: false,
    smsCountries: ["US", "DE"],
    testPasscodes: new Map([["+1234567890", "654321"], ["+1234567891", "000000"]]),
    passcodeTtlMs: 1_000,
    phoneWireFormat: "digits",
    inviteMode: "off",
    uniformAuth: true,
    androidApp: { packageName: "example.puffin", fingerprint: FINGERPRINT },
    iosApp: "ABCDE12345.example.puffin",
    limits: { ...DEFAULT_LIMITS, messages: null },
    trustedProxyCount: 2,
    corsOrigins: ["https://app.example", "http://localhost:5173"],
    maxUploadBytes: 1,
    mediaQuotaBytes: 2,
    pushHosts: ["https://push.example", "*.push.example", "https://push.example:8443", "http://127.0.0.1:9"],
    vapidPair: VAPID,
    vapidSubject: "mailto:push@example.org",
    metrics: { host: "::", port: 9464 },
    logFormat: "json",
  });
});

Deno.test("parseConfig() treats an empty or blank variable as unset", () => {
  for (const value of ["", "  "]) {
    const empty = Object.fromEntries(Object.keys(EVERYTHING).map((name) => [name, value]));
    deepEqual(parseConfig(empty), parseConfig({}));
  }
});

Deno.test("parseConfig() has a loopback address as default HOST only while passcodes are printed", () => {
  equal(parseConfig(TWILIO).host, "0.0.0.0");
  equal(parseConfig({ ...TWILIO, SMS_DRIVER: "console" }).host, "127.0.0.1");
  equal(parseConfig({ HOST: "0.0.0.0" }).host, "0.0.0.0");
});

Deno.test("parseConfig() puts the port into the default public URL", () => {
  equal(parseConfig({ PORT: "8080" }).publicUrl, "http://localhost:8080");
});

Deno.test("parseConfig() chooses Twilio if any of its variables is set, and names those that are missing", () => {
  const wished = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"] as const;
  for (const name of wished) {
    const missing = wished.filter((other) => other !== name);
    deepEqual(badNames({ JWT_SECRET: SECRET, SMS_COUNTRIES: "US", [name]: TWILIO[name] }), missing);
  }
  const service = { JWT_SECRET: SECRET, SMS_COUNTRIES: "US", TWILIO_MESSAGING_SERVICE_SID: "MG42" };
  deepEqual(badNames(service), ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]);
  deepEqual(badNames({ SMS_DRIVER: "twilio", JWT_SECRET: SECRET, SMS_COUNTRIES: "*" }), [...wished]);
});

Deno.test("parseConfig() does not choose Twilio if only its base URL is set", () => {
  deepEqual(parseConfig({ TWILIO_API_BASE_URL: "http://127.0.0.1:9" }).sms, { driver: "console" });
});

Deno.test("parseConfig() prefers the messaging service if both senders are set", () => {
  const { sms } = parseConfig({ ...TWILIO, TWILIO_MESSAGING_SERVICE_SID: "MG42", SMS_COUNTRIES: "US" });
  ok(sms.driver === "twilio");
  deepEqual(sms.from, { messagingServiceSid: "MG42" });
});

Deno.test("parseConfig() allows SMS to the country of its number, and requires SMS_COUNTRIES if there is none", () => {
  deepEqual(parseConfig(TWILIO).smsCountries, ["US"]);
  deepEqual(parseConfig({ ...TWILIO, TWILIO_PHONE_NUMBER: "+4915123456789" }).smsCountries, ["DE"]);
  // Outside every numbering plan, as test numbers are: the first country of the dial code.
  deepEqual(parseConfig({ ...TWILIO, TWILIO_PHONE_NUMBER: "+15551234567" }).smsCountries, ["US"]);
  deepEqual(badNames({ ...TWILIO, TWILIO_PHONE_NUMBER: "+80012345678" }), ["SMS_COUNTRIES"]);
  deepEqual(badNames(SERVICE), ["SMS_COUNTRIES"]);
  equal(parseConfig({ ...SERVICE, SMS_COUNTRIES: "*" }).smsCountries, "*");
});

Deno.test("parseConfig() refuses a missing or weak secret if real SMS are sent", () => {
  for (const secret of ["", ",", "x", SECRET.slice(1), `${SECRET},x`]) {
    deepEqual(badNames({ ...TWILIO, JWT_SECRET: secret }), ["JWT_SECRET"]);
  }
  deepEqual(parseConfig({ JWT_SECRET: "x" }).jwtSecrets, ["x"]);
});

Deno.test("parseConfig() refuses a weak secret in production, and wherever others can reach the service", () => {
  const weak = { JWT_SECRET: `${SECRET},x` };
  deepEqual(badNames({ ...weak, DATABASE_URL: "postgres://db/x" }, { production: true }), ["JWT_SECRET"]);
  for (const HOST of ["0.0.0.0", "::", "192.168.0.1", "127.0.0.1.example", "localhost.example"]) {
    deepEqual(badNames({ ...weak, HOST }), ["JWT_SECRET"], HOST);
    deepEqual(badNames({ HOST }), [], HOST);
  }
  for (const HOST of ["127.0.0.1", "127.8.8.8", "::1", "localhost"]) {
    deepEqual(badNames({ ...weak, HOST }), []);
  }
});

Deno.test("parseConfig() counts the bytes of a secret and not its characters", () => {
  deepEqual(badNames({ ...TWILIO, JWT_SECRET: "\u00e9".repeat(16) }), []);
  deepEqual(badNames({ ...TWILIO, JWT_SECRET: "\u00e9".repeat(15) }), ["JWT_SECRET"]);
});

Deno.test("parseConfig() requires a database in production", () => {
  deepEqual(badNames({ JWT_SECRET: SECRET }, { production: true }), ["DATABASE_URL"]);
});

const REFUSED: [string, string[]][] = [
  ["PORT", ["1e3", "0x10", "-1", "+1", "1.5", "65536", "3000 3001", "\u0663", "9".repeat(400)]],
  ["HOST", ["a b", "http://localhost", "localhost:3000", "[::1]:3000"]],
  ["DATABASE_URL", [
    "mysql://db/puffin",
    "db/puffin",
    "postgres://",
    "https://db",
    "postgres://db/a?sslmode=on",
  ]],
  ["PUBLIC_URL", [
    ...["puffin.example", "ftp://puffin.example", "https://", "https://a/b", "https://a?b", "https://a?"],
    ...["https://a#b", "https://u:p@a", "https://a:99999", "https://a\\b", `https://${"a".repeat(101)}`],
  ]],
  ["SMS_DRIVER", ["Twilio", "none"]],
  ["SMS_COUNTRIES", ["USA", "QQ", "US;DE", "*,US"]],
  ["TEST_PASSCODES", [
    ...["+1234567890", "+1234567890=12345", "+1234567890=1234567", "+1234567890=abcdef", "12=123456"],
    ...["+1234567890=123456=7", "+1234567890=123456,1234567890=654321"],
  ]],
  ["PASSCODE_TTL_SECONDS", ["0", "-1", "31536001", "10m"]],
  ["PHONE_WIRE_FORMAT", ["E164", "plus"]],
  ["INVITE_MODE", ["on", "true"]],
  ["UNIFORM_AUTH", ["true", "on", "2"]],
  ["ANDROID_APP", [
    "example.puffin",
    "puffin=AB",
    `puffin=${FINGERPRINT}`,
    `example.puffin=${FINGERPRINT}:AB`,
  ]],
  ["IOS_APP", ["example.puffin", "ABCDE1234.example", "ABCDE12345", "ABCDE12345./"]],
  ["SMS_ENABLED", ["0", "off", "False"]],
  ["LIMITS", ["on", "messages=1", "nobody=1/d"]],
  ["TRUSTED_PROXY_COUNT", ["-1", "one", "101"]],
  ["CORS_ORIGINS", [
    ",",
    "https://*.app.example",
    "app.example",
    "*,https://app.example",
    "https://app.example/path",
    "null",
  ]],
  ["MAX_UPLOAD_BYTES", ["0", "100MB", "-1"]],
  ["PUSH_HOSTS", [
    ...["push", "*", "*.", "*.example.*", "127.0.0.1", "push.example:8443", "off,push.example", "-a.example"],
    ...[
      "ftp://push.example",
      "http://push.example",
      "https://u:p@push.example",
      "https://push.example/path",
      "https://*.push.example",
    ],
  ]],
  ["VAPID_SUBJECT", [
    "push@example.org",
    "mailto:",
    "mailto:push",
    "http://example.org",
    "https://",
    "https://[",
  ]],
  ["METRICS_PORT", ["-1", "65536", "http", "3000"]],
  ["METRICS_HOST", ["127.0.0.1:9464", "http://localhost", "a b"]],
  ["LOG_FORMAT", ["JSON", "text"]],
];

for (const [name, values] of REFUSED) {
  Deno.test(`parseConfig() refuses a bad ${name} in one line`, () => {
    for (const value of values) deepEqual(badNames({ [name]: value }), [name], value);
  });
}

const REFUSED_OF_TWILIO = {
  TWILIO_ACCOUNT_SID: ["SK0123", "AC", "AC/../x", "ac0123"],
  TWILIO_PHONE_NUMBER: ["12345", "PuffinTalk"],
  TWILIO_API_BASE_URL: ["api.twilio.com", "ftp://a", "https://a?b", "https://u:p@a", "http://a:99999"],
};

for (const [name, values] of Object.entries(REFUSED_OF_TWILIO)) {
  Deno.test(`parseConfig() refuses a bad ${name} in one line`, () => {
    for (const value of values) deepEqual(badNames({ ...TWILIO, [name]: value }), [name], value);
  });
}

Deno.test("parseConfig() refuses bad values of Twilio's variables even for the console, which requires none of them", () => {
  const bad = Object.fromEntries(
    Object.entries(REFUSED_OF_TWILIO).map(([name, values]) => [name, values[0]]),
  );
  const console = { SMS_DRIVER: "console", JWT_SECRET: SECRET };
  deepEqual(badNames({ ...console, ...bad }).sort(), Object.keys(bad).sort());
  deepEqual(badNames({ ...console, TWILIO_ACCOUNT_SID: "AC1" }), []);
});

Deno.test("parseConfig() refuses a bad TWILIO_MESSAGING_SERVICE_SID even beside a number", () => {
  deepEqual(badNames({ ...TWILIO, TWILIO_MESSAGING_SERVICE_SID: "AC42" }), ["TWILIO_MESSAGING_SERVICE_SID"]);
});

Deno.test("parseConfig() names every bad variable in one message", () => {
  const bad = Object.fromEntries(REFUSED.map(([name, values]) => [name, values[0]]));
  const all = { ...TWILIO, ...bad, TWILIO_ACCOUNT_SID: "x", TWILIO_API_BASE_URL: "x", JWT_SECRET: "x" };
  const names = [...Object.keys(bad), "TWILIO_ACCOUNT_SID", "TWILIO_API_BASE_URL", "JWT_SECRET"];
  deepEqual(badNames(all).sort(), names.sort());
});

Deno.test("parseConfig() keeps secrets, numbers and passcodes out of its message", () => {
  const canary = "canary5551234";
  const secret = {
    DATABASE_URL: `mysql://u:${canary}@db`,
    PUBLIC_URL: `https://u:${canary}@a`,
    JWT_SECRET: canary,
    TWILIO_ACCOUNT_SID: canary,
    TWILIO_PHONE_NUMBER: canary,
    TWILIO_MESSAGING_SERVICE_SID: canary,
    TWILIO_API_BASE_URL: `https://u:${canary}@a`,
    TEST_PASSCODES: `+1234567890=${canary}`,
    VAPID_PRIVATE_KEY: canary,
  };
  const lines = problems(secret);
  doesNotMatch(lines.join("\n"), /canary|5551234|1234567890/);
  ok(lines.length >= Object.keys(secret).length);
});

Deno.test("parseConfig() throws nothing but a ConfigError of one line per variable, whatever it reads", () => {
  const names = [...Object.keys(EVERYTHING), "SMS_DRIVER", "TWILIO_MESSAGING_SERVICE_SID"];
  const value = fc.oneof(fc.string(), fc.constantFrom("a\nb", "*", "off", "twilio", "http://[", ",=,", "1"));
  const variables = fc.dictionary(fc.constantFrom(...names), value);
  fc.assert(fc.property(variables, (given) => {
    const bad = badNames(given);
    equal(new Set(bad).size, bad.length);
    for (const name of bad) ok(names.includes(name), name);
  }));
});

Deno.test("parseConfig() returns the defaults for .env.example, uncommented, which has every variable", () => {
  const example = Deno.readTextFileSync(new URL("../.env.example", import.meta.url));
  const lines = [...example.matchAll(/^# ([A-Z_]+)=(.*)$/gm)];
  const variables = Object.fromEntries(lines.map(([, name = "", value = ""]) => [name, value]));

  deepEqual(parseConfig(variables), parseConfig({}));
  const { SOMETHING_ELSE: _, ...known } = EVERYTHING;
  const names = [...Object.keys(known), "SMS_DRIVER", "TWILIO_MESSAGING_SERVICE_SID"];
  deepEqual(Object.keys(variables).sort(), names.sort());
});

Deno.test("every variable of .env.example is in the README's table, and reaches the service in production", () => {
  const read = (name: string) => Deno.readTextFileSync(new URL(`../${name}`, import.meta.url));
  const names = [...read(".env.example").matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name!);
  const rows = read("README.md").split("## Configuration\n")[1]!.split("\n## ")[0]!.split("\n")
    .filter((line) => /^\| `[A-Z_]+`/.test(line));
  const documented = rows.flatMap((row) =>
    [...row.split("|")[1]!.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name!)
  );
  const { command } = JSON.parse(read("deno.json")).tasks.serve;
  const allowed = command.match(/--allow-env=(\S+)/)[1].split(",");

  deepEqual(documented.toSorted(), names.toSorted());
  deepEqual(allowed.toSorted(), names.toSorted());
});

/** Finds the variables by their names, which are literals where the code reads them. */
Deno.test("every variable that the code reads is in .env.example", () => {
  const read = (path: string) => Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
  const files = ["services/", "services/push/", "services/sms/"].flatMap((folder) =>
    [...Deno.readDirSync(new URL(`../${folder}`, import.meta.url))]
      .filter(({ isFile }) => isFile)
      .map(({ name }) => read(folder + name))
  );
  const names = files.flatMap((text) => [...text.matchAll(/\benv\.(?!refuse)\w+\(\s*"([A-Z_]+)"/g)])
    .map(([, name]) => name);
  const known = [...read(".env.example").matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name);

  deepEqual([...new Set(names)].sort(), known.sort());
});

Deno.test("parseConfig() refuses a Unix socket in production, where the service may write no file", () => {
  for (
    const url of ["postgres://u@localhost/db?host=/run/postgresql", "postgres://u@%2Frun%2Fpostgresql/db"]
  ) {
    deepEqual(badNames({ JWT_SECRET: SECRET, DATABASE_URL: url }, { production: true }), ["DATABASE_URL"]);
    deepEqual(badNames({ JWT_SECRET: SECRET, DATABASE_URL: url }), []);
  }
});
