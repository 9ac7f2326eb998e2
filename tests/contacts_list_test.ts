import { listContacts } from "../db/contacts.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { change, listOf, statuses } from "./contact_calls.ts";
import { ANN, BOB, CAT, friends, type Person, refused, succeeded, type TestApp, withApp } from "./support.ts";

const phonesOf = (list: { phone_number: string }[]) => list.map(({ phone_number }) => phone_number);

async function one(t: TestApp, me: Person, spelling: string) {
  const answer = await t.call("GET", `/api/contacts/${spelling}`, { token: me.token });
  succeeded(answer);
  return answer.body.contacts;
}

Deno.test("the list is empty at first, and closed to callers without a token", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    deepEqual(await listOf(t, ann), []);
    refused(await t.call("GET", "/api/contacts"), 401, "unauthenticated");
    refused(await t.call("GET", `/api/contacts/${BOB}`), 401, "unauthenticated");
    refused(await t.call("GET", "/api/contacts/nobody"), 401, "unauthenticated");
  }));

Deno.test("the list is ordered by last_touch_at, newest first, and by number where that is equal", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const ann = await t.signUp(ANN);
    const [early, equalOnes, late] = [
      "+4915112345678",
      ["+14155550190", "+14155550170", "+14155550180"],
      CAT,
    ];
    await change(t, "request", ann, early);
    t.clock.advance(1);
    for (const phone of equalOnes) await change(t, "request", ann, phone);
    t.clock.advance(1);
    await change(t, "request", ann, late);
    deepEqual(phonesOf(await listOf(t, ann)), [late, ...equalOnes.toSorted(), early]);
  }));

Deno.test("last_touch_at is when a contact last changed in my view, and a rename does not count", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const touches = async () =>
      (await Promise.all([listOf(t, ann), listOf(t, bob)])).map(([row]) => row!.last_touch_at);

    await change(t, "request", ann, BOB);
    const asked = t.clock.now().toISOString();
    deepEqual(await touches(), [asked, asked]);
    t.clock.advance(1_000);
    succeeded(await change(t, "update", ann, BOB, { display_name: "Bo" }));
    succeeded(await change(t, "update", bob, ANN, { display_name: "An" }));
    deepEqual(await touches(), [asked, asked]);

    succeeded(await change(t, "delete", bob, ANN));
    const declined = t.clock.now().toISOString();
    deepEqual(await touches(), [asked, declined]);
    t.clock.advance(1_000);
    succeeded(await change(t, "delete", bob, ANN));
    refused(await change(t, "request", ann, BOB), 409, "already_requested");
    deepEqual(await touches(), [asked, declined]);

    succeeded(await change(t, "request", bob, ANN));
    const accepted = t.clock.now().toISOString();
    deepEqual(await touches(), [accepted, accepted]);
  }));

Deno.test("last_touch_at moves with a message, for both, and brings the contact to the top", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob, cat] = [await t.signUp(ANN), await t.signUp(BOB), await t.signUp(CAT)];
    await t.befriend(ann, bob);
    t.clock.advance(1_000);
    await t.befriend(ann, cat);
    deepEqual(phonesOf(await listOf(t, ann)), [CAT, BOB]);
    t.clock.advance(1_000);
    succeeded(await t.send(bob, ann, "Hello"));
    const said = t.clock.now().toISOString();
    const [first, second] = await listOf(t, ann);
    deepEqual([first!.phone_number, first!.last_touch_at, first!.unread_messages], [BOB, said, 1]);
    deepEqual([second!.phone_number, second!.unread_messages], [CAT, 0]);
    equal((await listOf(t, bob))[0]!.last_touch_at, said);
    equal((await listOf(t, bob))[0]!.unread_messages, 0);
  }));

Deno.test("unread messages are counted up to 9,999, and a list costs no more however many there are", () =>
  withApp(async (t) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(bob, ann, "Hello"));
    await t.sql`
      insert into messages (conversation_id, id, sender_id, type, body, created_at)
      select conversation_id, nextval('message_ids'), sender_id, type, body, created_at
      from messages, generate_series(1, 30000)`;
    await t.sql`analyze messages`;
    equal((await listOf(t, ann))[0]!.unread_messages, 9_999);

    await t.sql.begin(async (sql) => {
      const [me] = await sql<{ id: number }[]>`select id from users where phone_number = ${ann.phone}`;
      await listContacts(sql, [me!.id]);
      const [read] = await sql<{ rows: number }[]>`
        select (seq_tup_read + idx_tup_fetch)::int as rows
        from pg_stat_xact_user_tables
        where relname = 'messages'`;
      ok(read!.rows >= 9_999 && read!.rows < 11_000, `${read!.rows} messages read`);
    });
    await t.sql`delete from messages where id > (select min(id) + 2 from messages)`;
    equal((await listOf(t, ann))[0]!.unread_messages, 3);
  }));

