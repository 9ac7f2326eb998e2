import { deepEqual, equal, rejects } from "./assert.ts";

import type { Sql } from "../db/connection/database.ts";
import { openDatabase } from "../db/connection/database.ts";
import { deleteUnsent } from "../db/media/media_sweep.ts";
import { createMediaSweep } from "../services/media/sweep.ts";
import { untilWaiting } from "./locks.ts";
import { ANN, friends, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { begin, head, offset, patch } from "./tus_calls.ts";
import { download, NOTHING, remains, upload, wav } from "./upload_calls.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const CLEAN = { abandoned: 0, unsent: 0, orphans: 0, hollow: 0 };

type Sweep = ReturnType<typeof createMediaSweep>;

/** Runs with a service and a sweep that share a clock. */
function withSweep(run: (t: TestApp, sweep: Sweep) => Promise<void>): Promise<void> {
  return withApp(async (t) => {
    const database = openDatabase(t.database.address, { max: 2 });
    try {
      await run(t, createMediaSweep({ database, now: t.clock.now }));
    } finally {
      await database.close();
    }
  });
}

async function uploaded(t: TestApp, me: Person): Promise<number> {
  const answer = await upload(t, me, wav(1_000));
  succeeded(answer);
  return answer.body.id;
}

function sendMedia(t: TestApp, from: Person, to: Person, id: number) {
  return t.send(from, to, "", { message_type: "audio", media_content_id: id });
}

/** Leaves an upload in one piece whose process was killed during it. */
async function orphanedUpload(t: TestApp, me: Person): Promise<string> {
  const address = await begin(t, me, 1_000);
  await t.sql`update media set length = null where id = ${Number(address.split("/").at(-1))}`;
  return address;
}

Deno.test("recent() deletes media 24 hours after their upload, but never those that a message carries", () =>
  withSweep(async (t, sweep) => {
    const [ann, bob] = await friends(t);
    const [sent, unsent] = [await uploaded(t, ann), await uploaded(t, ann)];
    succeeded(await sendMedia(t, ann, bob, sent));
    t.clock.advance(DAY_MS - MINUTE_MS);
    deepEqual(await sweep.recent(), { abandoned: 0, unsent: 0 });
    await download(t, ann, unsent);

    t.clock.advance(2 * MINUTE_MS);
    deepEqual(await sweep.recent(), { abandoned: 0, unsent: 1 });
    deepEqual(await remains(t), { rows: 1, objects: 1 });
    refused(await sendMedia(t, ann, bob, unsent), 400, "invalid_media");
    t.clock.advance(5 * DAY_MS);
    deepEqual(await sweep.recent(), { abandoned: 0, unsent: 0 });
    deepEqual(await sweep.repair(), CLEAN);
    deepEqual(await download(t, bob, sent), wav(1_000));
  }));

Deno.test("recent() deletes an upload in one piece after 10 minutes of silence, a resumable one after 24 hours", () =>
  withSweep(async (t, sweep) => {
    const ann = await t.signUp(ANN);
    await orphanedUpload(t, ann);
    const address = await begin(t, ann, 1_000);
    t.clock.advance(9 * MINUTE_MS);
    deepEqual(await sweep.recent(), { abandoned: 0, unsent: 0 });
    t.clock.advance(2 * MINUTE_MS);
    deepEqual(await sweep.recent(), { abandoned: 1, unsent: 0 });

    equal((await patch(t, ann, address, 0, wav(1_000).slice(0, 500))).status, 204);
    t.clock.advance(DAY_MS - MINUTE_MS);
    deepEqual(await sweep.recent(), { abandoned: 0, unsent: 0 });
    equal(await offset(t, ann, address), 500);
    t.clock.advance(2 * MINUTE_MS);
    deepEqual(await sweep.recent(), { abandoned: 1, unsent: 0 });
    equal((await head(t, ann, address)).status, 404);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a resumable upload that received nothing for 24 hours is gone, even before it is swept", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 1_000);
    t.clock.advance(DAY_MS - MINUTE_MS);
    equal(await offset(t, ann, address), 0);
    t.clock.advance(2 * MINUTE_MS);
    equal((await head(t, ann, address)).status, 404);
    refused(await patch(t, ann, address, 0, wav(1_000)), 404, "media_not_found");
  }));

Deno.test("recent() covers everything old until it has succeeded once", () =>
  withSweep(async (t, sweep) => {
    await uploaded(t, await t.signUp(ANN));
    t.clock.advance(20 * DAY_MS);
    await t.sql`alter table messages rename to elsewhere`;
    await rejects(sweep.recent());
    await t.sql`alter table elsewhere rename to messages`;
    deepEqual(await sweep.recent(), { abandoned: 0, unsent: 1 });
  }));

/** Leaves some of everything behind that a sweep looks for. */
async function leaveBehind(t: TestApp): Promise<void> {
  const [ann, bob] = await friends(t);
  await orphanedUpload(t, ann);
  await begin(t, ann, 1_000);
  await uploaded(t, ann);
  await uploaded(t, ann);
  t.clock.advance(20 * DAY_MS);
  const [sent, hollow] = [await uploaded(t, ann), await uploaded(t, ann)];
  succeeded(await sendMedia(t, ann, bob, sent));
  succeeded(await sendMedia(t, ann, bob, hollow));
  await uploaded(t, ann);
  await begin(t, ann, 1_000);
  await t.sql`select lo_unlink(oid) from media where id = ${hollow}`;
  await t.sql`select lo_create(0) from generate_series(1, 3)`;
}

Deno.test("report() finds everything that was left behind, of any age, and leaves it alone", () =>
  withSweep(async (t, sweep) => {
    await leaveBehind(t);
    const before = await remains(t);
    for (let round = 0; round < 2; round += 1) {
      deepEqual({ ...await sweep.report() }, { abandoned: 2, unsent: 2, orphans: 3, hollow: 1 });
    }
    deepEqual(await remains(t), before);
  }));

Deno.test("repair() deletes all that report() finds, except rows whose bytes are lost", () =>
  withSweep(async (t, sweep) => {
    await leaveBehind(t);
    deepEqual({ ...await sweep.repair() }, { abandoned: 2, unsent: 2, orphans: 3, hollow: 1 });
    deepEqual({ ...await sweep.report() }, { ...CLEAN, hollow: 1 });
    deepEqual(await remains(t), { rows: 4, objects: 3 });
  }));

Deno.test("repair() deletes any number, and several at once delete everything exactly once", () =>
  withSweep(async (t, sweep) => {
    const ann = await t.signUp(ANN);
    await t.sql`select lo_create(0) from generate_series(1, 90)`;
    await t.sql`
      insert into media (id, owner_id, oid, declared, created_at, touched_at)
      select n, u.id, lo_create(0), 'audio', now() - interval '1 day', now() - interval '1 day'
      from generate_series(1, 90) as n, users u
      where u.phone_number = ${ann.phone}`;
    const all = await Promise.all([sweep.repair(), sweep.repair(), sweep.recent()]);
    equal(all.reduce((sum, { abandoned }) => sum + abandoned, 0), 90);
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("a deleted row takes its large object with it, and a rollback brings back both", () =>
  withSweep(async (t) => {
    const ann = await t.signUp(ANN);
    await uploaded(t, ann);
    const undone = t.sql.begin(async (sql) => {
      await sql`delete from media`;
      throw new Error("undone");
    });
    await rejects(undone, /undone/);
    deepEqual(await remains(t), { rows: 1, objects: 1 });
    await t.sql`delete from media`;
    deepEqual(await remains(t), NOTHING);
  }));

function agesOf(t: TestApp) {
  const old = new Date(t.clock.now().getTime() - MINUTE_MS);
  return { uploads: old, resumable: old, unsent: old, unsentSince: new Date(0) };
}

Deno.test("sweep || send: a send whose media the sweep is deleting waits, and is refused with nothing stored", () =>
  withSweep(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "first"));
    const id = await uploaded(t, ann);
    t.clock.advance(DAY_MS);
    let sent: ReturnType<typeof sendMedia>;
    await t.sql.begin(async (sql) => {
      equal(await deleteUnsent(sql, agesOf(t)), 1);
      sent = sendMedia(t, ann, bob, id);
      await untilWaiting(t);
    });
    refused(await sent!, 400, "invalid_media");
    deepEqual(await remains(t), NOTHING);
    const { body } = await t.call("GET", `/api/messages/${ANN}`, { token: bob.token });
    deepEqual(body.messages.map(({ message }: { message: string }) => message), ["first"]);
  }));

Deno.test("sweep || send: a sweep that is rolled back while a send waits lets the send succeed, with its media", () =>
  withSweep(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "first"));
    const id = await uploaded(t, ann);
    t.clock.advance(DAY_MS);
    let sent: ReturnType<typeof sendMedia>;
    const undone = t.sql.begin(async (sql) => {
      equal(await deleteUnsent(sql, agesOf(t)), 1);
      sent = sendMedia(t, ann, bob, id);
      await untilWaiting(t);
      throw new Error("undone");
    });
    await rejects(undone, /undone/);
    succeeded(await sent!);
    deepEqual(await download(t, bob, id), wav(1_000));
  }));

