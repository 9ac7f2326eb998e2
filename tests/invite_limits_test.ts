// Each limit of invitations at its boundary. Only the carrier can tell that an SMS was withheld: invite()
// asserts each time that the inviter sees plain `requesting`.

import { deepEqual, equal, ok } from "./assert.ts";

import { connect } from "../db/connection/database.ts";
import { change } from "./contact_calls.ts";
import {
  invitations,
  invite,
  inviteAgain,
  inviters,
  invitesOf,
  inviteStatuses,
  join,
  linkToken,
  numbers,
  withInvites,
} from "./invite_calls.ts";
import { untilWaiting } from "./locks.ts";
import { DAY_MS } from "./passcode_calls.ts";
import { ANN, BOB, CAT, eventually, type Person, refused, succeeded, type TestApp } from "./support.ts";
import type { TwilioDouble } from "./twilio_double.ts";

const WEEK_MS = 7 * DAY_MS;
const LANDLINE = "+442071838750";
const MOBILE = "+447400123456";

async function twoInviters(t: TestApp, twilio: TwilioDouble): Promise<[Person, Person]> {
  return [await join(t, twilio, ANN), await join(t, twilio, BOB)];
}

function tellCarrier(t: TestApp, phone: string): Promise<unknown> {
  return t.sql`
    insert into suppressions (phone_number, reason, created_at)
    values (${phone}, 'carrier_stop', now())`;
}

Deno.test("a number gets one SMS in seven days, from all inviters together", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const [ann, bob] = await twoInviters(t, twilio);
    await invite(t, ann, CAT);
    await invite(t, bob, CAT);
    t.clock.advance(WEEK_MS - 1);
    for (const me of [ann, bob]) await inviteAgain(t, me, CAT);
    equal(invitations(twilio, CAT).length, 1);

    t.clock.advance(1);
    await inviteAgain(t, bob, CAT);
    equal(invitations(twilio, CAT).length, 2);
  }));

Deno.test("a number gets three SMS ever, from all inviters together", () =>
  withInvites(async (t, twilio) => {
    const people = await inviters(t, twilio, 5);
    for (const me of people) {
      await invite(t, me, CAT);
      t.clock.advance(WEEK_MS);
    }
    equal(invitations(twilio, CAT).length, 3);
    t.clock.advance(300 * DAY_MS);
    const late = await join(t, twilio, ANN);
    await invite(t, late, CAT);
    equal(invitations(twilio, CAT).length, 3);
  }));

Deno.test("an inviter has ten invitations in a day, and each is available again a day after it was sent", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const ann = await join(t, twilio, ANN);
    const phones = numbers(13);
    await invite(t, ann, phones[0]!);
    t.clock.advance(1);
    for (const phone of phones.slice(1, 11)) await invite(t, ann, phone);
    equal(invitations(twilio).length, 10);
    deepEqual((await invitesOf(t, ann)).remaining_today, 0);

    t.clock.advance(DAY_MS - 2);
    await invite(t, ann, phones[11]!);
    equal(invitations(twilio).length, 10);
    t.clock.advance(1);
    equal((await invitesOf(t, ann)).remaining_today, 1);
    await inviteAgain(t, ann, phones[11]!);
    await invite(t, ann, phones[12]!);
    equal(invitations(twilio).length, 11);
  }));

Deno.test("invitations beyond the day's ten do not use up the next day's", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const ann = await join(t, twilio, ANN);
    const phones = numbers(20);
    for (const phone of phones.slice(0, 15)) await invite(t, ann, phone);
    t.clock.advance(DAY_MS - 1);
    for (const phone of phones.slice(15)) await invite(t, ann, phone);
    for (const phone of phones.slice(15)) await inviteAgain(t, ann, phone);

    t.clock.advance(1);
    deepEqual([(await invitesOf(t, ann)).remaining_today, invitations(twilio).length], [10, 10]);
    // One entry per number, however often it was invited in vain.
    equal((await invitesOf(t, ann)).invites.length, 20);
  }));

Deno.test("many inviters of one number at once send one SMS, and every one of them sees the same", () =>
  withInvites(async (t, twilio) => {
    const people = await inviters(t, twilio, 8);
    await Promise.all(people.map((me) => invite(t, me, CAT)));

    equal(invitations(twilio).length, 1);
    for (const me of people) {
      deepEqual([await inviteStatuses(t, me), (await invitesOf(t, me)).remaining_today], [
        { [CAT]: "sent" },
        9,
      ]);
    }
  }));

Deno.test("several inviters of the same numbers at once keep every limit exactly", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const people = await inviters(t, twilio, 3);
    const phones = numbers(12);
    // In opposite orders, so that locks are requested crosswise.
    const asks = people.flatMap((me, nth) =>
      phones.map((_, place) => invite(t, me, phones[nth % 2 === 0 ? place : 11 - place]!))
    );
    await Promise.all(asks);

    const sent = invitations(twilio).map(({ to }) => to);
    equal(new Set(sent).size, sent.length, "A number got two");
    const [row] = await t.sql<{ most: number; ten: boolean }[]>`
      select max(count) as most, bool_and(count = 10) as ten
      from (select count(*) from invites where sms <> 'over' group by inviter_id) as by_inviter`;
    deepEqual({ ...row }, { most: 10, ten: true });
    deepEqual(t.log.filter((line) => line.includes("Invitation failed")), []);
  }));

