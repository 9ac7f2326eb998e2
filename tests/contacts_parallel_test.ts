// Calls that arrive together. The outcome is always one that they could have had one after another.

import fc from "fast-check";
import { deepEqual, equal, ok } from "./assert.ts";
import { change, forget, listOf, settle, statuses, wasTold, watch } from "./contact_calls.ts";
import { after, type Call, CALLS, reachable, sights, type Two } from "./contact_model.ts";
import { untilWaiting } from "./locks.ts";
import { ANN, BOB, CAT, type Person, type TestApp, withApp } from "./support.ts";

type By = "a" | "b";

interface Move {
  by: By;
  call: Call;
}

const startAgain = (t: TestApp) => t.sql`truncate contacts, conversations, messages`;

/** Makes all calls at once; returns their error codes, null for successes. @throws on a status from 500 */
async function together(t: TestApp, people: Record<By, Person>, moves: Move[]): Promise<(string | null)[]> {
  const answers = await Promise.all(moves.map(({ by, call }) => {
    const peer = people[by === "a" ? "b" : "a"];
    return change(t, call, people[by], peer.phone);
  }));
  return answers.map(({ status, body }) => {
    ok(status < 500, JSON.stringify(body));
    return status === 200 ? null : body.code;
  });
}

async function bothSee(t: TestApp, { a, b }: Record<By, Person>): Promise<unknown[]> {
  const [ofA, ofB] = await Promise.all([statuses(t, a), statuses(t, b)]);
  return [ofA[b.phone] ?? null, ofB[a.phone] ?? null];
}

/** All possible outcomes of the moves one after another: each one's refusal, and what both then see. */
function serially(two: Two, moves: Move[]): string[] {
  const outcomes = new Set<string>();
  const go = (two: Two, left: number[], refusals: (string | null)[]) => {
    if (left.length === 0) outcomes.add(JSON.stringify([refusals, sights(two)]));
    for (const place of left) {
      const { by, call } = moves[place]!;
      const next = after(two, by, call);
      go(next.two, left.filter((other) => other !== place), refusals.with(place, next.refusal));
    }
  };
  go(two, moves.map((_, place) => place), moves.map(() => null));
  return [...outcomes];
}

/** Rows of lists that should not exist, and rows that are missing. */
async function findStrayRows(t: TestApp): Promise<unknown[]> {
  return [
    ...await t.sql`
    select v.me_id, v.peer_id, v.mine, v.theirs, c.owner_id
    from sides v
    full join contacts c on c.owner_id = v.me_id and c.peer_id = v.peer_id
      and c.conversation_id = v.conversation_id
    where (c.owner_id is not null) is distinct from (v.mine <> 'none' or v.theirs = 'want')`,
  ];
}

async function twoPeople(t: TestApp): Promise<Record<By, Person>> {
  return { a: await t.signUp(ANN), b: await t.signUp(BOB) };
}

Deno.test("request || request of the peer: both end accepted, and both calls are answered 200", () =>
  withApp(async (t) => {
    const people = await twoPeople(t);
    for (let round = 0; round < 25; round += 1) {
      await startAgain(t);
      const moves: Move[] = [{ by: "a", call: "request" }, { by: "b", call: "request" }];
      deepEqual(await together(t, people, moves), [null, null]);
      deepEqual(await bothSee(t, people), ["accepted", "accepted"]);
    }
  }));

Deno.test("request || the same request: one is answered 200 and the others already_requested", () =>
  withApp(async (t) => {
    const people = await twoPeople(t);
    for (let round = 0; round < 15; round += 1) {
      await startAgain(t);
      const moves = Array.from({ length: 4 }, (): Move => ({ by: "a", call: "request" }));
      const refusals = await together(t, people, moves);
      equal(refusals.filter((refusal) => refusal === null).length, 1);
      equal(refusals.filter((refusal) => refusal === "already_requested").length, 3);
      deepEqual(await bothSee(t, people), ["requesting", "requested"]);
    }
  }));

Deno.test("accept || cancel: friends one of whom then leaves, or nothing to accept", () =>
  withApp(async (t) => {
    const people = await twoPeople(t);
    for (let round = 0; round < 25; round += 1) {
      await startAgain(t);
      await together(t, people, [{ by: "a", call: "request" }]);
      const refusals = await together(t, people, [{ by: "b", call: "accept" }, { by: "a", call: "delete" }]);
      const outcome = JSON.stringify([refusals, await bothSee(t, people)]);
      ok(
        [
          '[[null,null],["deleted","blocked"]]',
          '[["request_not_found",null],[null,null]]',
        ].includes(outcome),
        outcome,
      );
    }
  }));

Deno.test("any calls of two people in parallel: all answers and both lists are those of some order of the calls", () =>
  withApp(async (t) => {
    const people = await twoPeople(t);
    const move = fc.record({ by: fc.constantFrom<By>("a", "b"), call: fc.constantFrom(...CALLS) });
    const start = fc.constantFrom(...reachable());
    await fc.assert(
      fc.asyncProperty(start, fc.array(move, { minLength: 2, maxLength: 5 }), async ({ two, way }, moves) => {
        await startAgain(t);
        for (const { by, call } of way) await together(t, people, [{ by, call }]);
        const refusals = await together(t, people, moves);
        const outcome = JSON.stringify([refusals, await bothSee(t, people)]);
        const possible = serially(two, moves);
        ok(possible.includes(outcome), `${outcome} is none of ${possible.join("\n")}`);
        deepEqual(await findStrayRows(t), []);
      }),
      { numRuns: 120, endOnFailure: true },
    );
  }));

