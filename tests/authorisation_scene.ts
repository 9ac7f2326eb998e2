// Three people and everything of theirs: Ann and Bob are friends, Bob and Cat are friends, Ann and Cat are
// strangers.

import { equal } from "./assert.ts";

import { addMedia, sendMedia } from "./media_calls.ts";
import { currentId } from "./session_calls.ts";
import { ANN, type Answer, type Ask, BOB, CAT, type Person, succeeded, type TestApp } from "./support.ts";
import { begin, idOf } from "./tus_calls.ts";
import { wav } from "./upload_calls.ts";

export const NAMES = ["ann", "bob", "cat"] as const;
export type Name = typeof NAMES[number];

export type Kind = "number" | "session" | "message" | "media" | "upload";

export interface Thing {
  value: string | number;
  /** The owner: the receiver of a message, the holder of a number. */
  owner: Name;
  /** Who else may see it: the sender of a message, or both people of a message that carries the media. */
  others: readonly Name[];
}

export interface Scene {
  t: TestApp;
  people: Record<Name, Person>;
  things: Record<Kind, Thing[]>;
  /** Strings that a person may never see, because they belong to the others alone. */
  secretsFrom: Record<Name, string[]>;
}

/** Well-formed values that refer to nothing. */
export const MISSING: Record<Kind, string | number> = {
  number: "+14155550177",
  session: "AAAAAAAAAAAAAAAAAAAAAA",
  message: 4_711,
  media: 4_711,
  upload: 4_711,
};

export function isFriend(me: Name, peer: Name): boolean {
  return me !== peer && (me === "bob" || peer === "bob");
}

/** A friend of this person. */
export function friendOf(me: Name): Name {
  return me === "bob" ? "ann" : "bob";
}

export async function setScene(t: TestApp): Promise<Scene> {
  const people = { ann: await t.signUp(ANN), bob: await t.signUp(BOB), cat: await t.signUp(CAT) };
  await t.befriend(people.ann, people.bob);
  await t.befriend(people.bob, people.cat);
  const things: Scene["things"] = { number: [], session: [], message: [], media: [], upload: [] };
  const add = (kind: Kind, value: string | number, owner: Name, others: readonly Name[] = []) =>
    things[kind].push({ value, owner, others });
  const secretsFrom: Scene["secretsFrom"] = { ann: [CAT], bob: [], cat: [ANN] };

  for (const name of NAMES) {
    const me = people[name];
    const strangers = NAMES.filter((other) => other !== name);
    const keep = (secret: string | number) =>
      strangers.forEach((other) => secretsFrom[other].push(String(secret)));
    add("number", me.phone, name);
    for (const token of [me.token, (await t.signIn(me.phone)).token]) {
      const id = await currentId(t, token);
      add("session", id, name);
      keep(id);
    }
    const unsent = await addMedia(t, me, wav(200));
    add("media", unsent, name);
    add("upload", unsent, name);
    keep(unsent);
    const begun = idOf(await begin(t, me, 1_000));
    add("upload", begun, name);
    keep(begun);
    const invited = `+1415555${7_000 + NAMES.indexOf(name)}`;
    const json = { phone_number: invited, display_name: `label of ${name}` };
    succeeded(await t.call("PUT", "/api/contacts/request", { token: me.token, json }));
    keep(invited);
    keep(`label of ${name}`);
  }
  for (const [from, to] of [["ann", "bob"], ["bob", "ann"], ["bob", "cat"], ["cat", "bob"]] as const) {
    const text = `from ${from} to ${to}`;
    const sent = await t.send(people[from], people[to], text);
    add("message", sent.body.messages[0].id, to, [from]);
    const media = await addMedia(t, people[from], wav(200));
    const { id } = await sendMedia(t, [people[from], people[to]], media);
    add("message", id, to, [from]);
    add("media", media, from, [to]);
    const stranger = NAMES.find((name) => name !== from && name !== to)!;
    secretsFrom[stranger].push(text, String(media));
  }
  return { t, people, things, secretsFrom };
}

/** Everything in an answer, without the request's id and the date. */
export function shown({ status, headers, body }: Answer, value: string | number): string {
  const kept = [...headers].filter(([name]) => name !== "x-request-id" && name !== "date");
  const text = JSON.stringify(body)?.replaceAll(body?.request_id ?? "-", "-").replaceAll(String(value), "*");
  return JSON.stringify([status, kept, text]);
}

/** All rows of all tables, without the times of last use. */
export async function everything(t: TestApp): Promise<string> {
  const tables = await t.sql<{ name: string }[]>`
    select table_name as name
    from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'migrations'
    order by 1`;
  equal(tables.length > 8, true);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      t.sql`select to_jsonb(one) - 'last_seen_at' as row from ${t.sql(name)} one order by 1`
    ),
  );
  return JSON.stringify(tables.map(({ name }, place) => [name, rows[place]]));
}

export type Call = Ask & { path: string };
