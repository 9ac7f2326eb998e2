// What a message costs a phone that pays for its bytes: one row of the list and a few messages, not all.

import type { Page } from "playwright-core";
import { deepEqual, equal, ok } from "./assert.ts";
import { addMedia, makeWav, sendMedia } from "./media_calls.ts";
import { ANN, BOB, CAT, eventually, friends, type Person, succeeded } from "./support.ts";
import { browserTest, bubbles, field, friendsTest, openAs, SIZES, ticked, write } from "./web_window.ts";

/** Paths and queries of the calls that the page makes to the API. */
function asked(page: Page): string[] {
  const paths: string[] = [];
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith("/api/")) paths.push(pathname + search);
  });
  return paths;
}

browserTest(
  "the list fetches only the changed row for a new message, and puts it first",
  async (t, browser) => {
    const ann = await t.signUp(ANN);
    const others: Person[] = [];
    for (let nth = 0; nth < 8; nth += 1) {
      others[nth] = await t.signUp(`+1415556100${nth}`);
      await t.befriend(others[nth]!, ann);
    }
    const { page, errors } = await openAs(t, browser, ann);
    await page.locator(".row").nth(7).waitFor();
    const paths = asked(page);

    for (const one of [others[2]!, others[5]!, others[2]!]) {
      succeeded(await t.send(one, ann, "Hello"));
      await page.locator(".row").first().filter({ hasText: one.phone }).locator(".badge").waitFor();
    }
    await eventually(async () => equal(await page.locator(".badge").first().innerText(), "2"));
    deepEqual(paths, [2, 5, 2].map((nth) => `/api/contacts/${encodeURIComponent(others[nth]!.phone)}`));

    // Rows that become wanted during a fetch are fetched together; this many of them, by fetching the list.
    const told = Promise.withResolvers<void>();
    let left = others.length;
    const opened = page.waitForEvent("websocket");
    const listed = page.waitForEvent("requestfinished", (request) => request.url().endsWith("/api/contacts"));
    await page.reload();
    const socket = await opened;
    await socket.waitForEvent("framereceived");
    await listed;
    await page.locator(".badge").nth(1).waitFor();
    socket.on("framereceived", () => (left -= 1) || told.resolve());
    await page.route("**/api/contacts/*", (route) => told.promise.then(() => route.continue()), { times: 1 });
    paths.length = 0;
    for (const one of others) succeeded(await t.send(one, ann, "All at once"));
    await eventually(async () => equal(await page.locator(".badge").count(), 8));
    deepEqual([paths.length, paths[1]], [2, "/api/contacts"]);
    const names = await page.locator(".row-text").allInnerTexts();
    const { body } = await t.call("GET", "/api/contacts", { token: ann.token });
    deepEqual(names, body.contacts.map(({ phone_number }: { phone_number: string }) => phone_number));
    deepEqual(errors, []);
  },
);

friendsTest("an open conversation fetches only a few messages for a new one", async (t, { ann, bob }) => {
  for (let nth = 0; nth < 30; nth += 1) succeeded(await t.send(bob, ann, `Word ${nth}`));
  await eventually(async () => equal((await bubbles(ann.page)).length, 30), 20_000);
  await ticked(bob.page, "Seen");
  const paths = [asked(ann.page), asked(bob.page)];

  await write(ann.page, "An answer");
  await ticked(ann.page, "Seen");
  await bob.page.getByText("An answer").waitFor();
  const counts = paths.flat().flatMap((path) => /\/api\/messages\/%2B\d+\?count=(\d+)/.exec(path)?.[1] ?? []);
  ok(counts.length > 0 && counts.every((count) => Number(count) <= 7), String(paths));
  deepEqual(paths.flat().filter((path) => path === "/api/contacts"), []);
});