Deno.test("requests in parallel among many people: everybody becomes everybody's friend, without a deadlock", () =>
  withApp(async (t) => {
    const people: Person[] = [];
    for (let place = 0; place < 6; place += 1) people.push(await t.signUp(`+1415555020${place}`));
    const answers = await Promise.all(
      people.flatMap((me) =>
        people.filter((peer) => peer !== me).map((peer) => change(t, "request", me, peer.phone))
      ),
    );
    deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    for (const me of people) {
      deepEqual((await listOf(t, me)).map(({ status }) => status), Array(5).fill("accepted"));
    }
    deepEqual(await findStrayRows(t), []);
  }));

Deno.test("request || request of two processes on one database: both end accepted", () =>
  withApp((here) =>
    withApp(async (there) => {
      const people = await twoPeople(here);
      for (let round = 0; round < 10; round += 1) {
        await startAgain(here);
        const answers = await Promise.all([
          change(here, "request", people.a, BOB),
          change(there, "request", people.b, ANN),
        ]);
        deepEqual(answers.map(({ status }) => status), [200, 200]);
        deepEqual(await bothSee(here, people), ["accepted", "accepted"]);
      }
    }, { database: here.database })
  ));

Deno.test("requests in parallel of several people to a number without an account: one account, and all are pending", () =>
  withApp(async (t) => {
    const inviters: Person[] = [];
    for (let place = 0; place < 5; place += 1) inviters.push(await t.signUp(`+1415555020${place}`));
    const answers = await Promise.all(inviters.map((me) => change(t, "request", me, CAT)));
    deepEqual(answers.map(({ status }) => status), Array(5).fill(200));
    const cat = await t.signUp(CAT);
    const expected = inviters.map(({ phone }) => [phone, "requested"]);
    deepEqual(await statuses(t, cat), Object.fromEntries(expected));
  }));

/** Requests a passcode; the returned function completes the signup. */
async function startSignUp(t: TestApp, phone: string) {
  await t.call("POST", "/api/auth/signup", { json: { phone_number: phone } });
  const json = { phone_number: phone, passcode: t.codeFor(phone) };
  return () => t.call("POST", "/api/auth/complete-signup", { json });
}

Deno.test("request || the completion of a signup: one account and one request, and the inviter is notified", () =>
  withApp(async (t) => {
    const ann = await watch(t, ANN);
    for (let round = 0; round < 20; round += 1) {
      const phone = `+141555503${String(round).padStart(2, "0")}`;
      const complete = await startSignUp(t, phone);
      forget([ann]);
      const [asked, completed] = await Promise.all([change(t, "request", ann, phone), complete()]);
      deepEqual([asked.status, completed.status], [200, 200]);
      await settle(t, [ann]);
      ok(wasTold(ann.idle));
      deepEqual(await statuses(t, { phone, token: completed.body.token }), { [ANN]: "requested" });
      equal((await statuses(t, ann))[phone], "requesting");
      equal((await t.sql`select from users where phone_number = ${phone} and status = 'active'`).length, 1);
    }
  }));

Deno.test("the completion of a signup waits for a request in progress, and then notifies its inviter too", () =>
  withApp(async (t) => {
    const ann = await watch(t, ANN);
    await change(t, "request", ann, CAT);
    await change(t, "delete", ann, CAT);
    const complete = await startSignUp(t, CAT);
    // Blocks the request, whose rows refer to Ann's row.
    const held = await t.sql.reserve();
    await held`begin`;
    await held`select from users where phone_number = ${ANN} for update`;

    const asked = change(t, "request", ann, CAT);
    await untilWaiting(t);
    const completed = complete();
    await untilWaiting(t, 2);
    forget([ann]);
    await held`commit`;
    held.release();

    deepEqual([(await asked).status, (await completed).status], [200, 200]);
    await settle(t, [ann]);
    // The acting session is not notified of its own request, so this event is the completion's.
    ok(wasTold(ann.acting));
  }));

Deno.test("many people request the same new numbers at once, at two processes: all succeed, and each number is one user", () =>
  withApp((one) =>
    withApp(async (other) => {
      const people = [await one.signUp(ANN), await one.signUp(BOB), await one.signUp(CAT)];
      const strangers = Array.from({ length: 12 }, (_, nth) => `+1415555${2000 + nth}`);
      const asks = people.flatMap((me, first) =>
        strangers.map((_, nth) => ({ me, phone: strangers[(first * 5 + nth) % strangers.length]! }))
      );
      const answers = await Promise.all(
        asks.map(({ me, phone }, nth) => change([one, other][nth % 2]!, "request", me, phone)),
      );

      deepEqual(answers.map(({ status }) => status), asks.map(() => 200));
      const [made] = await one.sql`
        select (select count(*)::int from users where status = 'invited') as users,
          (select count(*)::int from conversations) as pairs`;
      deepEqual(made, { users: strangers.length, pairs: asks.length });
      for (const me of people) equal((await listOf(one, me)).length, strangers.length);
      deepEqual(await findStrayRows(one), []);
    }, { database: one.database })
  ));
