// The cache of the newest page of a thread: the page never differs from what the database has.

import fc from "fast-check";
import { openDatabase } from "../db/connection/database.ts";
import { createNewest } from "../services/messages/newest.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { createTestDatabase } from "./database.ts";
import { put } from "./mark_calls.ts";
import { addMedia, makeWav, sendMedia } from "./media_calls.ts";
import { startStatementTap } from "./statement_tap.ts";
import {
  ANN,
  BOB,
  CAT,
  friends,
  type Person,
  succeeded,
  type TestApp,
  withApp,
  withTwoApps,
} from "./support.ts";

type Step =
  | { does: "send"; at: number; who: number; times: number }
  | { does: "play"; at: number; who: number }
  | { does: "sendVoice"; at: number; who: number }
  | { does: "readAll"; at: number; who: number }
  | { does: "read"; at: number; who: number; count: number };

const at = fc.nat({ max: 1 });
const who = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant("send" as const), at, who, times: fc.constantFrom(1, 2, 9) }),
  fc.record({ does: fc.constant("play" as const), at, who }),
  fc.record({ does: fc.constant("sendVoice" as const), at, who }),
  fc.record({ does: fc.constant("readAll" as const), at, who }),
  fc.record({ does: fc.constant("read" as const), at, who, count: fc.constantFrom(1, 3, 10, 100, 255) }),
);

const ABOVE_ALL = Number.MAX_SAFE_INTEGER;

function newest(t: TestApp, me: Person, peer: string, query: string) {
  return t.call("GET", `/api/messages/${peer}?${query}`, { token: me.token });
}

async function play(t: TestApp, me: Person, peer: string): Promise<void> {
  const { body } = await newest(t, me, peer, `count=255&before=${ABOVE_ALL}`);
  const voice = body.messages.find((message: Record<string, unknown>) =>
    message.sender === peer && message.message_type === "audio" && message.status !== "seen"
  );
  if (voice) succeeded(await put(t, "read", me, { message_id: voice.id }));
}

Deno.test("the newest page equals a page before a later id, whatever was sent, read and played at either process", () =>
  withTwoApps(async (one, two) => {
    const apps = [one, two];
    const people = await friends(one);
    const voices = await Promise.all(people.map((person) => addMedia(one, person, makeWav(2_000))));

    const take = async (step: Step): Promise<void> => {
      const [t, me, peer] = [apps[step.at]!, people[step.who]!, people[1 - step.who]!];
      if (step.does === "send") {
        for (let time = 0; time < step.times; time++) succeeded(await t.send(me, peer, `text ${time}`));
      } else if (step.does === "sendVoice") await sendMedia(t, [me, peer], voices[step.who]!);
      else if (step.does === "play") await play(t, me, peer.phone);
      else if (step.does === "readAll") {
        succeeded(await put(t, "read_all_text", me, { phone_number: peer.phone }));
      } else {
        // The cached page is read first, so that the uncached read has no effect on it.
        const kept = await newest(t, me, peer.phone, `count=${step.count}`);
        const read = await newest(t, me, peer.phone, `count=${step.count}&before=${ABOVE_ALL}`);
        deepEqual(kept.body, read.body);
      }
    };

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        for (const step of steps) await take(step);
        for (const who of [0, 1]) await take({ does: "read", at: 0, who, count: 100 });
      }),
      { numRuns: 12 },
    );
  }));

Deno.test("a cached page is the newest, even after more new messages than the longest page has", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "first"));
    succeeded(await newest(t, bob, ANN, "count=2"));
    await Promise.all(Array.from({ length: 256 }, () => t.send(ann, bob, "between")));
    succeeded(await t.send(ann, bob, "last"));
    const { body } = await newest(t, bob, ANN, "count=2");
    deepEqual(body.messages.map(({ message }: { message: string }) => message), ["last", "between"]);
  }));

Deno.test("a page that is requested again shows later reads by either of the two", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "hello"));
    const shown = async (me: Person, peer: string) => {
      const { body } = await newest(t, me, peer, "count=10");
      return body.messages.map(({ status }: { status: string }) => status);
    };
    deepEqual(await shown(ann, BOB), ["created"]);
    deepEqual(await shown(bob, ANN), ["delivered"]);
    deepEqual(await shown(ann, BOB), ["delivered"]);

    succeeded(await put(t, "read_all_text", bob, { phone_number: ANN }));
    deepEqual([await shown(bob, ANN), await shown(ann, BOB)], [["seen"], ["seen"]]);
  }));

