// Calls that have read the state and then wait for another transaction that is changing it.

import { deepEqual } from "./assert.ts";
import { change, forget, settle, statuses, wasTold, watch } from "./contact_calls.ts";
import { untilWaiting } from "./locks.ts";
import { ANN, BOB, CAT, refused, succeeded, type TestApp, withApp } from "./support.ts";

/**
 * Runs `call` until it waits for rows that another transaction has locked, then lets that finish; returns the
 * result of `call`.
 */
async function overtaken<T>(
  t: TestApp,
  { lock, call, meanwhile }: {
    lock: (held: TestApp["sql"]) => Promise<unknown>;
    call: () => Promise<T>;
    meanwhile: (held: TestApp["sql"]) => Promise<unknown>;
  },
): Promise<T> {
  const held = await t.sql.reserve();
  await held`begin`;
  await lock(held as unknown as TestApp["sql"]);
  const called = call();
  await untilWaiting(t);
  await meanwhile(held as unknown as TestApp["sql"]);
  await held`commit`;
  held.release();
  return await called;
}

Deno.test("accept of a request that is withdrawn while it waits for the pair is request_not_found, and notifies nobody", () =>
  withApp(async (t) => {
    const [ann, bob] = [await watch(t, ANN), await watch(t, BOB)];
    succeeded(await change(t, "request", ann, BOB));
    await settle(t, [ann, bob]);
    forget([ann, bob]);
    const answer = await overtaken(t, {
      lock: (held) => held`select from conversations for update`,
      call: () => change(t, "accept", bob, ANN),
      async meanwhile(held) {
        await held`update conversations set low_intent = 'none', high_intent = 'none'`;
        await held`delete from contacts`;
      },
    });

    refused(answer, 404, "request_not_found");
    await settle(t, [ann, bob]);
    deepEqual([wasTold(ann.acting), wasTold(ann.idle), wasTold(bob.idle)], [false, false, false]);
    deepEqual([await statuses(t, ann), await statuses(t, bob)], [{}, {}]);
    deepEqual([...await t.sql`select ever_accepted from conversations`], [{ ever_accepted: false }]);
  }));

Deno.test("delete of somebody who accepted and deleted me while it waits deletes a former friend, and withdraws no request", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    succeeded(await change(t, "request", ann, BOB));
    succeeded(await change(t, "delete", bob, ANN));
    const answer = await overtaken(t, {
      lock: (held) => held`select from conversations for update`,
      call: () => change(t, "delete", ann, BOB),
      // Both have the same intents as before, but were friends in between.
      meanwhile: (held) => held`update conversations set ever_accepted = true`,
    });

    succeeded(answer);
    deepEqual(await statuses(t, ann), { [BOB]: "deleted" });
    deepEqual([...await t.sql`select ever_accepted from conversations`], [{ ever_accepted: true }]);
  }));

Deno.test("accept succeeds if only a message arrived while it waited for the pair", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    succeeded(await change(t, "request", ann, BOB));
    const answer = await overtaken(t, {
      lock: (held) => held`select from conversations for update`,
      call: () => change(t, "accept", bob, ANN),
      meanwhile: (held) => held`update conversations set last_message_at = now()`,
    });

    succeeded(answer);
    deepEqual(await statuses(t, ann), { [BOB]: "accepted" });
  }));

Deno.test("request whose limit is used up by another process while it waits is refused, and leaves nothing", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const phone of [BOB, CAT]) await t.signUp(phone);
    succeeded(await change(t, "request", ann, BOB));
    const rows = async () => [
      ...await t.sql`select key from buckets order by key`,
      ...await t.sql`select id from conversations`,
    ];
    const before = await rows();
    const answer = await overtaken(t, {
      lock: (held) => held`select from buckets where key like 'requests_user %' for update`,
      call: () => change(t, "request", ann, CAT),
      meanwhile: (held) =>
        held`update buckets set full_at = now() + interval '1 day' where key like 'requests_user %'`,
    });

    refused(answer, 429, "rate_limited");
    deepEqual(await rows(), before);
    deepEqual(await statuses(t, ann), { [BOB]: "requesting" });
  }, { env: { LIMITS: "requests_user=2/d" } }));

Deno.test("request to a number that signs up while it waits finds the account, and does not count for reveal_address", () =>
  withApp(async (t) => {
    const [ann, cat] = [await t.signUp(ANN), await t.signUp(CAT)];
    succeeded(await change(t, "request", cat, BOB));
    const counted =
      async () => [...await t.sql`select full_at from buckets where key like 'reveal_address %'`];
    const before = await counted();
    const answer = await overtaken(t, {
      lock: (held) => held`update users set status = 'active' where phone_number = ${BOB}`,
      call: () => change(t, "request", ann, BOB),
      meanwhile: (held) => held`select 1`,
    });

    succeeded(answer);
    deepEqual(await statuses(t, ann), { [BOB]: "requesting" });
    deepEqual(await counted(), before);
  }, { env: { LIMITS: "" } }));

Deno.test("update waits for another change of the pair, so that rows of lists are only locked after their pairs", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    succeeded(await change(t, "request", ann, BOB));
    const answer = await overtaken(t, {
      lock: (held) => held`select from conversations for update`,
      call: () => change(t, "update", ann, BOB, { display_name: "Bo" }),
      meanwhile: (held) => held`update contacts set changed_at = now()`,
    });

    succeeded(answer);
    deepEqual(answer.body.contacts.map(({ display_name }: Record<string, unknown>) => display_name), [
      "Bo",
    ]);
    deepEqual(await statuses(t, bob), { [ANN]: "requested" });
  }));
