// Sessions that end without a call to their own process: on another, by expiry, suspension or a new secret.

import { equal, ok, rejects } from "./assert.ts";

import { type Database, openDatabase } from "../db/connection/database.ts";
import { listEndedSince } from "../db/sessions.ts";
import { createBus, createProcessName } from "../services/events/bus.ts";
import { createSessions } from "../services/sessions/sessions.ts";
import { createTokens } from "../services/sessions/tokens.ts";
import { untilWaiting } from "./locks.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "./passcode_calls.ts";
import { currentId, end, endsWith4001, list, visit } from "./session_calls.ts";
import { ANN, type Answer, BOB, eventually, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { ENV, SECRET } from "./token_forgery.ts";

/** A second process of the service, on the same database. */
function withTwo(run: (one: TestApp, two: TestApp) => Promise<void>): Promise<void> {
  return withApp((one) => withApp((two) => run(one, two), { database: one.database }));
}

Deno.test("a session that another process ends is dead here within five seconds, and so are its sockets", () =>
  withTwo(async (one, two) => {
    const ann = await one.signUp(ANN);
    const id = await currentId(one, ann.token);
    const other = await one.signIn(ANN);
    succeeded(await visit(two, ann.token));
    const socket = await two.socket(ann.token);
    succeeded(await end(one, other.token, id));

    await eventually(async () => equal((await visit(two, ann.token)).status, 401), 5_000);
    await endsWith4001(socket);
    succeeded(await visit(two, other.token));
  }));

Deno.test("a session whose end no process was told of is dead within five seconds", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    succeeded(await visit(t, ann.token));
    await t.sql`update sessions set ended_at = now()`;
    t.clock.advance(5 * SECOND_MS);

    refused(await visit(t, ann.token), 401, "unauthenticated");
  }));

Deno.test("a session whose end no process was told of is dead within five seconds, also where the clock was set back", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    succeeded(await visit(t, ann.token));
    t.clock.set(-60 * 60 * SECOND_MS);
    await t.sql`update sessions set ended_at = now()`;
    t.clock.advance(5 * SECOND_MS);

    refused(await visit(t, ann.token), 401, "unauthenticated");
  }));

Deno.test("an expired session loses its socket within five seconds, and a renewed one does not", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    const bob = await t.signUp(BOB);
    t.clock.advance(29 * DAY_MS);
    succeeded(await t.call("POST", "/api/auth/renew", { token: bob.token }));
    const socket = await t.socket(ann.token);
    const other = await t.socket(bob.token);
    t.services.upkeep.start();
    try {
      const since = performance.now();
      t.clock.advance(DAY_MS);
      await endsWith4001(socket);
      ok(performance.now() - since < 5_000);
    } finally {
      t.services.upkeep.stop();
    }
    equal(other.raw.readyState, WebSocket.OPEN);
  }));

Deno.test("listEndedSince() lists no session that has yet to expire, however soon", () =>
  withApp(async (t) => {
    const now = new Date();
    const after = (ms: number) => new Date(now.getTime() + ms);
    const around = { since: after(-MINUTE_MS), now, aheadOf: after(MINUTE_MS) };
    await t.signUp(ANN);
    for (const [expiresAt, found] of [[after(SECOND_MS), 0], [now, 1]] as const) {
      await t.sql`update sessions set expires_at = ${expiresAt}`;
      equal((await listEndedSince(t.sql, around)).length, found);
    }
  }));

Deno.test("a session ended by a clock ahead of ours loses its socket before our clock reaches that time", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token);
    t.services.upkeep.start();
    try {
      await t.sql`update sessions set ended_at = ${new Date(t.clock.now().getTime() + 50 * SECOND_MS)}`;
      await eventually(() => socket.raw.readyState === WebSocket.CLOSED, 10_000);
    } finally {
      t.services.upkeep.stop();
    }
    equal(await socket.closed, 4001);
  }));

