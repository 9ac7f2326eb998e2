// What fails in one turn of push, because of the database, is done in the next.

import { oweWakes } from "../db/push/push_wakes.ts";
import { deepEqual, equal, rejects } from "./assert.ts";
import { subscribed, wake, withPush } from "./push_calls.ts";
import { eventually, friends, succeeded, type TestApp } from "./support.ts";

/** A turn that fails because a table is missing. */
async function failingTurn(t: TestApp): Promise<void> {
  await t.sql`alter table push_presences rename to elsewhere`;
  await rejects(t.services.push.turn());
  await t.sql`alter table elsewhere rename to push_presences`;
}

Deno.test("a wake that could not be noted is noted in the next turn", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    succeeded(await t.send(ann, bob, "one"));
    await failingTurn(t);
    await wake(t);
    equal(browser.read().length, 1);
  }));

Deno.test("a socket whose end could not be noted prevents no push after the next turn", () =>
  withPush(async (t, double) => {
    const [ann, bob] = await friends(t);
    const browser = await subscribed(t, double, bob);
    const socket = await t.socket(bob.token);
    await t.services.push.turn();
    await socket.end();
    await eventually(() => t.services.hub.sessionIds().length === 0);
    await failingTurn(t);
    succeeded(await t.send(ann, bob, "one"));
    await wake(t);
    equal(browser.read().length, 1);
  }));

Deno.test("a message to a user and a request to one of their sessions, noted together, make a wake for the message", () =>
  withPush(async (t, double) => {
    const [, bob] = await friends(t);
    await subscribed(t, double, bob);
    const [session] = await t.sql<{ session_id: string; user_id: number }[]>`
      select session_id, user_id from push_subscriptions`;
    const { session_id, user_id } = session!;
    const message = { user_id, session_id: null, wake_for: "messages_updated" } as const;
    const request = { user_id, session_id, wake_for: "contacts_updated" } as const;
    const rule = { process: "elsewhere", now: t.clock.now(), afterMs: 0, everyMs: 0, settlesMs: 0 };
    for (const wakes of [[message, request], [request, message]]) {
      await t.sql`update push_subscriptions set wake_at = null, wake_for = null`;
      await oweWakes(t.sql, wakes, rule);
      const noted = await t.sql<{ wake_for: string }[]>`select wake_for from push_subscriptions`;
      deepEqual(noted.map(({ wake_for }) => wake_for), ["messages_updated"]);
    }
  }));