Deno.test("a page that was read recently is read from the messages again only as far as there are newer ones", async () => {
  const database = await createTestDatabase();
  const tap = startStatementTap(database);
  try {
    await withApp(async (t) => {
      const [ann, bob] = await friends(t);
      for (let time = 0; time < 5; time++) succeeded(await t.send(ann, bob, `${time}`));
      const ofMessages = async () =>
        (await tap.during(async () => succeeded(await newest(t, ann, BOB, "count=3"))))
          .filter((statement) => statement.includes("from messages"));

      equal((await ofMessages()).length, 1);
      deepEqual(await ofMessages(), []);
      succeeded(await t.send(bob, ann, "and another"));
      const [since, ...others] = await ofMessages();
      ok(since!.includes("m.id > "));
      deepEqual(others, []);
      deepEqual(await ofMessages(), []);
    }, { database: tap.database });
  } finally {
    tap.close();
    await database.drop();
  }
});

Deno.test("newest.read() keeps the threads that were read last, within its limit of bytes", () =>
  withApp(async (t) => {
    const [ann] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    for (const peer of [BOB, CAT]) {
      succeeded(await t.send(ann, { phone: peer, token: "" }, "x".repeat(1_000)));
    }
    const threads = await t.sql<{ id: number; newest_id: number }[]>`
      select id, greatest(low_sent_id, high_sent_id) as newest_id
      from conversations
      order by id`;
    const database = openDatabase(t.database.address, { max: 1 });
    let reads = 0;
    const counted: typeof database = {
      ...database,
      run: (work) => {
        reads += 1;
        return database.run(work);
      },
    };
    const readInTurn = async (bytesMax: number) => {
      const newest = createNewest({ database: counted, bytesMax });
      reads = 0;
      for (const { id, newest_id } of [...threads, ...threads]) {
        equal((await newest.read(id, newest_id, 10)).rows[0]!.id, newest_id);
      }
      return reads;
    };
    try {
      equal(await readInTurn(20_000), 2);
      equal(await readInTurn(10_000), 4);
    } finally {
      await database.close();
    }
  }));

Deno.test("the newest page of a thread stays readable after the friend deleted the reader, and is 404 for a number not on the list", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(ann, bob, "hello"));
    const before = await newest(t, ann, BOB, "count=10");
    succeeded(
      await t.call("PUT", "/api/contacts/delete", { token: bob.token, json: { phone_number: ANN } }),
    );
    deepEqual((await newest(t, ann, BOB, "count=10")).body, before.body);
    equal((await newest(t, ann, CAT, "count=10")).body.code, "contact_not_found");
  }));

for (
  const [format, spelt] of [["e164", (phone: string) => phone], [
    "digits",
    (phone: string) => phone.slice(1),
  ]] as const
) {
  Deno.test(`a page that is read again is identical, and has only the client_id of its reader: ${format}`, () =>
    withApp(async (t) => {
      const [ann, bob] = await friends(t);
      succeeded(await t.send(ann, bob, "from Ann", { client_id: "of-ann" }));
      succeeded(await t.send(bob, ann, "from Bob", { client_id: "of-bob" }));
      for (const [me, peer, own] of [[ann, bob, "of-ann"], [bob, ann, "of-bob"]] as const) {
        const pages = [];
        for (let time = 0; time < 4; time++) pages.push((await newest(t, me, peer.phone, "count=10")).body);
        // The first page of each is made, the others are cached.
        const [page, ...others] = pages.slice(1);
        deepEqual(others, [page, page]);
        deepEqual(page.messages.map(({ client_id }: { client_id?: string }) => client_id ?? "").toSorted(), [
          "",
          own,
        ]);
        ok(
          page.messages.every(({ sender }: { sender: string }) =>
            [me, peer].some(({ phone }) => spelt(phone) === sender)
          ),
        );
      }
    }, { env: { PHONE_WIRE_FORMAT: format } }));
}

Deno.test("a page does not show messages that the database lost in an outage", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    for (const text of ["kept", "lost", "lost too"]) succeeded(await t.send(ann, bob, text));
    const all = (await newest(t, ann, BOB, "count=10")).body.messages.map(({ id }: { id: number }) => id);
    await t.sql`delete from messages where id > ${all.at(-1)}`;
    await t.sql`update conversations set low_sent_id = ${all.at(-1)}, high_sent_id = 0`;
    await t.services.fromOthers.onGap(0);
    succeeded(await t.send(bob, ann, "new"));

    const { body } = await newest(t, ann, BOB, "count=10");
    deepEqual(body.messages.map(({ message }: { message: string }) => message), ["new", "kept"]);
  }));
