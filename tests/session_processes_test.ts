// Sessions that end without a process of the service being told: it notices within five seconds.

import { equal, ok } from "./assert.ts";

import { connect } from "../db/connection/database.ts";
import { createTestDatabase } from "./database.ts";
import { startForgetfulProxy } from "./forgetful_proxy.ts";
import { startService } from "./process.ts";
import { ask, signUp } from "./service_client.ts";
import { endsWith4001 } from "./session_calls.ts";
import { openSocket, type TestSocket } from "./socket.ts";
import { ANN, BOB, type Person } from "./support.ts";

const DEAD_MS_MAX = 5_000;

interface Scene {
  urls: [string, string];
  /** Ends a session without telling any process. */
  endSilently(person: Person): Promise<void>;
  /** From here on, the second process receives nothing on its current connections to the database. */
  forget(): void;
}

async function withScene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await createTestDatabase();
  const proxy = startForgetfulProxy(`${database.address.host}/.s.PGSQL.${database.address.port}`);
  const env = { JWT_SECRET: "s".repeat(40), LIMITS: "off", SMS_DRIVER: "console" };
  const services = await Promise.all([
    startService({ env: { ...env, DATABASE_URL: database.url } }),
    startService({ env: { ...env, DATABASE_URL: proxy.urlFor(database.address) } }),
  ]);
  const sql = connect(database.address, { max: 1 });
  try {
    await run({
      urls: [services[0]!.url, services[1]!.url],
      endSilently: async ({ phone }) => {
        await sql`
          update sessions set ended_at = now()
          where user_id = (select id from users where phone_number = ${phone})`;
      },
      forget: proxy.forget,
    });
  } finally {
    await Promise.all(services.map((service) => service.end("SIGKILL")));
    proxy.close();
    await sql.end({ timeout: 1 });
    await database.drop();
  }
}

/** The status of a call that checks only the session and its body: 400 if signed in, 401 if not. */
async function statusOf(url: string, { token }: Person): Promise<number> {
  return (await ask(`${url}/api/messages/read`, "PUT", token, {})).status;
}

/** Repeats the call until the token is refused; returns the ms from `since` until it was last accepted. */
async function lastGoodMs(url: string, person: Person, since: number): Promise<number> {
  let goodMs = 0;
  while (true) {
    const askedMs = performance.now() - since;
    const status = await statusOf(url, person);
    if (status === 401) return goodMs;
    // A process that has lost its database answers 503, which accepts nobody.
    if (status !== 503) goodMs = askedMs;
    ok(askedMs < 4 * DEAD_MS_MAX, "It never ends");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function socketOf(url: string, { token }: Person): Promise<TestSocket> {
  return openSocket(`${url.replace("http", "ws")}/api/notifications?token=${token}`);
}

Deno.test("a session whose end no process was told of is dead on each within five seconds, and so are its sockets", () =>
  withScene(async ({ urls, endSilently }) => {
    const ann = await signUp(urls[0], ANN);
    for (const url of urls) equal(await statusOf(url, ann), 400);
    const sockets = await Promise.all(urls.map((url) => socketOf(url, ann)));
    await endSilently(ann);

    const since = performance.now();
    const closed = Promise.all(sockets.map(async (socket) => {
      await endsWith4001(socket);
      return performance.now() - since;
    }));
    const ms = [...await Promise.all(urls.map((url) => lastGoodMs(url, ann, since))), ...await closed];
    console.log(`  Good for ${ms.map((each) => `${Math.round(each)} ms`).join(", ")}`);
    ok(ms.every((each) => each < DEAD_MS_MAX), `${ms}`);
  }));

Deno.test("a session signed out while another process receives nothing is refused there within five seconds", () =>
  withScene(async ({ urls: [one, two], forget }) => {
    const bob = await signUp(one, BOB);
    equal(await statusOf(two, bob), 400);
    forget();
    const since = performance.now();
    equal((await ask(`${one}/api/auth/signout`, "POST", bob.token)).status, 200);

    const ms = await lastGoodMs(two, bob, since);
    console.log(`  Good for ${Math.round(ms)} ms`);
    ok(ms < DEAD_MS_MAX, `${ms}`);
  }));
