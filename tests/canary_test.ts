// Secrets are in no log, and in no table except where they belong. After a whole life of the service, all
// that it logged and stored is searched for them, whatever code did so.

import { connect, type DatabaseAddress, type Pool } from "../db/connection/database.ts";
import { SUPERUSER } from "../db/embedded/cluster.ts";
import { DATABASE } from "../db/embedded/database.ts";
import { removeBusyFolder } from "../db/embedded/folder.ts";
import { findPlace } from "../db/embedded/place.ts";
import { COUNT_LIMITS, RATE_LIMITS } from "../services/limits/table.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createCanaries, findIn, findInActivity, findInTables, type Kind } from "./canary.ts";
import { callEverything, err, failToSend } from "./canary_errors.ts";
import { befriendAndTalk, call, inviteAndJoin, type Life, signUp, tellByTwilio } from "./canary_life.ts";
import { createTestDatabase } from "./database.ts";
import { PUBLIC_URL } from "./invite_calls.ts";
import { twilioEnv } from "./passcode_calls.ts";
import { type Service, startService } from "./process.ts";
import { openSocket } from "./socket.ts";
import { eventually, type Person } from "./support.ts";
import { startProxy } from "./tcp_proxy.ts";
import { startTwilioDouble } from "./twilio_double.ts";

/** Where each kind of secret may be stored. Other columns, including ones added later, may hold none. */
const HOMES: Record<Kind, string[]> = {
  number: ["users.phone_number", "passcodes.phone_number", "suppressions.phone_number"],
  text: ["messages.body"],
  label: ["contacts.display_name"],
  filename: ["media.metadata"],
  device: ["sessions.device"],
  client_id: ["messages.client_id"],
  media: ["large objects"],
  passcode: [],
  token: [],
  link: [],
  query: [],
  secret: [],
};
/** Places that the life below always fills: a search that misses one of them does not work. */
const FILLED = [
  ...[
    "contacts.display_name",
    "large objects",
    "messages.body",
    "messages.client_id",
    "passcodes.phone_number",
  ],
  ...["sessions.device", "suppressions.phone_number", "users.phone_number"],
];
/** All limits are counted, and none is reached. */
const LIMITS = [
  ...Object.keys(RATE_LIMITS).map((name) => `${name}=99999/d`),
  ...Object.keys(COUNT_LIMITS).map((name) => `${name}=99999`),
].join();
const numbers = Array.from({ length: 12 }, (_, place) => `+1415556${7_310 + place}`);

interface Scene {
  env: Record<string, string>;
  /** An address of the service's database that works during the outage. */
  address: DatabaseAddress;
  /** Makes the database unavailable for a while. */
  outage: (life: Life, sql: Pool, ann: Person) => Promise<void>;
  /** What PostgreSQL itself has logged. */
  serverLog: () => Promise<string>;
}

async function assertNothingTold({ env, address, outage, serverLog }: Scene): Promise<void> {
  const [twilio, canaries] = [startTwilioDouble(), createCanaries()];
  const secret = canaries.note("secret", "a canary of a secret with more than thirty-two bytes");
  const all = {
    ...twilioEnv(twilio),
    JWT_SECRET: secret,
    LIMITS,
    PUBLIC_URL,
    HOST: "127.0.0.1",
    ...env,
  };
  const authToken = canaries.note("secret", "canary-of-the-account");
  const service = await startService({ env: { ...all, TWILIO_AUTH_TOKEN: authToken } });
  const sql = connect(address, { max: 2 });
  const life: Life = { url: service.url, twilio, authToken, canaries, codes: new Set() };
  try {
    const ann = await live(life);
    await breakEverything(life, sql, ann);
    await outage(life, sql, ann);
    await eventually(async () => equal((await call(life, "GET", "/readyz")).status, 200), 20_000);
    noteSms(life);
    await assertTables(life, sql);
    await service.end("SIGTERM");
    assertLogs(life, service, await serverLog());
  } finally {
    await service.end("SIGKILL").catch(() => {});
    await sql.end({ timeout: 1 });
    await twilio.close();
  }
}

async function live(life: Life): Promise<Person> {
  const [ann, bob, cat] = numbers as [string, string, string];
  const [one, other] = [await signUp(life, ann), await signUp(life, bob)];
  const address = `${life.url.replace("http", "ws")}/api/notifications`;
  const socket = await openSocket(`${address}?token=${other.token}`);
  const byProtocol = await openSocket(address, ["bearer", other.token]);
  await befriendAndTalk(life, one, other);
  socket.raw.send(life.canaries.make("text"));
  await inviteAndJoin(life, one, cat);
  await failToSend(life, numbers.slice(3, 8));
  await err(life, one, other, numbers[8]!);
  await callEverything(life, one, numbers[8]!);
  await call(life, "POST", "/api/auth/renew", { token: other.token });
  await call(life, "POST", "/api/auth/signout", { token: other.token });
  await Promise.all([socket.closed, byProtocol.closed]);
  await tellByTwilio(life, bob);
  return one;
}

