// Who may have which media: three people, every kind of request, and media in every state. Media that a
// person may not have are answered like media that never existed.

import { type Draft, storeDrafts } from "../db/drafts.ts";
import { findReadable } from "../db/media/media.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { addMedia, sendMedia, signedPath } from "./media_calls.ts";
import { ANN, BOB, CAT, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";

const PEOPLE = ["ann", "bob", "cat"] as const;
type Name = typeof PEOPLE[number];
type People = Record<Name, Person>;

interface Case {
  what: string;
  id: number;
  readers: readonly Name[];
}

/** An answer without the parts that differ in each. */
interface Seen {
  status: number;
  headers: [string, string][];
  text: string;
}

/** One kind of request for media. */
type Way = (id: number, me: Person, peer: Person) => [method: string, path: string, init?: RequestInit];

const TUS = { "tus-resumable": "1.0.0" };
const bearer = ({ token }: Person) => ({ authorization: `Bearer ${token}` });

/** Requests that are answered with the media, or with how to get them. */
const READS: Record<string, Way> = {
  "by path": (id, me) => ["GET", `/api/messages/media/${id}`, { headers: bearer(me) }],
  "by path, with a slash": (id, me) => ["GET", `/api/messages/media/${id}/`, { headers: bearer(me) }],
  "by path and ?token=": (id, me) => ["GET", `/api/messages/media/${id}?token=${me.token}`],
  "by query": (id, me) => ["GET", `/api/messages/media?media_content_id=${id}`, { headers: bearer(me) }],
  "by query and ?token=": (
    id,
    me,
  ) => ["GET", `/api/messages/media/?token=${me.token}&media_content_id=${id}`],
  "a range": (
    id,
    me,
  ) => ["GET", `/api/messages/media/${id}`, { headers: { ...bearer(me), range: "bytes=1-2" } }],
  "a range behind every end": (id, me) => [
    "GET",
    `/api/messages/media/${id}`,
    { headers: { ...bearer(me), range: "bytes=999999999-" } },
  ],
  "if it is another": (id, me) => [
    "GET",
    `/api/messages/media/${id}`,
    { headers: { ...bearer(me), "if-none-match": "*" } },
  ],
  "its headers": (id, me) => ["HEAD", `/api/messages/media/${id}`, { headers: bearer(me) }],
  "its headers, by query": (
    id,
    me,
  ) => ["HEAD", `/api/messages/media?media_content_id=${id}`, { headers: bearer(me) }],
  "a signed address": (id, me) => ["GET", `/api/messages/media/${id}/url`, { headers: bearer(me) }],
};

/** The statuses for those who may have the media, if not 200. */
const STATUSES: Record<string, number> = {
  "a range": 206,
  "a range behind every end": 416,
  "if it is another": 304,
};

/** Calls that only the uploader may make, even if others may see the media. */
const UPLOADS: Record<string, Way> = {
  "the offset": (id, me) => ["HEAD", `/api/uploads/${id}`, { headers: { ...bearer(me), ...TUS } }],
  "more bytes": (id, me) => ["PATCH", `/api/uploads/${id}`, {
    headers: {
      ...bearer(me),
      ...TUS,
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
    },
    body: "x",
  }],
  "giving up": (id, me) => ["DELETE", `/api/uploads/${id}`, { headers: { ...bearer(me), ...TUS } }],
};

function attach(kind: "audio" | "video"): Way {
  return (id, me, peer) => ["POST", "/api/messages/send", {
    headers: { ...bearer(me), "content-type": "application/json" },
    body: JSON.stringify({ phone_number: peer.phone, message_type: kind, media_content_id: id }),
  }];
}

async function ask(t: TestApp, [method, path, init]: ReturnType<Way>): Promise<Seen> {
  const response = await fetch(t.url + path, { method, ...init });
  const requestId = response.headers.get("x-request-id")!;
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => name !== "date" && name !== "x-request-id"),
    text: (await response.text()).replaceAll(requestId, "-"),
  };
}

/** Ann and Bob are friends, and Bob and Cat. */
async function withPeople(run: (t: TestApp, people: People) => Promise<void>): Promise<void> {
  await withApp(async (t) => {
    const people = { ann: await t.signUp(ANN), bob: await t.signUp(BOB), cat: await t.signUp(CAT) };
    await t.befriend(people.ann, people.bob);
    await t.befriend(people.bob, people.cat);
    await run(t, people);
  });
}

