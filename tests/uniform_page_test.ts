// The page of an invitation with UNIFORM_AUTH=1: the same for everybody, so that it reveals no account.

import { equal, match } from "./assert.ts";

import { maskPhoneNumber, type PhoneNumber } from "../services/phone_number.ts";
import { type Page, submit, textOf, visit } from "./page_calls.ts";
import { wrong } from "./passcode_calls.ts";
import { list } from "./session_calls.ts";
import { ANN, BOB, CAT, refused, type TestApp, withApp } from "./support.ts";

/** Every address below /i/ shows a page to sign up on. */
const PATH = "/i/AAAAAAAAAAAAAAAAAAAAAA";
const OPTIONS = { env: { UNIFORM_AUTH: "1" } };

async function send(t: TestApp, phone: string): Promise<Page> {
  return await submit(t, await visit(t, PATH), "send", { phone_number: phone });
}

/** A page with its phone number replaced. */
function shown({ status, html }: Page, phone: string): string {
  return `${status} ${html.replaceAll(phone, "-").replaceAll(maskPhoneNumber(phone as PhoneNumber), "-")}`;
}

Deno.test("the page is the same for a number with an account and for one without, until the code is right", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    t.clock.freeze();
    const [known, unknown] = [await send(t, ANN), await send(t, BOB)];
    equal(shown(known, ANN), shown(unknown, BOB));
    equal(known.status, 200);
    equal(shown(await send(t, ANN), ANN), shown(await send(t, BOB), BOB));
    for (const nth of [1, 2, 3, 4, 5, 6]) {
      const guess = (page: Page, phone: string) =>
        submit(t, page, "verify", { passcode: wrong(t.codeFor(phone), nth) });
      equal(shown(await guess(known, ANN), ANN), shown(await guess(unknown, BOB), BOB), `${nth}`);
    }
  }, OPTIONS));

Deno.test("the code of the page lets somebody with an account in, and makes one for somebody without", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    t.clock.advance(60_000);
    for (const phone of [ANN, BOB]) {
      const page = await submit(t, await send(t, phone), "verify", { passcode: t.codeFor(phone) });
      equal(page.status, 200, textOf(page));
    }
    equal((await list(t, ann.token)).length, 2);
    const users = await t.sql`select phone_number, status from users order by id`;
    equal(
      JSON.stringify(users),
      JSON.stringify([ANN, BOB].map((phone_number) => ({ phone_number, status: "active" }))),
    );
  }, OPTIONS));

Deno.test("the page tells nobody but the owner of the number that it is suspended", () =>
  withApp(async (t) => {
    await t.sql`insert into users (phone_number, status, created_at) values (${CAT}, 'suspended', now())`;
    const asked = await send(t, CAT);
    equal(asked.status, 200);
    match(textOf(await submit(t, asked, "verify", { passcode: "000000" })), /code is wrong/);
    equal((await submit(t, asked, "verify", { passcode: t.codeFor(CAT) })).status, 403);
  }, OPTIONS));

Deno.test("the code of the page is refused by /complete-signup if there is an account", () =>
  withApp(async (t) => {
    await t.sql`insert into users (phone_number, status, created_at) values (${ANN}, 'active', now())`;
    await send(t, ANN);
    const json = { phone_number: ANN, passcode: t.codeFor(ANN) };
    refused(await t.call("POST", "/api/auth/complete-signup", { json }), 400, "invalid_passcode");
    equal((await t.sql`select 1 from sessions`).length, 0);
  }, OPTIONS));