Deno.test("an invitation that waits for a lock for longer than one statement may is sent all the same", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const other = connect(t.database.address, { max: 1 });
    await other.unsafe("begin");
    await other`select id from users where phone_number = ${ANN} for share`;
    const invited = invite(t, ann, CAT);
    /** The statements that wait for the lock. */
    const waiting = () =>
      t.sql<{ query_start: Date }[]>`
        select query_start
        from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
    await eventually(async () => (await waiting()).length === 1);
    const [first] = await waiting();
    await eventually(async () =>
      (await waiting()).some(({ query_start }) => query_start > first!.query_start)
    );
    await other.end({ timeout: 1 });
    await invited;
    equal(invitations(twilio, CAT).length, 1);
  }));

Deno.test("one inviter who invites twenty numbers at once sends ten SMS", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await Promise.all(numbers(20).map((phone) => invite(t, ann, phone)));

    equal(invitations(twilio).length, 10);
  }));

Deno.test("several people who invite one number at once, a week after they invited it before, send one SMS", () =>
  withInvites(async (t, twilio) => {
    const people = await inviters(t, twilio, 4);
    for (const me of people) await invite(t, me, CAT);
    t.clock.advance(WEEK_MS);
    await Promise.all(people.map((me) => inviteAgain(t, me, CAT)));

    equal(invitations(twilio, CAT).length, 2);
  }));

Deno.test("never invite me again stops every invitation to the number, and no passcode", () =>
  withInvites(async (t, twilio) => {
    const [ann, bob] = await twoInviters(t, twilio);
    await invite(t, ann, CAT);
    const token = linkToken(invitations(twilio)[0]!);
    equal(await t.services.invites.neverAgain(token), true);
    equal(await t.services.invites.neverAgain(token), true);
    equal(await t.services.invites.neverAgain("nonsense"), false);
    t.clock.advance(WEEK_MS);
    await invite(t, bob, CAT);
    await inviteAgain(t, ann, CAT);

    equal(invitations(twilio, CAT).length, 1);
    deepEqual([await inviteStatuses(t, bob), (await invitesOf(t, bob)).remaining_today], [
      { [CAT]: "sent" },
      9,
    ]);
    await join(t, twilio, CAT);
  }));

Deno.test("a carrier's STOP stops invitations and passcodes alike", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await tellCarrier(t, CAT);
    await invite(t, ann, CAT);

    deepEqual(invitations(twilio), []);
    deepEqual(await inviteStatuses(t, ann), { [CAT]: "sent" });
    const json = { phone_number: CAT };
    refused(await t.call("POST", "/api/auth/signup", { json }), 403, "sms_opted_out");
  }));

Deno.test("a STOP that the provider answers with is stored, and looks like a sent invitation", () =>
  withInvites(async (t, twilio) => {
    const [ann, bob] = await twoInviters(t, twilio);
    twilio.answer({ status: 400, code: 21610 });
    await invite(t, ann, CAT);
    await invite(t, bob, CAT);

    equal(invitations(twilio).length, 1);
    for (const me of [ann, bob]) {
      deepEqual([await inviteStatuses(t, me), (await invitesOf(t, me)).remaining_today], [
        { [CAT]: "sent" },
        9,
      ]);
    }
    const json = { phone_number: CAT };
    refused(await t.call("POST", "/api/auth/signup", { json }), 403, "sms_opted_out");
  }));

Deno.test("no SMS goes to another country, outside every numbering plan, to premium or shared-cost numbers or landlines", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const withheld = [LANDLINE, "+9991234567", "+449012345678", "+491801234567"];
    for (const phone of withheld) await invite(t, ann, phone);
    deepEqual(invitations(twilio), []);
    await invite(t, ann, MOBILE);

    deepEqual(invitations(twilio).map(({ to }) => to), [MOBILE]);
    ok(Object.values(await inviteStatuses(t, ann)).every((status) => status === "sent"));
  }, { SMS_COUNTRIES: "US,GB,DE" }));

Deno.test("a country that SMS_COUNTRIES does not name gets no invitation", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, MOBILE);
    await invite(t, ann, BOB);

    deepEqual(invitations(twilio).map(({ to }) => to), [BOB]);
  }));

Deno.test("somebody who joined between a request and its invitation gets no SMS", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await join(t, twilio, BOB);
    const me = await t.services.sessions.authenticate(ann.token);

    equal(await t.services.invites.invite(me, BOB as never, "192.0.2.1"), null);
    deepEqual([invitations(twilio), (await invitesOf(t, ann)).invites], [[], []]);
    succeeded(await change(t, "request", ann, BOB));
  }));

Deno.test("somebody who joins while an invitation waits for their signup gets no SMS", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await t.sql`insert into users (phone_number, status, created_at) values (${BOB}, 'invited', now())`;
    const me = await t.services.sessions.authenticate(ann.token);
    let invited: Promise<unknown>;
    await t.sql.begin(async (sql) => {
      await sql`update users set status = 'active' where phone_number = ${BOB}`;
      invited = t.services.invites.invite(me, BOB as never, "192.0.2.1");
      await untilWaiting(t);
    });
    await invited!;
    deepEqual(invitations(twilio), []);
    deepEqual([...await t.sql`select from invites`], []);
  }));
