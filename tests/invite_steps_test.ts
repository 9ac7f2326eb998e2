// Errors on the invitation page: each is answered with an HTML page on which the visitor can go on.

import { doesNotMatch, equal, match, ok } from "./assert.ts";
import { inviteLink, type Page, submit, textOf, visit } from "./page_calls.ts";
import { MINUTE_MS, twilioEnv, wrong } from "./passcode_calls.ts";
import { ANN, BOB, CAT, type TestApp, type TestOptions, withApp } from "./support.ts";
import { startTwilioDouble } from "./twilio_double.ts";

/** Ann has invited Bob, who has requested a code. Runs with the page on which he enters it. */
function withCode(run: (t: TestApp, page: Page) => Promise<void>, options?: TestOptions): Promise<void> {
  return withApp(async (t) => {
    const link = await inviteLink(t, await t.signUp(ANN), BOB);
    await run(t, await submit(t, await visit(t, link), "send"));
  }, options);
}

/** Asserts that this is an HTML page with this status, an alert and this sentence. */
function says(page: Page, status: number, sentence: RegExp): void {
  equal(page.status, status, textOf(page));
  match(page.headers.get("content-type")!, /^text\/html/);
  match(page.html, /<p class="alert" role="alert">/);
  match(textOf(page), sentence);
}

Deno.test("five wrong codes can be entered, each answered with the form again; after that a new code is needed", () =>
  withCode(async (t, page) => {
    const right = t.codeFor(BOB);
    let last = page;
    for (const nth of [1, 2, 3, 4, 5]) {
      last = await submit(t, last, "verify", { passcode: wrong(right, nth) });
      says(last, 400, /This code is wrong/);
      match(last.html, /aria-invalid="true"/);
    }
    says(
      await submit(t, last, "verify", { passcode: right }),
      429,
      /Too many wrong codes.* Try again in \d+/,
    );
    t.clock.advance(2 * MINUTE_MS);
    const again = await submit(t, last, "send");
    match(textOf(await submit(t, again, "verify", { passcode: t.codeFor(BOB) })), /wants to be your friend/);
  }));

Deno.test("a code with spaces is accepted, and anything that is not a code counts as a wrong one", () =>
  withCode(async (t, page) => {
    for (const passcode of ["", "x".repeat(60_000), "\u{1f427}"]) {
      says(await submit(t, page, "verify", { passcode }), 400, /This code is wrong/);
    }
    const code = t.codeFor(BOB);
    const passcode = ` ${code.slice(0, 3)} ${code.slice(3)} `;
    match(textOf(await submit(t, page, "verify", { passcode })), /wants to be your friend/);
  }));

Deno.test("of two parallel submissions of a sign-up form one gets 409, with a page on which to sign in", () =>
  withCode(async (t, page) => {
    const twice = await Promise.all(
      [1, 2].map(() => submit(t, page, "verify", { passcode: t.codeFor(BOB) })),
    );
    const late = twice.find(({ status }) => status !== 200)!;
    ok(twice.some((answer) => /wants to be your friend/.test(textOf(answer))));
    says(late, 409, /registered already\. Ask for a new code to sign in/);
    const again = await submit(t, late, "send");
    match(textOf(await submit(t, again, "verify", { passcode: t.codeFor(BOB) })), /wants to be your friend/);
  }));

Deno.test("an expired code is answered with 408 and a prompt to request a new one", () =>
  withCode(async (t, page) => {
    t.clock.advance(11 * MINUTE_MS);
    const late = await submit(t, page, "verify", { passcode: t.codeFor(BOB) });
    says(late, 408, /This code has expired\. Ask for a new one\./);
    equal(late.headers.get("retry-after"), "1");
    equal((await submit(t, late, "send")).status, 200);
  }));

Deno.test("a code requested too soon is answered with how long to wait, and the first one still works", () =>
  withCode(async (t, page) => {
    const soon = await submit(t, page, "send");
    says(soon, 429, /Try again in (60|59) seconds/);
    ok(Number(soon.headers.get("retry-after")) > 50);
    match(textOf(await submit(t, soon, "verify", { passcode: t.codeFor(BOB) })), /wants to be your friend/);
  }));

Deno.test("a suspended person is told so", () =>
  withCode(async (t, page) => {
    await t.signUp(BOB).catch(() => {});
    await submit(t, page, "verify", { passcode: t.codeFor(BOB) });
    await t.sql`update users set status = 'suspended' where phone_number = ${BOB}`;
    const asked = await submit(t, await visit(t, page.path), "send");
    says(await submit(t, asked, "verify", { passcode: t.codeFor(BOB) }), 403, /suspended/);
  }));

Deno.test("accepting with an empty or invalid session, or with somebody else's, leads back to the start", () =>
  withCode(async (t, page) => {
    const request = await submit(t, page, "verify", { passcode: t.codeFor(BOB) });
    const { token } = await t.signUp(CAT);
    for (const session of ["", "nonsense", token]) {
      const start = await submit(t, request, "accept", { session });
      says(start, 401, /You are not signed in any more/);
      equal(start.headers.get("www-authenticate"), null);
      ok(start.forms.send);
    }
  }));

Deno.test("an SMS that fails, is refused or was opted out of is explained in a sentence", async () => {
  const twilio = startTwilioDouble();
  try {
    await withApp(async (t) => {
      const page = await visit(t, "/i/AAAAAAAAAAAAAAAAAAAAAA");
      const ask = () => submit(t, page, "send", { phone_number: "+14155552672" });
      twilio.answer({ status: 503, code: 20429 });
      says(await ask(), 500, /The SMS could not be sent/);
      twilio.answer({ status: 400, code: 21614 });
      says(await ask(), 400, /We cannot send an SMS to this number/);
      twilio.answer({ status: 400, code: 21610 });
      says(await ask(), 403, /Text START/);
      equal((await ask()).status, 403);
    }, { env: twilioEnv(twilio) });
  } finally {
    await twilio.close();
  }
});

Deno.test("the page's session is named after the browser; link, code, tokens and number are not logged", () =>
  withCode(async (t, page) => {
    const code = t.codeFor(BOB);
    const request = await submit(t, page, "verify", { passcode: code }, { "user-agent": "Nokia 8110" });
    const session = request.forms.accept!.session!;
    await submit(t, request, "accept");
    const { body } = await t.call("GET", "/api/auth/sessions", { token: session });
    equal(body.sessions[0].device, "Nokia 8110");

    const log = t.log.join("\n");
    match(log, /"\/i\/\{token\}"/);
    for (const secret of [page.path.slice(3), code, session, request.forms.accept!.form!, BOB.slice(1)]) {
      ok(!log.includes(secret), secret);
    }
    doesNotMatch(log, /"level":"ERROR"/);
  }));
