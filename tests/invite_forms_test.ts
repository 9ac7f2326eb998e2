// Which forms are accepted, and the headers of every page of an invitation.

import { createHash } from "node:crypto";
import { doesNotMatch, equal, match, ok } from "./assert.ts";
import { enter, inviteLink, type Page, statusOf, stored, submit, textOf, visit } from "./page_calls.ts";
import { ANN, BOB, CAT, type Person, refused, type TestApp, withApp } from "./support.ts";

function withLink(run: (t: TestApp, link: string, ann: Person) => Promise<void>): Promise<void> {
  return withApp(async (t) => {
    const ann = await t.signUp(ANN);
    await run(t, await inviteLink(t, ann, BOB), ann);
  });
}

/** Asserts that a page has this status and this sentence. */
function refuses(page: Page, status: number, sentence: RegExp): void {
  equal(page.status, status, textOf(page));
  match(page.headers.get("content-type")!, /^text\/html/);
  match(textOf(page), sentence);
}

Deno.test("a form without a valid token of this page and this step is refused and changes nothing", () =>
  withLink(async (t, link) => {
    const page = await visit(t, link);
    const other = await visit(t, await inviteLink(t, await t.signIn(ANN), CAT));
    const before = await stored(t);
    const stale = /This page is too old\. Go on from here\./;
    const { form } = page.forms.never!;
    for (
      const wrong of [
        undefined,
        "",
        page.forms.send!.form,
        other.forms.never!.form,
        `9${form}`,
        `${form!.slice(0, -1)}${form!.endsWith("A") ? "B" : "A"}`,
      ]
    ) {
      refuses(await submit(t, page, "never", { form: wrong }), 403, stale);
    }
    t.clock.advance(2 * 60 * 60 * 1000 + 1);
    const old = await submit(t, page, "never");
    refuses(old, 403, stale);
    equal(await stored(t), before);
    equal((await submit(t, old, "never")).status, 200);
  }));

Deno.test("a form from another site's page is refused, as far as the browser says so", () =>
  withLink(async (t, link) => {
    const page = await visit(t, link);
    const before = await stored(t);
    const foreign: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: t.url },
      { origin: "https://evil.example" },
      { origin: "nonsense" },
    ];
    for (const headers of foreign) {
      refuses(await submit(t, page, "never", {}, headers), 403, /Go on from here/);
    }
    equal(await stored(t), before);
    const own: Record<string, string>[] = [
      { "sec-fetch-site": "same-origin", origin: "null" },
      { "sec-fetch-site": "none" },
      { origin: t.url },
      { origin: "http://localhost:3000" },
      { origin: "null" },
    ];
    for (const headers of own) equal((await submit(t, page, "never", {}, headers)).status, 200);
  }));

Deno.test("the session and form of one link cannot answer the request of another", () =>
  withLink(async (t, link, ann) => {
    const cat = await t.signUp(CAT);
    t.clock.advance(8 * 24 * 60 * 60 * 1000);
    await t.sql`update invites set created_at = created_at - interval '8 days'`;
    const second = await inviteLink(t, cat, BOB);
    const request = await enter(t, second, BOB);
    const moved = { ...request, path: link };
    refuses(await submit(t, moved, "accept"), 403, /Go on from here/);
    equal(await statusOf(t, ann, BOB), "requesting");
    equal((await submit(t, request, "accept")).status, 200);
    equal(await statusOf(t, cat, BOB), "accepted");
    equal(await statusOf(t, ann, BOB), "requesting");
  }));

Deno.test("a form that is not ours is refused with a page, before anything is done", () =>
  withLink(async (t, link) => {
    const page = await visit(t, link);
    const before = await stored(t);
    const post = (body: BodyInit, type = "application/x-www-form-urlencoded") =>
      visit(t, link, { method: "POST", body, headers: { "content-type": type } });
    const form = new URLSearchParams(page.forms.never).toString();

    refuses(await post("{}", "application/json"), 415, /not sent as expected/);
    // The type is accepted in any spelling, so the extra field is the reason.
    const spelt = "Application/X-WWW-Form-URLencoded ; charset=UTF-8";
    refuses(await post(`${form}&x=1`, spelt), 400, /not filled in as expected/);
    refuses(await post(`${form}&x=${"x".repeat(65_536)}`), 413, /too much/);
    for (const more of ["&x=1", "&step=never", "&session=x", "&passcode=1"]) {
      refuses(await post(form + more), 400, /not filled in as expected/);
    }
    refuses(await post(form.replace(/(?<=form=)[^&]*/, "%00")), 400, /not filled in as expected/);
    for (const body of ["", "step=toString", "step=", "\xff=%ff", form.replace("never", "verify")]) {
      ok([400, 403].includes((await post(body)).status), body);
    }
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const answer = await t.call(method, link);
      refused(answer, 405, "method_not_allowed");
      equal(answer.headers.get("allow"), "GET, HEAD, POST");
    }
    refuses(await visit(t, `${link}/x`), 404, /There is no page at this address/);
    equal(await stored(t), before);
  }));

Deno.test("every page, including errors, keeps out scripts, frames, robots, caches and referrers", () =>
  withLink(async (t, link) => {
    const page = await visit(t, link);
    const pages = [
      page,
      await visit(t, link, { method: "POST" }),
      await submit(t, page, "never", { form: "" }),
      await submit(t, page, "send"),
      await visit(t, "/i/x"),
    ];
    for (const { headers, html } of pages) {
      const style = html.match(/<style>(.*?)<\/style>/s)![1]!;
      const hash = createHash("sha256").update(style).digest("base64");
      equal(
        headers.get("content-security-policy"),
        `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      );
      equal(headers.get("x-robots-tag"), "noindex, nofollow");
      equal(headers.get("referrer-policy"), "no-referrer");
      equal(headers.get("cache-control"), "no-store");
      equal(headers.get("x-content-type-options"), "nosniff");
      equal(headers.get("content-type"), "text/html; charset=UTF-8");
      equal(headers.get("set-cookie"), null);
      equal(headers.get("access-control-allow-origin"), null);
      match(html, /<meta name="robots" content="noindex, nofollow">/);
      doesNotMatch(html, /<script|<img|<link|<iframe| style=| on\w+=|\bkey=/);
    }
  }));

Deno.test("an unexpected error is a page as well, which reveals no internals", () =>
  withLink(async (t, link) => {
    await t.sql`alter table invites rename to lost`;
    const page = await visit(t, link);
    refuses(page, 500, /Something went wrong here\. Please try again later\./);
    doesNotMatch(page.html, /lost|invites|relation/);
    equal(t.log.filter((line) => line.includes("Unexpected error")).length, 1);
  }));
