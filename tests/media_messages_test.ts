// Messages that carry audio and video: what may be sent, and what both sides read back.

import { deepEqual, equal, ok } from "./assert.ts";
import { addMedia, fetchBytes, same, sendMedia } from "./media_calls.ts";
import {
  ANN,
  type Answer,
  CAT,
  friends,
  type Person,
  refused,
  succeeded,
  type TestApp,
  withApp,
} from "./support.ts";
import { fixture } from "./upload_calls.ts";

const VOICE = fixture("opus.ogg");
const FILM = fixture("vp8.webm");

interface Shown {
  id: number;
  message: string;
  message_type: string;
  media_type: string | null;
  media_content_id: number | null;
  duration: number | null;
}

async function history(t: TestApp, me: Person, peer: Person): Promise<Shown[]> {
  const answer = await t.call("GET", `/api/messages/${peer.phone}`, { token: me.token });
  succeeded(answer);
  return answer.body.messages;
}

function voice(
  t: TestApp,
  [from, to]: readonly [Person, Person],
  id: number | null,
  more = {},
): Promise<Answer> {
  return t.send(from, to, "", { message_type: "audio", media_content_id: id, ...more });
}

/** Ann and Bob are friends, and Bob and Cat. */
async function three(t: TestApp): Promise<[Person, Person, Person]> {
  const [ann, bob] = await friends(t);
  const cat = await t.signUp(CAT);
  await t.befriend(bob, cat);
  return [ann, bob, cat];
}

/** Begins an upload, but sends no bytes. */
async function unfinished(t: TestApp, { token }: Person): Promise<number> {
  const { headers, body } = await fetch(`${t.url}/api/uploads`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "tus-resumable": "1.0.0",
      "upload-length": "1000",
      "upload-metadata": `media_type ${btoa("audio")}`,
    },
  });
  await body?.cancel();
  return Number(headers.get("location")!.split("/").at(-1));
}

Deno.test("a voice message and a film are sent with their type and duration, and both sides read these", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const voiceId = await addMedia(t, ann, VOICE);
    const filmId = await addMedia(t, ann, FILM, "video");
    const sent = [
      await sendMedia(t, [ann, bob], voiceId),
      await sendMedia(t, [ann, bob], filmId, "video"),
      (await t.send(ann, bob, "hello")).body.messages[0],
    ];

    deepEqual(
      sent.map((one) => [one.message_type, one.media_type, one.media_content_id, one.message, one.status]),
      [
        ["audio", "audio/ogg", voiceId, "", "created"],
        ["video", "video/webm", filmId, "", "created"],
        ["text", null, null, "hello", "created"],
      ],
    );
    for (const { duration } of sent.slice(0, 2)) ok(duration > 1.9 && duration < 2.2, `${duration}`);
    equal(sent[2].duration, null);
    deepEqual((await history(t, ann, bob)).reverse(), sent);
    const received = sent.map(({ client_id: _, ...one }) => ({ ...one, status: "delivered" }));
    deepEqual((await history(t, bob, ann)).reverse(), received);
  }));

Deno.test("the receiver of media can fetch them at once", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    await sendMedia(t, [ann, bob], await addMedia(t, ann, VOICE));
    const [{ media_content_id }] = await history(t, bob, ann) as [Shown];
    const fetched = await fetchBytes(t, `/api/messages/media/${media_content_id}`, { token: bob.token });
    await same(fetched.bytes, VOICE);
  }));

Deno.test("media may have a caption of up to 4096 code points, or none, or an empty one", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const id = await addMedia(t, ann, VOICE);
    for (const message of ["hello", "\u{1F600}".repeat(4096), "", undefined, null]) {
      const answer = await voice(t, [ann, bob], id, { message });
      succeeded(answer);
      equal(answer.body.messages[0].message, message ?? "");
      equal((await history(t, bob, ann))[0]!.message, message ?? "");
    }
    for (const message of ["x".repeat(4097), "a\0", 5]) {
      refused(await voice(t, [ann, bob], id, { message }), 400, "invalid_input");
    }
  }));

Deno.test("audio and video need an id, a text must have none", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const id = await addMedia(t, ann, VOICE);
    for (const message_type of ["audio", "video"]) {
      for (const media_content_id of [undefined, null, "1", 1.5, 2 ** 53, true]) {
        const answer = await t.send(ann, bob, "a caption is not enough", { message_type, media_content_id });
        refused(answer, 400, "invalid_input");
        equal(answer.body.issues[0].path, "media_content_id");
      }
    }
    refused(await t.send(ann, bob, "hello", { media_content_id: id }), 400, "invalid_input");
    succeeded(await t.send(ann, bob, "hello", { media_content_id: null }));
    equal((await history(t, ann, bob)).length, 1);
  }));

