import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "./assert.ts";
import { enter, inviteLink, statusOf, stored, submit, textOf, visit } from "./page_calls.ts";
import { ANN, BOB, CAT, refused, type TestApp, withApp } from "./support.ts";

/** Runs with Ann, and the link of the invitation that she sent to Bob. */
function withLink(run: (t: TestApp, link: string, ann: { phone: string; token: string }) => Promise<void>) {
  return withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await run(t, await inviteLink(t, ann, BOB), ann);
  });
}

Deno.test("GET /i/{token} shows the inviter's number in full and the invited number masked", () =>
  withLink(async (t, link) => {
    const page = await visit(t, link);
    equal(page.status, 200);
    match(textOf(page), /\+14155550101 invites you/);
    match(textOf(page), /Your number: \+14\*\*\*\*02/);
    doesNotMatch(page.html, /4155550102/);
    deepEqual(Object.keys(page.forms), ["send", "never"]);
  }));

Deno.test("the page leads from the link via the passcode to friendship, without a script", () =>
  withLink(async (t, link, ann) => {
    const asked = await submit(t, await visit(t, link), "send");
    equal(asked.status, 200);
    match(asked.html, /autocomplete="one-time-code"/);
    match(asked.html, /inputmode="numeric"/);
    match(textOf(asked), /Ask again in (60|59) seconds/);

    const request = await submit(t, asked, "verify", { passcode: t.codeFor(BOB) });
    equal(request.status, 200);
    match(textOf(request), /\+14155550101 wants to be your friend/);

    const done = await submit(t, request, "accept");
    equal(done.status, 200);
    match(textOf(done), /You are friends now/);
    match(
      done.html,
      /<a class="button" href="\/app" data-session="ey[^"]+" data-phone="[^"]+">Go to PuffinTalk<\/a>/,
    );
    equal(await statusOf(t, ann, BOB), "accepted");
  }));

Deno.test("the page declines silently: the inviter still sees a plain request", () =>
  withLink(async (t, link, ann) => {
    const done = await submit(t, await enter(t, link, BOB), "decline");
    match(textOf(done), /You declined\. Nobody is told\./);
    equal(await statusOf(t, ann, BOB), "requesting");
    const bob = await signInLater(t);
    equal(await statusOf(t, bob, ANN), "deleted");
  }));

Deno.test("a form that is sent twice gets the same answer twice", () =>
  withLink(async (t, link, ann) => {
    const request = await enter(t, link, BOB);
    for (const _ of "12") match(textOf(await submit(t, request, "accept")), /You are friends now/);
    // The other button of the same page comes too late, and its answer shows the current state.
    match(textOf(await submit(t, request, "decline")), /You are friends now/);
    equal(await statusOf(t, ann, BOB), "accepted");
  }));

Deno.test("the page says so if the request was withdrawn meanwhile", () =>
  withLink(async (t, link, ann) => {
    const request = await enter(t, link, BOB);
    await t.call("PUT", "/api/contacts/delete", { token: ann.token, json: { phone_number: BOB } });
    match(textOf(await submit(t, request, "accept")), /no open request from this number/);
  }));

Deno.test("somebody with an account signs in by the same steps and answers the request", () =>
  withLink(async (t, link, ann) => {
    await t.signUp(BOB);
    const page = await visit(t, link);
    equal(page.status, 200);
    match(textOf(page), /already used\. Sign in to go on/);
    const asked = await submit(t, page, "send");
    equal(asked.forms.verify!.purpose, "signin");
    const request = await submit(t, asked, "verify", { passcode: t.codeFor(BOB) });
    match(textOf(await submit(t, request, "accept")), /You are friends now/);
    equal(await statusOf(t, ann, BOB), "accepted");

    t.clock.advance(120_000);
    match(textOf(await enter(t, link, BOB)), /You are friends now/);
  }));

Deno.test("a number that signed up elsewhere while its page was open is sent to sign in", () =>
  withLink(async (t, link) => {
    const asked = await submit(t, await visit(t, link), "send");
    const passcode = t.codeFor(BOB);
    const json = { phone_number: BOB, passcode };
    await t.call("POST", "/api/auth/complete-signup", { json });
    const late = await submit(t, asked, "verify", { passcode });
    equal(late.status, 409);
    const again = await submit(t, late, "send");
    equal(again.forms.verify!.purpose, "signin");
    match(textOf(await submit(t, again, "verify", { passcode: t.codeFor(BOB) })), /wants to be your friend/);
  }));