/** Begins a resumable upload, but sends no bytes. */
async function begin(t: TestApp, me: Person): Promise<number> {
  const response = await fetch(`${t.url}/api/uploads`, {
    method: "POST",
    headers: {
      ...bearer(me),
      ...TUS,
      "upload-length": "1000",
      "upload-metadata": `media_type ${btoa("audio")}`,
    },
  });
  equal(response.status, 201);
  await response.body?.cancel();
  return Number(response.headers.get("location")!.split("/").at(-1));
}

async function makeCases(t: TestApp, { ann, bob, cat }: People): Promise<Case[]> {
  const add = async (me: Person) => await addMedia(t, me, fixture("opus.ogg"));
  const cases: Case[] = [
    { what: "unsent", id: await add(ann), readers: ["ann"] },
    { what: "unsent", id: await add(cat), readers: ["cat"] },
    { what: "sent by Ann to Bob", id: await add(ann), readers: ["ann", "bob"] },
    { what: "sent by Bob to Cat", id: await add(bob), readers: ["bob", "cat"] },
    { what: "sent by Ann to Bob and on to Cat", id: await add(ann), readers: ["ann", "bob", "cat"] },
    { what: "still on its way", id: await begin(t, ann), readers: [] },
    { what: "missing", id: 1, readers: [] },
  ];
  await sendMedia(t, [ann, bob], cases[2]!.id);
  await sendMedia(t, [bob, cat], cases[3]!.id);
  await sendMedia(t, [ann, bob], cases[4]!.id);
  await sendMedia(t, [bob, cat], cases[4]!.id);
  return cases;
}

/** Every person with all media, and a friend to whom this person could send them. */
function cells(people: People, cases: Case[]) {
  return PEOPLE.flatMap((name) =>
    cases.map((one) => ({
      ...one,
      me: people[name],
      peer: name === "bob" ? people.ann : people.bob,
      isReader: one.readers.includes(name),
      where: `${name}, ${one.what}`,
    }))
  );
}

Deno.test("media are readable by the uploader and the two people of any message that carries them; for others they are missing", () =>
  withPeople(async (t, people) => {
    for (const { id, me, peer, isReader, where } of cells(people, await makeCases(t, people))) {
      for (const [name, way] of Object.entries(READS)) {
        const seen = await ask(t, way(id, me, peer));
        if (isReader) {
          equal(seen.status, STATUSES[name] ?? 200, `${name}, ${where}`);
        } else {
          equal(seen.status, 404, `${name}, ${where}`);
          deepEqual(seen, await ask(t, way(2, me, peer)), `${name}, ${where}`);
        }
      }
    }
  }));

Deno.test("nobody can send media that they may not see: those are refused like media that never existed", () =>
  withPeople(async (t, people) => {
    const cases = await makeCases(t, people);
    const [before] = await t.sql`select count(*)::int as count from messages`;
    for (const { id, me, peer, where } of cells(people, cases).filter(({ isReader }) => !isReader)) {
      for (const kind of ["audio", "video"] as const) {
        const seen = await ask(t, attach(kind)(id, me, peer));
        equal(seen.status, 400, where);
        equal(JSON.parse(seen.text).code, "invalid_media");
        deepEqual(seen, await ask(t, attach(kind)(2, me, peer)), where);
      }
    }
    deepEqual((await t.sql`select count(*)::int as count from messages`)[0], before);
  }));