Deno.test("sweep || send: media that a send has locked are skipped, and kept once it has committed", () =>
  withSweep(async (t, sweep) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "first"));
    const id = await uploaded(t, ann);
    t.clock.advance(DAY_MS + MINUTE_MS);
    await t.sql.begin(async (sql) => {
      await storeMedia(sql, id);
      deepEqual(await sweep.repair(), CLEAN);
    });
    deepEqual(await sweep.repair(), CLEAN);
    deepEqual(await download(t, bob, id), wav(1_000));
  }));

/** Locks and stores as a send does, in a transaction that the test holds open. */
async function storeMedia(sql: Sql, id: number): Promise<void> {
  await sql`select id from media where id = ${id} for key share`;
  await sql`
    insert into messages (conversation_id, id, sender_id, type, body, media_id, created_at)
    select c.id, nextval('message_ids'), u.id, 'audio', '', ${id}, now()
    from conversations c, users u
    where u.phone_number = ${ANN}`;
}

Deno.test("sweep || upload: an upload locked by a chunk being written is skipped, however old it looks", () =>
  withSweep(async (t, sweep) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, 1_000);
    t.clock.advance(DAY_MS - MINUTE_MS);
    await t.sql.begin(async (sql) => {
      await sql`update media set touched_at = ${t.clock.now()}`;
      t.clock.advance(2 * MINUTE_MS);
      deepEqual(await sweep.repair(), CLEAN);
    });
    deepEqual(await sweep.repair(), CLEAN);
    equal(await offset(t, ann, address), 0);
  }));