Deno.test("suspending a user ends their sessions and sockets within five seconds, for good", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const bob = await t.signUp(BOB);
    const socket = await t.socket(ann.token);
    const other = await t.socket(bob.token);
    t.services.upkeep.start();
    try {
      const since = performance.now();
      await t.sql`update users set status = 'suspended' where phone_number = ${ANN}`;
      await endsWith4001(socket);
      ok(performance.now() - since < 5_000);
    } finally {
      t.services.upkeep.stop();
    }
    refused(await visit(t, ann.token), 401, "unauthenticated");
    await t.sql`update users set status = 'active'`;
    t.clock.advance(5 * SECOND_MS);
    refused(await visit(t, ann.token), 401, "unauthenticated");
    succeeded(await visit(t, bob.token));
    equal(other.raw.readyState, WebSocket.OPEN);
  }));

Deno.test("a session that was looked up before it ended is not trusted afterwards", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const id = await currentId(t, token);
    const database = openDatabase(t.database.address, { max: 1 });
    const released = Promise.withResolvers<void>();
    const hasRead = Promise.withResolvers<void>();
    const run: Database["run"] = async (work) => {
      const result = await database.run(work);
      hasRead.resolve();
      await released.promise;
      return result;
    };
    const sessions = createSessions({
      database: { ...database, run },
      bus: createBus(createProcessName(), () => {}),
      tokens: createTokens([SECRET]),
      now: t.clock.now,
    });
    try {
      const before = sessions.authenticate(token);
      await hasRead.promise;
      succeeded(await t.call("POST", "/api/auth/signout", { token }));
      sessions.forget(id);
      released.resolve();

      equal((await before).session_id, id);
      await rejects(async () => await sessions.authenticate(token), { code: "unauthenticated" });
    } finally {
      await database.close();
    }
  }, ENV));

Deno.test("a sign-in during a suspension waits for it, and opens no session", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    succeeded(await t.call("POST", "/api/auth/signin", { json: { phone_number: ANN } }));
    const json = { phone_number: ANN, passcode: t.codeFor(ANN) };
    let completed: Promise<Answer>;
    await t.sql.begin(async (sql) => {
      await sql`update users set status = 'suspended'`;
      completed = t.call("POST", "/api/auth/complete-signin", { json });
      await untilWaiting(t);
    });

    refused(await completed!, 403, "suspended");
    equal((await t.sql`select from sessions where ended_at is null`).length, 0);
  }));

Deno.test("a session ends 30 days after its last renewal, and so do its sockets", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    t.clock.advance(30 * DAY_MS - SECOND_MS);
    succeeded(await visit(t, ann.token));
    const socket = await t.socket(ann.token);
    t.clock.advance(SECOND_MS);

    refused(await visit(t, ann.token), 401, "unauthenticated");
    await t.services.upkeep.endDeadSockets();
    await endsWith4001(socket);
    const again = await t.signIn(ANN);
    equal((await list(t, again.token)).length, 1);
  }));

Deno.test("a failing database ends no session", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const socket = await t.socket(ann.token);
    await t.sql`alter table sessions rename to away`;
    t.clock.advance(5 * SECOND_MS);
    ok((await visit(t, ann.token)).status >= 500);
    await t.sql`alter table away rename to sessions`;

    succeeded(await visit(t, ann.token));
    equal(socket.raw.readyState, WebSocket.OPEN);
  }));

const OLD = "the secret from before of 32 bytes at least";
const NEW = "the secret from now on of 32 bytes at least";

Deno.test("JWT_SECRET as a list: the first signs, all verify, and tokens of a removed one are refused", () =>
  withApp(async (before) => {
    const { token: old } = await before.signUp(ANN);
    const env = (secrets: string) => ({ database: before.database, env: { JWT_SECRET: secrets } });
    await withApp(async (rotated) => {
      succeeded(await visit(rotated, old));
      const { body } = await rotated.call("POST", "/api/auth/renew", { token: old });
      succeeded(await visit(rotated, body.token));
      refused(await visit(before, body.token), 401, "unauthenticated");
      await withApp(async (after) => {
        succeeded(await visit(after, body.token));
        refused(await visit(after, old), 401, "unauthenticated");
      }, env(NEW));
    }, env(`${NEW},${OLD}`));
  }, { env: { JWT_SECRET: OLD } }));
