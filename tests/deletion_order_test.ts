// Deletions of accounts that have to wait for the locks of others: there is no deadlock, and whatever waited
// for a deletion finds the account gone.

import { touchSessions } from "../db/sessions.ts";
import type { PhoneNumber } from "../services/phone_number.ts";
import type { Actor } from "../services/sessions/sessions.ts";
import { askToDelete, deleteAccount, untilErased } from "./account_calls.ts";
import { deepEqual, equal } from "./assert.ts";
import { change, statuses } from "./contact_calls.ts";
import { invitations, invite, join, numbers, withInvites } from "./invite_calls.ts";
import { untilWaiting } from "./locks.ts";
import { makeWav } from "./media_calls.ts";
import { ANN, BOB, CAT, eventually, friends, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { begin, create, patch } from "./tus_calls.ts";
import { NOTHING, remains } from "./upload_calls.ts";

type Sql = TestApp["sql"];

/** Runs `during` while the locks that `hold` takes keep `held` waiting, then releases them. */
async function holdingUp<Held, During>(
  t: TestApp,
  { hold, held, during }: {
    hold: (sql: Sql) => Promise<unknown>;
    held: () => Promise<Held>;
    during: (sql: Sql) => Promise<During>;
  },
): Promise<[Held, During]> {
  const sql = await t.sql.reserve() as unknown as Sql & { release(): void };
  try {
    await sql`begin`;
    await hold(sql);
    const waiting = held();
    await untilWaiting(t);
    const came = await during(sql);
    await sql`commit`;
    return [await waiting, came];
  } finally {
    sql.release();
  }
}

/** Calls `begun` while a deletion of Ann's account has locked the account and waits for a session of hers. */
async function deletingAnn<T>(t: TestApp, ann: { phone: string; token: string }, begun: () => T): Promise<T> {
  const [answer, came] = await holdingUp(t, {
    hold: (sql) =>
      sql`select from sessions where user_id = (select id from users where phone_number = ${ANN}) for update`,
    held: () => askToDelete(t, ann),
    async during() {
      const came = begun();
      await untilWaiting(t, 2);
      return { came };
    },
  });
  succeeded(answer);
  return came.came;
}

/** Inserts media of Ann's with descending ids. */
async function addAnnsMedia(sql: Sql): Promise<void> {
  await sql`
    insert into media (id, owner_id, oid, state, declared, kind, media_type, length, size, created_at, touched_at)
    select 100 - nth, users.id, lo_create(0), 'ready', 'audio', 'audio', 'audio/wav', 0, 0, now(), now()
    from users, generate_series(1, 3) as nth
    where phone_number = ${ANN}`;
}

Deno.test("sessions are ended and touched in the order of their ids, so that there is no deadlock", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    for (const id of ["c", "b", "a"]) {
      await t.sql`
        insert into sessions (id, user_id, device, created_at, last_seen_at, expires_at)
        select ${id}, id, '', now(), now(), now() + interval '1 day' from users`;
    }
    const first = (sql: Sql) => sql`select from sessions where id = 'a' for update`;
    const free = (sql: Sql) => sql`select from sessions where id in ('a', 'b', 'c') for update skip locked`;
    const ids = (await t.sql<{ id: string }[]>`select id from sessions`).map(({ id }) => id);
    const later = new Date(Date.now() + 60_000);
    const touching = await t.sql.reserve();
    // Forces the plan that a larger table gets.
    await touching`set enable_indexscan = off`;
    const [, beside] = await holdingUp(t, {
      hold: first,
      held: () => touchSessions(touching, ids, later),
      during: free,
    });
    await touching`reset enable_indexscan`;
    touching.release();
    equal(beside.length, 3);
    const [answer, others] = await holdingUp(t, {
      hold: first,
      held: () => askToDelete(t, ann),
      during: free,
    });
    succeeded(answer);
    equal(others.length, 3);
  }));

