// What the database fails at in one turn of the work is done in the next.

import { equal, rejects } from "./assert.ts";
import { subscribed, wake, withPush } from "./push_calls.ts";
import { eventually, friends, succeeded, type TestApp } from "./support.ts";

/** A turn that finds no table to note in. */
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

Deno.test("a socket whose end could not be noted keeps no push away after the next turn", () =>
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