Deno.test("'never invite me again' is one step, and no inviter's SMS is sent any more", () =>
  withLink(async (t, link) => {
    const done = await submit(t, await visit(t, link), "never");
    equal(done.status, 200);
    match(textOf(done), /No invitation will be sent to this number again/);

    t.clock.advance(8 * 24 * 60 * 60 * 1000);
    const before = smsTo(t, BOB);
    const cat = await t.signUp(CAT);
    await t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: BOB } });
    equal(smsTo(t, BOB), before);
    equal((await submit(t, await visit(t, link), "send")).status, 200, "a passcode still comes");
  }));

Deno.test("an expired link says so, and its number can still sign up and answer", () =>
  withLink(async (t, link) => {
    t.clock.advance(29 * 24 * 60 * 60 * 1000);
    equal((await visit(t, link)).status, 200);
    t.clock.advance(2 * 24 * 60 * 60 * 1000);
    const page = await visit(t, link);
    equal(page.status, 410);
    match(textOf(page), /has expired\. You can still sign up here/);
    match(textOf(await submit(t, await enter(t, link, BOB), "accept")), /You are friends now/);
    equal(await statusOf(t, await t.signIn(ANN), BOB), "accepted");
  }));

Deno.test("an unknown link says so, and any number can be typed to sign up", () =>
  withApp(async (t) => {
    const page = await visit(t, "/i/AAAAAAAAAAAAAAAAAAAAAA");
    equal(page.status, 404);
    match(textOf(page), /We do not know this invitation/);
    match(page.html, /type="tel" autocomplete="tel"/);
    deepEqual(Object.keys(page.forms), ["send"]);

    const wrong = await submit(t, page, "send", { phone_number: "12" });
    equal(wrong.status, 400);
    match(textOf(wrong), /not a phone number/);

    const asked = await submit(t, page, "send", { phone_number: "001 (415) 555-0102" });
    const done = await submit(t, asked, "verify", { passcode: t.codeFor(BOB) });
    match(textOf(done), /Your account is ready/);
    refused(
      await t.call("POST", "/api/auth/signup", { json: { phone_number: BOB } }),
      409,
      "already_registered",
    );
  }));

Deno.test("the number of a link cannot be replaced by another", () =>
  withLink(async (t, link) => {
    const page = await submit(t, await visit(t, link), "send", { phone_number: CAT });
    equal(page.status, 400);
    match(textOf(page), /not filled in as expected/);
    equal(smsTo(t, CAT), 0);
  }));

Deno.test("GET and HEAD change nothing, however often a preview asks", () =>
  withLink(async (t, link) => {
    const [before, sent] = [await stored(t), t.services.console!.sent().length];
    for (const path of [link, `${link}?step=never`, `${link}?step=accept&form=x`]) {
      equal((await visit(t, path)).status, 200);
      equal((await visit(t, path, { method: "HEAD" })).status, 200);
    }
    equal(await stored(t), before);
    equal(t.services.console!.sent().length, sent);
    await submit(t, await visit(t, link), "never");
    notEqual(await stored(t), before);
  }));

Deno.test("a preview shows neither anybody's number nor the link", () =>
  withLink(async (t, link) => {
    const asked = await submit(t, await visit(t, link), "send");
    const request = await submit(t, asked, "verify", { passcode: t.codeFor(BOB) });
    for (const { html } of [await visit(t, link), asked, request]) {
      const head = html.slice(0, html.indexOf("<style>"));
      match(head, /<meta property="og:title" content="An invitation to PuffinTalk"/);
      match(head, /<meta property="og:description" content="[^"]+"/);
      match(head, /<meta name="description" content="[^"]+"/);
      doesNotMatch(head, /\+?\d{4,}|\*\*/);
      ok(!html.includes(link));
    }
  }));

Deno.test("the page speaks Spanish to a browser that wants it, and English to all others", () =>
  withLink(async (t, link) => {
    const spanish = { "accept-language": "fr, es-MX;q=0.8, en;q=0.5" };
    const page = await visit(t, link, { headers: spanish });
    match(page.html, /^<!doctype html><html lang="es" dir="ltr">/);
    equal(page.headers.get("content-language"), "es");
    equal(page.headers.get("vary"), "Accept-Language");
    match(textOf(page), /\+14155550101 te invita/);
    match(textOf(await submit(t, page, "send", {}, spanish)), /C.digo del SMS/);
    match(textOf(await visit(t, `${link}/x`, { headers: spanish })), /No hay ninguna p.gina/);

    for (const wanted of ["fr", "es;q=0, en", "*", "", "de;q=nonsense"]) {
      const other = await visit(t, link, { headers: { "accept-language": wanted } });
      match(other.html, /^<!doctype html><html lang="en" dir="ltr">/, wanted);
    }
  }));

function smsTo(t: TestApp, phone: string): number {
  return t.services.console!.sent().filter(({ to }) => to === phone).length;
}

/** Signs Bob in outside of the page, after the waiting time. */
function signInLater(t: TestApp) {
  t.clock.advance(120_000);
  return t.signIn(BOB);
}