/** Simulates bugs: makes statements fail with all their values in the message. */
async function breakEverything(life: Life, sql: Pool, ann: Person): Promise<void> {
  await sql.unsafe(`
    create function fail() returns trigger language plpgsql as $$
    begin
      raise exception 'cannot keep "%"', new using detail = new::text, hint = new::text;
    end $$;
    create trigger fail before insert or update on passcodes for each row execute function fail();
    create trigger fail before insert or update on contacts for each row execute function fail();
    create trigger fail before insert on users for each row execute function fail();
    alter table messages rename to lost`);
  await callEverything(life, ann, numbers[9]!);
  const json = { phone_number: life.canaries.note("number", numbers[9]!) };
  equal((await call(life, "POST", "/api/auth/signup", { json })).status, 500);
  await sql.unsafe("drop function fail() cascade; alter table lost rename to messages");
}

/** Notes the secrets in all SMS that were sent. */
function noteSms({ twilio, canaries }: Life): void {
  for (const { to, body } of twilio.messages) {
    canaries.note("number", to);
    const [passcode] = body.match(/^\d{6}(?= )/) ?? [];
    const [, link] = body.match(/\/i\/([\w-]+)/) ?? [];
    if (passcode) canaries.note("passcode", passcode);
    if (link) canaries.note("link", link);
  }
}

async function assertTables({ canaries }: Life, sql: Pool): Promise<void> {
  const places = [...await findInTables(sql, canaries.all()), ...await findInActivity(sql, canaries.all())];
  const strays = places.filter(({ where, canary }) => !HOMES[canary.kind].includes(where));
  deepEqual(strays.map(({ where, canary: { kind, value } }) => [where, kind, value]), []);
  const found = new Set(places.map(({ where }) => where));
  deepEqual(FILLED.filter((where) => !found.has(where)), []);
}

function assertLogs({ canaries, codes }: Life, service: Service, serverLog: string): void {
  const kinds = Map.groupBy(canaries.all(), ({ kind }) => kind);
  deepEqual(
    Object.keys(HOMES).filter((kind) => !kinds.has(kind as Kind)),
    [],
    "Nothing of these kinds was there",
  );
  ok(codes.size >= 30, [...codes].join());
  const lines = service.output().split("\n");
  ok(lines.length > 300);
  ok(lines.some((line) => line.includes("Unexpected error")));
  for (const log of [service.output(), serverLog]) {
    deepEqual(findIn(log, canaries.all()).map(({ kind, value }) => [kind, value]), []);
    equal(log.match(/^.*\?\w+=.*$/m)?.[0], undefined, "A query string");
  }
  console.log(
    `${canaries.all().length} secrets, ${codes.size} kinds of errors: none in ${lines.length} lines of the service's log ` +
      `or ${serverLog.split("\n").length - 1} of PostgreSQL's`,
  );
}

/** Terminates the connection of one statement, then kills the server process of another; both have values. */
async function killStatements(life: Life, sql: Pool): Promise<void> {
  const killed = Promise.withResolvers<void>();
  // The crash of the server ends this connection too, so it never commits.
  const locked = sql.begin(async (lock) => {
    await lock`lock table passcodes in access exclusive mode`;
    killed.resolve();
    await new Promise(() => {});
  });
  locked.catch(() => {});
  await killed.promise;
  const asks = Array.from({ length: 4 }, (_, place) => {
    const phone_number = life.canaries.note("number", `+1415556${7_400 + place}`);
    return call(life, "POST", "/api/auth/signup", { json: { phone_number } });
  });
  const waiting = () =>
    sql<{ pid: number }[]>`
      select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%passcodes%'`;
  await eventually(async () => ok((await waiting()).length >= 2));
  const [one, other] = await waiting();
  await sql`select pg_terminate_backend(${one!.pid})`;
  Deno.kill(other!.pid, "SIGKILL");
  for (const { status } of await Promise.all(asks)) equal(status, 503);
}

Deno.test("no secret is in the JSON log, nor in a table where it does not belong, even if the database is unavailable", async () => {
  const database = await createTestDatabase();
  const { host, port, user, database: name } = database.address;
  const proxy = startProxy(`${host}/.s.PGSQL.${port}`);
  try {
    await assertNothingTold({
      env: { DATABASE_URL: `postgres://${user}@127.0.0.1:${proxy.port}/${name}`, LOG_FORMAT: "json" },
      address: database.address,
      outage: async (life, _, ann) => {
        proxy.refuse();
        const ask = () => call(life, "GET", "/api/contacts", { token: ann.token });
        await eventually(async () => equal((await ask()).status, 503), 15_000);
        await callEverything(life, ann, numbers[10]!);
        proxy.resume();
      },
      serverLog: () => Promise.resolve(""),
    });
  } finally {
    proxy.close();
    await database.drop();
  }
});

Deno.test("no secret is in the log for people, nor in the log of the embedded PostgreSQL, even if that is killed", async () => {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "puffintalk-canary-" });
  await Deno.chmod(folder, 0o711);
  try {
    // The place that the service will find too.
    const { socketFolder, log } = await findPlace(await Deno.realPath(folder));
    await assertNothingTold({
      env: { DATA_DIR: folder, LOG_FORMAT: "pretty" },
      address: { host: socketFolder, port: 5432, user: SUPERUSER, database: DATABASE },
      outage: killStatements,
      serverLog: async () => {
        const text = await Deno.readTextFile(log);
        ok(text.includes("Failed process was running"), "No statement was killed");
        return text;
      },
    });
  } finally {
    await removeBusyFolder(folder);
  }
});