Deno.test("media of another kind, unknown, foreign and unfinished ones are refused one by one, whatever else is in the batch", () =>
  withApp(async (t) => {
    const [ann, bob, cat] = await three(t);
    const mine = await addMedia(t, ann, VOICE);
    const wrong = [
      await addMedia(t, ann, FILM, "video"),
      await addMedia(t, cat, VOICE),
      await unfinished(t, ann),
      ...[0, -1, 1, 2 ** 53 - 1],
    ];
    const sends = wrong.flatMap((id) => [
      () => voice(t, [ann, bob], id),
      () => voice(t, [ann, bob], mine),
      () => t.send(ann, bob, "text"),
    ]);
    const answers = await Promise.all(sends.map((send) => send()));

    answers.forEach((answer, place) => {
      if (place % 3 === 0) refused(answer, 400, "invalid_media");
      else succeeded(answer);
    });
    const stored = await history(t, bob, ann);
    equal(stored.length, wrong.length * 2);
    ok(stored.every(({ media_content_id }) => media_content_id === null || media_content_id === mine));
    refused(
      await t.send(ann, bob, "", { message_type: "video", media_content_id: mine }),
      400,
      "invalid_media",
    );
  }));

Deno.test("a send to somebody whom one may not write to does not reveal whether the media are valid", () =>
  withApp(async (t) => {
    const [ann, bob, cat] = await three(t);
    const id = await addMedia(t, ann, VOICE);
    const json = { phone_number: ANN };
    succeeded(await t.call("PUT", "/api/contacts/delete", { token: bob.token, json }));
    for (const media of [id, 1]) {
      refused(await voice(t, [ann, cat], media), 404, "recipient_not_found");
      refused(await voice(t, [ann, bob], media), 403, "not_friends");
    }
  }));

Deno.test("received media may be forwarded, and forwarded again, without being copied", () =>
  withApp(async (t) => {
    const [ann, bob, cat] = await three(t);
    const dan = await t.signUp("+14155550104");
    await t.befriend(cat, dan);
    const id = await addMedia(t, ann, VOICE);
    refused(await voice(t, [bob, cat], id), 400, "invalid_media");
    for (const way of [[ann, bob], [bob, cat], [cat, dan], [cat, bob], [bob, ann], [ann, bob]] as const) {
      equal((await sendMedia(t, way, id)).media_content_id, id);
    }

    for (const { token } of [ann, bob, cat, dan]) {
      await same((await fetchBytes(t, `/api/messages/media/${id}`, { token })).bytes, VOICE);
    }
    const [rows] = await t.sql`select count(*)::int as media from media`;
    const [objects] = await t.sql`select count(*)::int as objects from pg_largeobject_metadata`;
    deepEqual([rows, objects], [{ media: 1 }, { objects: 1 }]);
  }));

Deno.test("the same client_id with the same media and caption is the same message; with others it is refused", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const [id, other] = [await addMedia(t, ann, VOICE), await addMedia(t, ann, VOICE)];
    const client_id = "one";
    const first = await voice(t, [ann, bob], id, { client_id, message: "look" });
    const read = { message_id: first.body.messages[0].id };
    succeeded(await t.call("PUT", "/api/messages/read", { token: bob.token, json: read }));

    const again = await voice(t, [ann, bob], id, { client_id, message: "look" });
    succeeded(again);
    deepEqual(again.body.messages, [{ ...first.body.messages[0], status: "seen" }]);
    for (
      const [media_content_id, message, message_type] of [
        [other, "look", "audio"],
        [1, "look", "audio"],
        [id, "", "audio"],
        [id, "look", "video"],
        [undefined, "look", "text"],
      ] as const
    ) {
      const answer = await t.send(ann, bob, message, { message_type, media_content_id, client_id });
      refused(answer, 409, "client_id_reused");
    }
    equal((await history(t, ann, bob)).length, 1);
  }));

Deno.test("concurrent sends of media under one client_id make one message, with which all of its media are answered", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    const ids = [await addMedia(t, ann, VOICE), await addMedia(t, ann, VOICE)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, place) => voice(t, [ann, bob], ids[place % 2]!, { client_id: "one" })),
    );
    const [stored, ...others] = await history(t, ann, bob);

    equal(others.length, 0);
    answers.forEach((answer, place) => {
      if (ids[place % 2] !== stored!.media_content_id) return refused(answer, 409, "client_id_reused");
      succeeded(answer);
      deepEqual(answer.body.messages, [stored]);
    });
  }));
