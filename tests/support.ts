// The base of most tests: the whole service in this process, with a real database, real HTTP on a port of its
// own, and a clock that the test can move; and two people, Ann and Bob. Every answer is checked against the
// OpenAPI document.

import { connect, openDatabase, type Pool } from "../db/connection/database.ts";
import { listen } from "../db/notify.ts";
import { createApp } from "../routes/app.ts";
import { readWebFiles } from "../routes/web_files.ts";
import { parseConfig } from "../services/config.ts";
import { configureLogging } from "../services/log.ts";
import { createServices, type Services } from "../services/services.ts";
import { createSms } from "../services/sms/create.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type Checker, createChecker } from "./openapi_checker.ts";
import { openSocket, type TestSocket } from "./socket.ts";

export const ANN = "+14155550101";
export const BOB = "+14155550102";
export const CAT = "+14155550103";

export interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- tests look into bodies whose shape the checker has proved
  body: any;
}

export interface Ask {
  token?: string;
  /** Sent as a JSON body. */
  json?: unknown;
  headers?: Record<string, string>;
  /** Sent as it is, without a Content-Type of ours. */
  raw?: BodyInit;
}

export interface Person {
  phone: string;
  token: string;
}

export interface Clock {
  now: () => Date;
  /** The time that has passed, independent of how the clock was set. */
  elapsedMs: () => number;
  advance(ms: number): void;
  /** Sets the clock forward or back without any time passing. */
  set(ms: number): void;
  /** From here on only `advance` moves time. */
  freeze(): void;
}

export interface TestApp {
  url: string;
  clock: Clock;
  services: Services;
  /** The test's own pool on the service's database. */
  sql: Pool;
  database: TestDatabase;
  /** All lines logged so far. */
  log: string[];
  call(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** The passcode in the newest SMS to a number. */
  codeFor(phone: string): string;
  signUp(phone: string, device?: string): Promise<Person>;
  signIn(phone: string, device?: string): Promise<Person>;
  befriend(one: Person, other: Person): Promise<void>;
  send(from: Person, to: Person, message: string, more?: Record<string, unknown>): Promise<Answer>;
  /** @param more further query, for the events that a socket has to ask for */
  socket(token: string, more?: "" | "&sessions=true"): Promise<TestSocket>;
}

export interface TestOptions {
  /** Environment variables, overriding those of the tests. */
  env?: Record<string, string>;
  /** The database of another service, to run two processes on one. */
  database?: TestDatabase;
}

export const JWT_SECRET = "a secret of thirty-two bytes or more";
const ENV = { JWT_SECRET, LIMITS: "off" };

const WEB_FILES = new URL("../web/dist/", import.meta.url);
let webFiles: ReturnType<typeof readWebFiles> | undefined;

/**
 * Cached by configuration, because the document may depend on it and creating a checker takes as long as a
 * test.
 */
const checkers: Record<string, Checker> = {};

/** Runs a test against a service of its own, and stops it in any case. */
export async function withApp(run: (t: TestApp) => Promise<void>, options: TestOptions = {}): Promise<void> {
  const log: string[] = [];
  configureLogging("json", (line) => void log.push(line));
  const database = options.database ?? await createTestDatabase();
  const config = parseConfig({ ...ENV, ...options.env });
  const clock = createClock();
  const opened = openDatabase(database.address, { max: 8 });
  const sms = await createSms(config.sms, { print: () => {}, now: clock.now, publicUrl: config.publicUrl });
  const services = createServices({
    config,
    database: opened,
    secrets: config.jwtSecrets!,
    sms,
    now: clock.now,
    elapsedMs: clock.elapsedMs,
  });
  const listener = await listen(database.address, services.fromOthers);
  const app = createApp(services, config, { webFiles: await (webFiles ??= readWebFiles(WEB_FILES)) });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, app.fetch);
  const sql = connect(database.address, { max: 4 });
  const sockets: TestSocket[] = [];
  const url = `http://127.0.0.1:${server.addr.port}`;
  const checker = checkers[JSON.stringify(options.env)] ??= createChecker(
    app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } }),
  );
  try {
    await run(createTestApp({ url, clock, services, sql, database, log, sockets, checker }));
  } catch (error) {
    // The cause of a 500 appears only in the log.
    for (const line of log) if (line.includes('"level":"ERROR"')) console.error(line);
    throw error;
  } finally {
    services.hub.closeAll();
    await Promise.all(sockets.map((socket) => socket.end()));
    await stop(server);
    await listener.close();
    await opened.close();
    await sql.end({ timeout: 1 });
    if (!options.database) await database.drop();
  }
}