Deno.test("media of a deleted account are dated back in the order of their ids, in which erasures lock them too", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await addAnnsMedia(t.sql);
    const [answer, others] = await holdingUp(t, {
      hold: (sql) => sql`select from media order by id limit 1 for update`,
      held: () => askToDelete(t, ann),
      during: (sql) => sql`select from media for update skip locked`,
    });
    succeeded(answer);
    equal(others.length, 3);
  }));

Deno.test("an upload whose creation waits for a deletion is not created", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    refused(await deletingAnn(t, ann, () => create(t, ann, 1_000)), 401, "unauthenticated");
    await eventually(async () => deepEqual(await remains(t), NOTHING));
  }));

Deno.test("an upload whose end waits for a deletion becomes no media, and is deleted like the others", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const sound = makeWav(1_000);
    const address = await begin(t, ann, sound.length);
    refused(await deletingAnn(t, ann, () => patch(t, ann, address, 0, sound)), 401, "unauthenticated");
    await eventually(async () => deepEqual(await remains(t), NOTHING));
  }));

Deno.test("a chunk that waits for a deletion is not written, and does not keep its upload for a day", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 10_000);
    // Dated back last, because its id is the highest.
    await t.sql`
      insert into media (id, owner_id, oid, declared, created_at, touched_at)
      select 9007199254740991, id, lo_create(0), 'audio', now(), now() from users`;
    const [answer, { patched }] = await holdingUp(t, {
      hold: (sql) => sql`select from media order by id desc limit 1 for update`,
      held: () => askToDelete(t, ann),
      async during() {
        const patched = patch(t, ann, address, 0, makeWav(5_000));
        await untilWaiting(t, 2);
        return { patched };
      },
    });
    succeeded(answer);
    refused(await patched, 401, "unauthenticated");
    await eventually(async () => deepEqual(await remains(t), NOTHING));
  }));

Deno.test("media are deleted even if their last message is erased while their owner's account is being deleted", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(bob, cat);
    await addAnnsMedia(t.sql);
    // As if Bob had forwarded it to Cat, and the message in which he got it from Ann were gone.
    await t.sql`
      insert into messages (conversation_id, id, sender_id, type, body, created_at, media_id)
      select id, nextval('message_ids'), low_id, 'audio', '', now(), 97
      from conversations
      where high_id = (select id from users where phone_number = ${CAT})`;
    await t.sql`update conversations set last_message_at = now()`;
    const [answer] = await holdingUp(t, {
      hold: (sql) => sql`select from media order by id desc limit 1 for update`,
      held: () => askToDelete(t, ann),
      async during() {
        await deleteAccount(t, cat);
        await untilWaiting(t, 2);
      },
    });
    succeeded(answer);
    await untilErased(t);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a request that waits for the deletion of its sender is unauthenticated, and holds up no others", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.signUp(CAT);
    const [asked, beside] = await Promise.all(
      await deletingAnn(t, ann, () => [change(t, "request", ann, CAT), change(t, "request", bob, CAT)]),
    );
    refused(asked!, 401, "unauthenticated");
    succeeded(beside!);
    deepEqual(await statuses(t, bob), { [CAT]: "requesting" });
  }));

Deno.test("an invitation that waits for the deletion of its inviter is not made, and sends nothing", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const [phone] = numbers(1) as [string];
    // Invited by somebody else before, so that the number is known.
    await invite(t, await join(t, twilio, BOB), phone);
    const [me] = await t.sql<Actor[]>`
      select user_id, sessions.id as session_id, phone_number
      from sessions
      join users on users.id = user_id
      where phone_number = ${ANN}`;
    const invited = await deletingAnn(
      t,
      ann,
      () => [t.services.invites.invite(me!, phone as PhoneNumber, "")],
    );
    equal(await invited[0], null);
    equal(invitations(twilio).length, 1);
    equal((await t.sql`select from invites`).length, 1);
  }));
