// Accounts that are deleted while others make calls: whatever comes first, nothing is left half done.

import { askToDelete, assertWhole, untilErased } from "./account_calls.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { change, listOf } from "./contact_calls.ts";
import { complete } from "./passcode_calls.ts";
import { currentId, visit } from "./session_calls.ts";
import { type Answer, type Person, refused, succeeded, type TestApp, withTwoApps } from "./support.ts";

const ROUNDS = 12;
/** Statuses that calls about an account may have while it is being deleted. */
const FINE = [200, 400, 401, 403, 404, 409, 503];

function numberOf(round: number, nth: number): string {
  return `+1415556${round * 10 + nth + 1_000}`;
}

async function fourPeople(t: TestApp, round: number): Promise<[Person, Person, Person, Person]> {
  const [ann, bob, cat, dan] = await Promise.all([0, 1, 2, 3].map((nth) => t.signUp(numberOf(round, nth))));
  await t.befriend(ann!, bob!);
  succeeded(await change(t, "request", cat!, ann!.phone));
  return [ann!, bob!, cat!, dan!];
}

/** Asserts that all statuses are allowed, the service is ready, and no error was logged. */
async function assertFine(t: TestApp, answers: Answer[]): Promise<void> {
  for (const { status, body } of answers) ok(FINE.includes(status), JSON.stringify(body));
  equal((await t.call("GET", "/readyz")).status, 200);
  ok(!t.log.some((line) => line.includes('"level":"ERROR"')), t.log.join("\n"));
}

Deno.test("delete in parallel with request, accept, send, read, rename: lists stay whole and show no deleted account", () =>
  withTwoApps(async (one, two) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann, bob, cat, dan] = await fourPeople(one, round);
      const text = (nth: number) => two.send(bob, ann, `${nth}`, { client_id: `${nth}` });
      const answers = await Promise.all([
        ...[0, 1, 2].map(text),
        change(two, "request", dan, ann.phone),
        change(one, "request", ann, dan.phone),
        change(two, "accept", ann, cat.phone),
        askToDelete(one, ann),
        change(two, "update", bob, ann.phone, { display_name: "Ann" }),
        change(one, "request", cat, ann.phone),
        change(two, "delete", bob, ann.phone),
        change(two, "request", ann, dan.phone),
        ...[3, 4, 5].map(text),
        two.call("GET", `/api/messages/${bob.phone}`, { token: ann.token }),
        two.call("PUT", "/api/messages/read_all_text", {
          token: ann.token,
          json: { phone_number: bob.phone },
        }),
      ]);
      await assertFine(one, answers);
      await assertFine(two, answers);
      refused(await visit(one, ann.token), 401, "unauthenticated");
      await assertWhole(one);
      // The number may be listed again, as one without an account.
      for (const t of [one, two]) {
        for (const me of [bob, cat, dan]) {
          const row = (await listOf(t, me)).find(({ phone_number }) => phone_number === ann.phone);
          ok(row === undefined || ["requesting", "deleted"].includes(row.status), JSON.stringify(row));
        }
      }
    }
    await untilErased(one);
  }));

Deno.test("delete in parallel with delete: two friends are both gone, in either order", () =>
  withTwoApps(async (one, two) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann, bob, cat] = await fourPeople(one, round);
      // Bob refuses Ann, so that something outlives her account.
      if (round % 2 === 0) succeeded(await change(one, "delete", bob, ann.phone));
      const answers = await Promise.all([
        askToDelete(one, ann),
        askToDelete(two, bob),
        askToDelete(two, cat),
      ]);
      deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
      await assertWhole(one);
    }
    await untilErased(one);
    equal((await one.sql`select from contacts`).length, 0);
  }));

Deno.test("delete in parallel with delete of the same account: exactly one succeeds", () =>
  withTwoApps(async (one, two) => {
    const [ann] = await fourPeople(one, 0);
    const answers = await Promise.all([one, two, one, two].map((t) => askToDelete(t, ann)));
    deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401, 401]);
  }));

Deno.test("delete in parallel with complete-signin: the new session has ended, or the code is invalid", () =>
  withTwoApps(async (one, two) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann] = await fourPeople(one, round);
      await currentId(two, ann.token);
      succeeded(await two.call("POST", "/api/auth/signin", { json: { phone_number: ann.phone } }));
      const code = two.codeFor(ann.phone);
      const [entered] = await Promise.all([
        complete(two, "signin", { phone: ann.phone, passcode: code }),
        askToDelete(one, ann),
      ]);
      if (entered.status === 200) refused(await visit(two, entered.body.token), 401, "unauthenticated");
      else refused(entered, 400, "invalid_passcode");
      const live = await one.sql`
        select from sessions join users on users.id = user_id where ended_at is null and users.status = 'deleted'`;
      equal(live.length, 0);
    }
  }));

Deno.test("request in parallel with complete-signup of a deleted account's number: the new account has the request", () =>
  withTwoApps(async (one, two) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann, bob] = await fourPeople(one, round);
      succeeded(await askToDelete(one, ann));
      succeeded(await two.call("POST", "/api/auth/signup", { json: { phone_number: ann.phone } }));
      const code = two.codeFor(ann.phone);
      const [, again] = await Promise.all([
        change(one, "request", bob, ann.phone),
        complete(two, "signup", { phone: ann.phone, passcode: code }),
      ]);
      succeeded(again);
      const person = { phone: ann.phone, token: again.body.token };
      deepEqual((await listOf(one, person)).map(({ status }) => status), ["requested"]);
      await assertWhole(one);
    }
  }));
