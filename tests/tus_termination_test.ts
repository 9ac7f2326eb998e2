// Termination of finished uploads: media that were never sent are deleted, media that a message carries stay.

import { deepEqual, equal } from "./assert.ts";

import { untilWaiting } from "./locks.ts";
import { addMedia, sendMedia, signedPath } from "./media_calls.ts";
import {
  type Answer,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";
import { begin, create, head, idOf, patch, TUS } from "./tus_calls.ts";
import { download, fixture, NOTHING, remains, upload, wav } from "./upload_calls.ts";

const VOICE = fixture("voice.wav");

function giveUp(t: TestApp, { token }: Person, id: number): Promise<Answer> {
  return t.call("DELETE", `/api/uploads/${id}`, { token, headers: TUS });
}

/** Uploads media in pieces, and media in one piece. */
async function addBoth(t: TestApp, me: Person): Promise<number[]> {
  const address = await begin(t, me, VOICE.length);
  equal((await patch(t, me, address, 0, VOICE)).status, 204);
  return [idOf(address), await addMedia(t, me, VOICE)];
}

Deno.test("termination deletes media that were never sent, with their bytes", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (const id of await addBoth(t, ann)) {
      const signed = await signedPath(t, ann, id);
      equal((await head(t, ann, `/api/uploads/${id}`)).status, 200);
      equal((await giveUp(t, ann, id)).status, 204);

      equal((await head(t, ann, `/api/uploads/${id}`)).status, 404);
      refused(await giveUp(t, ann, id), 404, "media_not_found");
      refused(await t.call("GET", `/api/messages/media/${id}`, { token: ann.token }), 404, "media_not_found");
      refused(await t.call("GET", signed), 404, "media_not_found");
      const media = { message_type: "audio", media_content_id: id };
      refused(await t.send(ann, bob, "", media), 400, "invalid_media");
    }
    deepEqual(await remains(t), NOTHING);
  }));

Deno.test("termination of media that a message carries is 403 for their owner and 404 for others, and deletes nothing", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (const id of await addBoth(t, ann)) {
      await sendMedia(t, [ann, bob], id);
      refused(await giveUp(t, ann, id), 403, "media_sent");
      refused(await giveUp(t, bob, id), 404, "media_not_found");
      succeeded(
        await t.call("PUT", "/api/contacts/delete", {
          token: ann.token,
          json: { phone_number: bob.phone },
        }),
      );
      refused(await giveUp(t, ann, id), 403, "media_sent");
      deepEqual(await download(t, bob, id), VOICE);
      succeeded(
        await t.call("PUT", "/api/contacts/request", {
          token: ann.token,
          json: { phone_number: bob.phone },
        }),
      );
    }
  }));

Deno.test("termination frees the space in the quota", () =>
  withApp(async (t) => {
    const [ann] = await friends(t);
    const id = await addMedia(t, ann, wav(1_000));
    refused(await create(t, ann, 1), 413, "quota_exceeded");
    equal((await giveUp(t, ann, id)).status, 204);
    succeeded(await upload(t, ann, wav(1_000)));
  }, { env: { MEDIA_QUOTA_BYTES: "1000" } }));

Deno.test("termination waits for a send in progress, and then deletes nothing", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const id = await addMedia(t, ann, VOICE);
    let answer: Promise<Answer>;
    await t.sql.begin(async (sql) => {
      await sql`
        insert into messages (conversation_id, id, sender_id, type, body, media_id, created_at)
        select v.id, nextval('message_ids'), media.owner_id, 'audio', '', media.id, now()
        from media
        cross join conversations v`;
      answer = giveUp(t, ann, id);
      await untilWaiting(t);
    });
    refused(await answer!, 403, "media_sent");
    deepEqual(await download(t, bob, id), VOICE);
  }));

Deno.test("a send and a termination at once, in one process or in two: one succeeds and the other is refused", () =>
  withTwoApps(async (one, two) => {
    const [ann, bob] = await friends(one);
    let kept = 0;
    for (let round = 0; round < 30; round += 1) {
      const id = await addMedia(one, ann, VOICE);
      const [sent, ended] = await Promise.all([
        one.send(ann, bob, "", { message_type: "audio", media_content_id: id }),
        giveUp(round % 2 === 0 ? one : two, ann, id),
      ]);
      if (sent.status === 200) {
        refused(ended, 403, "media_sent");
        deepEqual(await download(two, bob, id), VOICE);
        kept += 1;
      } else {
        refused(sent, 400, "invalid_media");
        equal(ended.status, 204);
      }
    }
    deepEqual(await remains(one), { rows: kept, objects: kept });
  }));