Deno.test("last_touch_at moves with a change of the contact that comes after a message", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = await friends(t);
    succeeded(await t.send(bob, ann, "Hello"));
    t.clock.advance(5_000);
    succeeded(await change(t, "delete", ann, BOB));
    const changed = t.clock.now().toISOString();
    for (const me of [ann, bob]) equal((await listOf(t, me))[0]!.last_touch_at, changed);
  }));

Deno.test("last_touch_at does not go back when a change of the contact is dated before a message", () =>
  withApp(async (t) => {
    t.clock.freeze();
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    await t.befriend(ann, bob);
    t.clock.advance(5_000);
    succeeded(await t.send(bob, ann, "Hello"));
    const said = t.clock.now().toISOString();
    t.clock.advance(-2_000);
    succeeded(await change(t, "delete", ann, BOB));
    equal((await listOf(t, ann))[0]!.last_touch_at, said);
  }));

Deno.test("?status= lists the contacts of one status, and refuses an unknown status", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const people = {
      requesting: "+14155550191",
      requested: "+14155550192",
      accepted: "+14155550193",
      blocked: "+14155550194",
      deleted: "+14155550195",
    };
    const signedUp = async (phone: string) => await t.signUp(phone);
    await change(t, "request", ann, people.requesting);
    await change(t, "request", await signedUp(people.requested), ANN);
    await t.befriend(ann, await signedUp(people.accepted));
    const gone = await signedUp(people.blocked);
    await t.befriend(ann, gone);
    await change(t, "delete", gone, ANN);
    await change(t, "request", await signedUp(people.deleted), ANN);
    await change(t, "delete", ann, people.deleted);

    for (const [status, phone] of Object.entries(people)) {
      const list = await listOf(t, ann, `?status=${status}&color=red`);
      deepEqual(list.map((row) => [row.phone_number, row.status]), [[phone, status]]);
    }
    equal((await listOf(t, ann)).length, 5);
    for (const status of ["friend", "ACCEPTED", "", "none"]) {
      const { token } = ann;
      refused(await t.call("GET", `/api/contacts?status=${status}`, { token }), 400, "invalid_input");
    }
  }));

Deno.test("one contact is found by any spelling of the number, and an unknown number is an empty list", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await change(t, "request", ann, BOB, { display_name: "Bo" });
    await change(t, "request", ann, CAT);
    const spellings = [
      "+14155550102",
      "%2B14155550102",
      "%2b14155550102",
      "0014155550102",
      "14155550102",
      "%2014155550102",
      "+1-415-555-0102",
      "+1.415.555.0102",
      "1%20(415)%20555-0102",
    ];
    const [row] = (await listOf(t, ann)).filter(({ phone_number }) => phone_number === BOB);
    for (const spelling of spellings) deepEqual(await one(t, ann, spelling), [row], spelling);
    deepEqual(await one(t, ann, "+14155550199"), []);
    deepEqual(await one(t, ann, ANN), []);
    await change(t, "delete", ann, BOB);
    deepEqual(await one(t, ann, BOB), []);
  }));

Deno.test("one contact is 400 if the path is no number", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const spellings = [
      "bob",
      "12345",
      "%2B%2B14155550102",
      "+04155550102",
      "requests",
      "%00",
      "%FF",
      "%F0%9F%90%A7",
    ];
    for (const spelling of spellings) {
      refused(await t.call("GET", `/api/contacts/${spelling}`, { token }), 400, "invalid_phone_number");
    }
  }));

Deno.test("bodies may spell a number in any way, and answers always have the same form", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    succeeded(await change(t, "request", ann, " 1 (415) 555-0102"));
    refused(await change(t, "request", ann, "0014155550102"), 409, "already_requested");
    succeeded(await change(t, "accept", bob, "1.415.555.0101"));
    succeeded(await change(t, "update", ann, "14155550102", { display_name: "Bo" }));
    deepEqual(await statuses(t, ann), { [BOB]: "accepted" });
    succeeded(await change(t, "delete", ann, "+1 415-555-0102"));
    deepEqual(await statuses(t, ann), { [BOB]: "deleted" });
  }));

Deno.test("PHONE_WIRE_FORMAT=digits drops the plus sign from lists; numbers are read with it or without", () =>
  withApp(async (t) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const digits = BOB.slice(1);
    const asked = await change(t, "request", ann, digits);
    deepEqual(phonesOf(asked.body.contacts), [digits]);
    deepEqual(phonesOf(await listOf(t, ann)), [digits]);
    deepEqual(phonesOf(await one(t, ann, digits)), [digits]);
    deepEqual(phonesOf(await one(t, ann, "%2B14155550102")), [digits]);
    deepEqual(await statuses(t, bob), { [ANN.slice(1)]: "requested" });
  }, { env: { PHONE_WIRE_FORMAT: "digits" } }));

Deno.test("times are ISO 8601 in UTC with milliseconds", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await change(t, "request", ann, BOB);
    match((await listOf(t, ann))[0]!.last_touch_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }));