/**
 * As the service itself does it, with a timeout: Deno waits for ever for a socket whose client left during
 * the handshake.
 */
async function stop(server: Deno.HttpServer): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, 5_000);
  await Promise.race([server.shutdown(), late.promise]);
  clearTimeout(timer);
}

/** As `withApp`, with two services that share nothing but the database. */
export async function withTwoApps(run: (one: TestApp, two: TestApp) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  try {
    await withApp((one) => withApp((two) => run(one, two), { database }), { database });
  } finally {
    await database.drop();
  }
}

/** Ann and Bob, signed up and friends. */
export async function friends(t: TestApp): Promise<[ann: Person, bob: Person]> {
  const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
  await t.befriend(ann, bob);
  return [ann, bob];
}

type Parts = Pick<TestApp, "url" | "clock" | "services" | "sql" | "database" | "log"> & {
  sockets: TestSocket[];
  checker: Checker;
};

function createTestApp({ sockets, checker, ...parts }: Parts): TestApp {
  const { url, services } = parts;

  async function call(
    method: string,
    path: string,
    { token, json, headers, raw }: Ask = {},
  ): Promise<Answer> {
    const body = json === undefined ? raw : JSON.stringify(json);
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const answer = {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : JSON.parse(text),
    };
    if (method !== "HEAD" && method !== "OPTIONS") checker.check(method, path, answer);
    return answer;
  }

  function codeFor(phone: string): string {
    const sms = services.console!.sent().find(({ to }) => to === phone);
    return sms!.text.match(/^\d{6}/)![0];
  }

  /** Requests a passcode and completes with it. */
  async function enter(way: "signup" | "signin", phone: string, device?: string): Promise<Person> {
    const asked = await call("POST", `/api/auth/${way}`, { json: { phone_number: phone } });
    equal(asked.status, 200, JSON.stringify(asked.body));
    const json = {
      phone_number: phone,
      passcode: codeFor(phone),
      ...(device === undefined ? {} : { device }),
    };
    const completed = await call("POST", `/api/auth/complete-${way}`, { json });
    equal(completed.status, 200, JSON.stringify(completed.body));
    return { phone, token: completed.body.token };
  }

  async function befriend(one: Person, other: Person): Promise<void> {
    for (const [me, peer] of [[one, other], [other, one]] as const) {
      const answer = await call("PUT", "/api/contacts/request", {
        token: me.token,
        json: { phone_number: peer.phone },
      });
      equal(answer.status, 200, JSON.stringify(answer.body));
    }
  }

  return {
    ...parts,
    call,
    codeFor,
    befriend,
    signUp: (phone, device) => enter("signup", phone, device),
    signIn: (phone, device) => enter("signin", phone, device),
    send: (from, to, message, more = {}) =>
      call("POST", "/api/messages/send", {
        token: from.token,
        json: { phone_number: to.phone, message_type: "text", message, ...more },
      }),
    async socket(token, more = "") {
      const socket = await openSocket(`${url.replace("http", "ws")}/api/notifications?token=${token}${more}`);
      sockets.push(socket);
      return socket;
    },
  };
}

function createClock(): Clock {
  let offset = 0;
  let set = 0;
  let frozenAt: number | null = null;
  const elapsedMs = () => (frozenAt ?? Date.now()) + offset;
  return {
    now: () => new Date(elapsedMs() + set),
    elapsedMs,
    advance: (ms) => void (offset += ms),
    set: (ms) => void (set += ms),
    freeze: () => void (frozenAt ??= Date.now()),
  };
}

/** Asserts an error with this status and code, in the documented form. */
export function refused(answer: Answer, status: number, code: string): void {
  deepEqual([answer.status, answer.body?.code], [status, code], JSON.stringify(answer.body));
  equal(answer.body.success, false);
  equal(answer.headers.get("x-request-id"), answer.body.request_id);
  ok(answer.body.message);
}

/** Asserts a success. */
export function succeeded(answer: Answer): void {
  equal(answer.status, 200, JSON.stringify(answer.body));
  equal(answer.body.success, true);
}

/** Repeats the assertion until it holds or the time is up, for effects of other processes and sockets. */
export async function eventually(look: () => unknown, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (true) {
    try {
      const seen = await look();
      if (seen !== false) return;
      if (performance.now() > deadline) throw new Error(`Did not happen within ${ms} ms: ${look}`);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
