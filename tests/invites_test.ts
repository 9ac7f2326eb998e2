import { deepEqual, equal, match, notEqual, ok } from "./assert.ts";

import { change, statuses } from "./contact_calls.ts";
import {
  invitations,
  invite,
  inviteAgain,
  invitesOf,
  inviteStatuses,
  join,
  linkToken,
  numbers,
  PUBLIC_URL,
  withInvites,
} from "./invite_calls.ts";
import { DAY_MS } from "./passcode_calls.ts";
import { ANN, BOB, CAT, refused, succeeded, withApp } from "./support.ts";

Deno.test("a request to a number without an account sends one SMS with the sender, a link and how to opt out", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    const answer = await invite(t, ann, BOB);

    equal("invite" in answer.body, false);
    equal(invitations(twilio).length, 1);
    const [{ to, body } = { to: "", body: "" }] = invitations(twilio);
    equal(to, BOB);
    match(body, /^\+14155550101 .*https:\/\/talk\.example\/i\/[\w-]{22} .*STOP$/);
  }));

Deno.test("an invitation contains no text chosen by the inviter", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    succeeded(await change(t, "request", ann, BOB, { display_name: "You have won" }));

    equal(invitations(twilio)[0]!.body.includes("won"), false);
  }));

Deno.test("a link holds 128 random bits; the database has only their hash, and the log has nothing of them", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    for (const phone of [BOB, CAT]) await invite(t, ann, phone);
    const [one, two] = invitations(twilio).map(linkToken);

    notEqual(one, two);
    equal(Uint8Array.fromBase64(one!, { alphabet: "base64url" }).length, 16);
    const rows = await t.sql`select i.*, encode(token_hash, 'escape') as text from invites i`;
    for (const secret of [one!, BOB.slice(1)]) {
      equal(JSON.stringify(rows).includes(secret), false);
      equal(t.log.join("\n").includes(secret), false);
    }
  }));

Deno.test("a link identifies its two people for thirty days, and is still recognised once expired or used", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, BOB);
    const token = linkToken(invitations(twilio)[0]!);
    const people = { inviter: ANN, invitee: BOB };
    const find = () => t.services.invites.find(token);

    t.clock.advance(30 * DAY_MS - 1);
    deepEqual(await find(), { state: "open", people });
    t.clock.advance(1);
    deepEqual(await find(), { state: "expired", people });
    await join(t, twilio, BOB);
    deepEqual(await find(), { state: "used", people });
    for (const other of ["", "x", "\0", token.slice(1), `${token}A`]) {
      deepEqual(await t.services.invites.find(other), { state: "unknown", people: null });
    }
  }));

Deno.test("a request that is repeated, accepted, or made to somebody with an account sends nothing", () =>
  withInvites(async (t, twilio) => {
    const [ann, bob] = [await join(t, twilio, ANN), await join(t, twilio, BOB)];
    await invite(t, ann, CAT);
    // After this time no limit prevents another one.
    t.clock.advance(8 * DAY_MS);
    refused(await change(t, "request", ann, CAT), 409, "already_requested");
    succeeded(await change(t, "request", ann, BOB));
    succeeded(await change(t, "request", bob, ANN));

    deepEqual(invitations(twilio).map(({ to }) => to), [CAT]);
    equal((await invitesOf(t, ann)).invites.length, 1);
  }));

Deno.test("if the provider fails, the request is answered as usual, the failure is logged without the number, and no limit counts it", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    for (const [status, code] of [[500, 20500], [429, 20429], [400, 21614], [400, 21408]] as const) {
      twilio.answer({ status, code });
      if (code === 20500) await invite(t, ann, BOB);
      else await inviteAgain(t, ann, BOB);
      deepEqual(await inviteStatuses(t, ann), { [BOB]: "undelivered" });
      equal((await invitesOf(t, ann)).remaining_today, 10);
    }
    match(t.log.join("\n"), /"provider_code":20429/);
    for (const text of [BOB.slice(1), "/i/"]) equal(t.log.slice(-8).join("\n").includes(text), false);
    await inviteAgain(t, ann, BOB);

    equal(invitations(twilio, BOB).length, 5);
    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent" });
  }));

Deno.test("an invitation that may or may not have been sent counts as sent", () =>
  withInvites(async (t, twilio) => {
    const [ann, cat] = [await join(t, twilio, ANN), await join(t, twilio, CAT)];
    twilio.answer(() => new Response("<h1>It works!</h1>"));
    await invite(t, ann, BOB);
    await invite(t, cat, BOB);
    await inviteAgain(t, ann, BOB);
    equal(invitations(twilio, BOB).length, 1);
    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent" });
    equal((await invitesOf(t, ann)).remaining_today, 8);
  }));