friendsTest(
  "everything that is seen at once is marked as seen, even before the newest page",
  async (t, { ann, bob }) => {
    await bob.page.goto("about:blank");
    const elsewhere = await t.signIn(ANN);
    // If more than a page came at once, those before the page would not be shown.
    for (let nth = 1; nth <= 60; nth += 1) {
      succeeded(await t.send(elsewhere, bob, `Word ${nth}`));
      if (nth % 30 === 0) await eventually(async () => equal((await bubbles(ann.page)).length, nth), 20_000);
    }
    const json = { phone_number: ann.phone };
    succeeded(await t.call("PUT", "/api/messages/read_all_text", { token: bob.token, json }));
    await ticked(ann.page, "Seen");
    const ticks = await ann.page.locator(".mine .ticks").evaluateAll((all) =>
      all.map((one) => one.ariaLabel)
    );
    deepEqual(new Set(ticks), new Set(["Seen"]));
  },
);

/** Holds back the answer to the first matching call, which the service has already processed. */
async function hold(page: Page, pattern: string | RegExp): Promise<{ made: Promise<void>; pass(): void }> {
  const [made, passed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.route(pattern, async (route) => {
    const response = await route.fetch();
    made.resolve();
    await passed.promise;
    await route.fulfill({ response });
  }, { times: 1 });
  return { made: made.promise, pass: passed.resolve };
}

browserTest(
  "a message that arrives during the first fetch of its conversation is shown",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(bob, ann, "First"));
    const json = { phone_number: BOB };
    succeeded(await t.call("PUT", "/api/messages/read_all_text", { token: ann.token, json }));
    const { page } = await openAs(t, browser, ann);
    const { made, pass } = await hold(page, /\/api\/messages\/%2B\d+\?/);
    await page.locator(".row").click();
    await made;
    succeeded(await t.send(bob, ann, "Second"));
    await page.waitForResponse((response) => response.url().includes("/api/contacts/"));
    pass();
    await eventually(async () => deepEqual(await bubbles(page), ["First", "Second"]));
  },
);

browserTest(
  "a text before more media than a page holds is reported as seen once",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const { page } = await openAs(t, browser, ann, {
      path: `/app#/thread/${BOB}`,
      script:
        `Object.defineProperty(document, "visibilityState", { get: () => globalThis.state ?? "hidden" })`,
    });
    await field(page).waitFor();
    succeeded(await t.send(bob, ann, "A text"));
    const id = await addMedia(t, bob, makeWav(1_000));
    for (let nth = 1; nth <= 42; nth += 1) {
      await sendMedia(t, [bob, ann], id);
      if (nth % 21 === 0) await eventually(async () => equal(await page.locator(".bubble").count(), nth + 1));
    }
    const paths = asked(page);
    await page.evaluate(`state = "visible"; document.dispatchEvent(new Event("visibilitychange"))`);
    await eventually(() => ok(paths.some((path) => path.startsWith("/api/messages/%2B"))));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    deepEqual(paths.filter((path) => path === "/api/messages/read").length, 1);
  },
);

browserTest(
  "an answer that is older than a row of the list does not undo that row",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    const { page } = await openAs(t, browser, ann, {
      path: `/app#/person/${bob.phone}`,
      viewport: SIZES.desktop,
    });
    const { made, pass } = await hold(page, "**/api/contacts/update");
    await page.getByRole("textbox").last().fill("Bobby");
    await page.getByRole("textbox").last().press("Enter");
    await made;
    succeeded(await t.send(cat, ann, "Hello"));
    const badge = page.locator(".row", { hasText: CAT }).locator(".badge");
    await badge.waitFor();
    pass();
    await page.locator(".row", { hasText: "Bobby" }).waitFor();
    await eventually(async () => equal(await badge.count(), 1));
  },
);

browserTest("a change whose answer is lost is shown", async (t, browser) => {
  const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
  const json = { phone_number: ANN };
  succeeded(await t.call("PUT", "/api/contacts/request", { token: bob.token, json }));
  const { page } = await openAs(t, browser, ann, { path: `/app#/person/${BOB}` });
  await page.route("**/api/contacts/accept", async (route) => {
    await route.fetch();
    await route.abort("timedout");
  });
  await page.getByRole("button", { name: "Accept" }).click();
  await page.getByRole("button", { name: "Accept" }).waitFor({ state: "detached" });
});
