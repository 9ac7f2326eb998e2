// When the quota of media is checked: while bytes arrive, and after concurrent changes of the sum.

import { CHUNK_BYTES } from "../services/media/uploads.ts";
import { deepEqual, equal } from "./assert.ts";
import { untilWaiting } from "./locks.ts";
import { beginRaw } from "./raw_upload.ts";
import { ANN, eventually, refused, type TestApp, withApp } from "./support.ts";
import { begin, create, patch } from "./tus_calls.ts";
import { wav } from "./upload_calls.ts";

const env = { MEDIA_QUOTA_BYTES: String(CHUNK_BYTES) };

/** Inserts a resumable upload without bytes yet. */
async function setAside(sql: Pick<TestApp["sql"], "unsafe">, bytes: number): Promise<void> {
  await sql.unsafe(
    `insert into media (id, owner_id, oid, declared, length, created_at, touched_at)
    select 1, id, lo_create(0), 'audio', ${bytes}, now(), now() from users`,
  );
}

/** Locks the user, makes `call` wait for that, uses up a byte of the quota, and releases the lock. */
async function behindAnother(t: TestApp, call: () => Promise<unknown>): Promise<void> {
  await t.sql.begin(async (sql) => {
    await sql`select from users for no key update`;
    await call();
    await untilWaiting(t);
    await setAside(sql, 1);
  });
}

Deno.test("an upload in one piece is refused as soon as it is larger than what is left of the quota", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    await setAside(t.sql, 1_000);
    // Without a refusal it would wait for the rest.
    Object.assign(t.services.uploads, { silenceMsMax: 800 });
    const raw = await beginRaw(t.url, { token });
    await raw.write(wav(CHUNK_BYTES));
    const { status, body } = await raw.answer;
    deepEqual([status, body.code], [413, "quota_exceeded"]);
  }, { env }));

Deno.test("an upload that ends waits for other changes of its user's media, and counts them", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const raw = await beginRaw(t.url, { token });
    await raw.write(wav(CHUNK_BYTES));
    await eventually(async () => equal((await t.sql`select size from media`)[0]?.size, CHUNK_BYTES));
    await behindAnother(t, () => raw.finish());
    const { status, body } = await raw.answer;
    deepEqual([status, body.code], [413, "quota_exceeded"]);
  }, { env }));

Deno.test("a resumable upload that begins waits for other changes of its user's media, and counts them", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    let created: ReturnType<typeof create>;
    await behindAnother(t, async () => void (created = create(t, ann, CHUNK_BYTES)));
    refused(await created!, 413, "quota_exceeded");
  }, { env }));

Deno.test("a resumable upload of all that the quota allows is finished", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const address = await begin(t, ann, CHUNK_BYTES);
    equal((await patch(t, ann, address, 0, wav(CHUNK_BYTES))).status, 204);
  }, { env }));