Deno.test("an invitation that is withheld is answered no sooner than one that is sent", () =>
  withInvites(async (t, twilio) => {
    const [ann, cat] = [await join(t, twilio, ANN), await join(t, twilio, CAT)];
    const SENDING_MS = 300;
    twilio.answer(async () => {
      await new Promise((resolve) => setTimeout(resolve, SENDING_MS));
      return Response.json({ sid: "SM1", status: "queued", error_code: null }, { status: 201 });
    });
    await invite(t, ann, BOB);
    const askedAt = performance.now();
    await invite(t, cat, BOB);
    ok(performance.now() - askedAt >= SENDING_MS);
    equal(invitations(twilio, BOB).length, 1);
  }));

Deno.test("if the database fails after the request was made, the request stays and no error is returned", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await t.sql`alter table invites rename to lost`;
    await invite(t, ann, BOB);
    await t.sql`alter table lost rename to invites`;

    deepEqual(invitations(twilio), []);
    deepEqual(await statuses(t, ann), { [BOB]: "requesting" });
    ok(t.log.some((line) => line.includes("Invitation failed")));
  }));

Deno.test("/api/invites lists my own invitations, newest first, and how many of the day's ten are left", () =>
  withInvites(async (t, twilio) => {
    t.clock.freeze();
    const [ann, bob] = [await join(t, twilio, ANN), await join(t, twilio, BOB)];
    const [one, two] = numbers(2) as [string, string];
    deepEqual(await invitesOf(t, ann), { invites: [], remaining_today: 10 });
    await invite(t, ann, one);
    const created_at = t.clock.now().toISOString();
    t.clock.advance(1);
    await invite(t, ann, two);

    deepEqual(await invitesOf(t, ann), {
      invites: [
        { phone_number: two, status: "sent", created_at: t.clock.now().toISOString() },
        { phone_number: one, status: "sent", created_at },
      ],
      remaining_today: 8,
    });
    deepEqual(await invitesOf(t, bob), { invites: [], remaining_today: 10 });
    await join(t, twilio, one);
    deepEqual(await inviteStatuses(t, ann), { [one]: "joined", [two]: "sent" });
  }));

Deno.test("/api/invites says of somebody who has joined only that they have, even if they are suspended", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    await invite(t, ann, BOB);
    await join(t, twilio, BOB);
    await t.sql`update users set status = 'suspended' where phone_number = ${BOB}`;

    deepEqual(await inviteStatuses(t, ann), { [BOB]: "joined" });
  }));

Deno.test("/api/invites writes numbers as PHONE_WIRE_FORMAT says", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    succeeded(await change(t, "request", ann, BOB));

    equal((await invitesOf(t, ann)).invites[0]!.phone_number, BOB.slice(1));
  }, { PHONE_WIRE_FORMAT: "digits" }));

Deno.test("INVITE_MODE=device sends nothing and returns the SMS for the inviter's phone to send, by PUT and by POST", () =>
  withInvites(async (t, twilio) => {
    const ann = await join(t, twilio, ANN);
    for (const [method, phone] of [["PUT", BOB], ["POST", CAT]] as const) {
      const json = { phone_number: phone };
      const answer = await t.call(method, "/api/contacts/request", { token: ann.token, json });
      succeeded(answer);
      const { url, sms_uri } = answer.body.invite;
      match(url, new RegExp(`^${PUBLIC_URL}/i/[\\w-]{22}$`));
      ok(sms_uri.startsWith(`sms:${phone}?body=`));
      ok(decodeURIComponent(sms_uri.split("=")[1]).endsWith(` ${url}`));
      const { people } = await t.services.invites.find(url.split("/").at(-1));
      deepEqual(people, { inviter: ANN, invitee: phone });
    }
    deepEqual(invitations(twilio), []);
    deepEqual(await inviteStatuses(t, ann), { [BOB]: "sent", [CAT]: "sent" });
  }, { INVITE_MODE: "device" }));

Deno.test("INVITE_MODE=device returns no SMS for somebody with an account, nor for a number that opted out", () =>
  withInvites(async (t, twilio) => {
    const [ann, bob] = [await join(t, twilio, ANN), await join(t, twilio, BOB)];
    equal("invite" in (await invite(t, ann, BOB)).body, false);
    const token = (await invite(t, ann, CAT)).body.invite.url.split("/").at(-1);
    equal(await t.services.invites.neverAgain(token), true);

    equal("invite" in (await invite(t, bob, CAT)).body, false);
  }, { INVITE_MODE: "device" }));

Deno.test("the console driver prints invitations too", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await invite(t, ann, BOB);
    match(t.services.console!.sent(BOB as never)[0]!.text, /http:\/\/localhost:3000\/i\//);
  }));