Deno.test("refusing somebody who may not see media costs the same, however many messages carry them", () =>
  withPeople(async (t, { ann, bob, cat }) => {
    const id = await addMedia(t, cat, fixture("opus.ogg"));
    await sendMedia(t, [cat, bob], id);
    await t.sql`
      insert into messages (conversation_id, id, sender_id, type, body, media_id, created_at)
      select conversation_id, nextval('message_ids'), sender_id, type, body, media_id, created_at
      from messages, generate_series(1, 3000)
      where media_id = ${id}`;
    await t.sql`analyze`;
    const [pair] = await t.sql<{ conversation_id: number; sender_id: number; peer_id: number }[]>`
      select conversation_id, owner_id as sender_id, peer_id
      from contacts
      join users on users.id = owner_id
      where phone_number = ${ann.phone}`;
    const draft: Draft = {
      ...pair!,
      message_type: "audio",
      message: "",
      media_content_id: id,
      client_id: null,
      announcement: "[",
    };
    await t.sql.begin(async (sql) => {
      equal(await findReadable(sql, id, draft.sender_id), null);
      const [outcome] = await storeDrafts(sql, [draft], { now: new Date(), origin: "" });
      equal(outcome!.media, null);
      const [read] = await sql<{ rows: number; scans: number }[]>`
        select (seq_tup_read + idx_tup_fetch)::int as rows, idx_scan::int as scans
        from pg_stat_xact_user_tables
        where relname = 'messages'`;
      ok(read!.scans > 0 && read!.rows < 10, `${read!.rows} messages read in ${read!.scans} scans`);
    });
  }));

Deno.test("an upload is its uploader's alone: for others it is missing, even if they may see the media", () =>
  withPeople(async (t, people) => {
    const cases = await makeCases(t, people);
    const owners: Record<number, Person> = {};
    for (
      const { id, owner } of await t.sql<{ id: number; owner: string }[]>`
      select media.id, phone_number as owner
      from media
      join users on users.id = owner_id`
    ) {
      owners[id] = Object.values(people).find(({ phone }) => phone === owner)!;
    }
    for (const { id, me, peer, where } of cells(people, cases).filter(({ id, me }) => owners[id] !== me)) {
      for (const [name, way] of Object.entries(UPLOADS)) {
        const seen = await ask(t, way(id, me, peer));
        equal(seen.status, 404, `${name}, ${where}`);
        deepEqual(seen, await ask(t, way(2, me, peer)), `${name}, ${where}`);
      }
    }
    const [left] = await t.sql`select count(*)::int as count from media`;
    deepEqual(left, { count: cases.length - 1 });
  }));

Deno.test("nobody can play or send an unfinished upload, not even its uploader", () =>
  withPeople(async (t, { ann, bob }) => {
    const id = await begin(t, ann);
    for (const way of Object.values(READS)) equal((await ask(t, way(id, ann, bob))).status, 404);
    const answer = await t.send(ann, bob, "", { message_type: "audio", media_content_id: id });
    refused(answer, 400, "invalid_media");
    equal(answer.body.issues[0].path, "media_content_id");
  }));

Deno.test("media that two people sent each other stay readable to them after they deleted each other, and to nobody else", () =>
  withPeople(async (t, { ann, bob, cat }) => {
    const id = await addMedia(t, ann, fixture("opus.ogg"));
    await sendMedia(t, [ann, bob], id);
    for (const [me, peer] of [[ann, bob], [bob, ann]] as const) {
      const json = { phone_number: peer.phone };
      succeeded(await t.call("PUT", "/api/contacts/delete", { token: me.token, json }));
    }
    for (const [me, status] of [[ann, 200], [bob, 200], [cat, 404]] as const) {
      equal((await ask(t, READS["by path"]!(id, me, bob))).status, status);
    }
    equal((await ask(t, ["GET", await signedPath(t, bob, id)])).status, 200);
  }));

Deno.test("a refused send gives no access: its receiver may not see the media", () =>
  withPeople(async (t, { ann, bob, cat }) => {
    const id = await addMedia(t, ann, fixture("opus.ogg"));
    const media = { message_type: "audio", media_content_id: id };
    refused(await t.send(ann, cat, "", media), 404, "recipient_not_found");
    refused(await t.send(ann, bob, "", { ...media, message_type: "video" }), 400, "invalid_media");
    for (const me of [bob, cat]) equal((await ask(t, READS["by path"]!(id, me, ann))).status, 404);
  }));

Deno.test("a session that has ended plays nothing, by header or by ?token=", () =>
  withPeople(async (t, { ann, bob }) => {
    const id = await addMedia(t, ann, fixture("opus.ogg"));
    equal((await ask(t, READS["by path"]!(id, ann, bob))).status, 200);
    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    for (const way of Object.values(READS)) equal((await ask(t, way(id, ann, bob))).status, 401);
  }));
