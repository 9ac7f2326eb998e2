// What a message costs a phone that pays for its bytes: one row of the list and a few messages, not all of them.

import { deepEqual, equal, ok } from "./assert.ts";
import type { Page } from "playwright-core";
import { browserTest, bubbles, friendsTest, openAs, ticked, write } from "./web_window.ts";
import { ANN, eventually, type Person, succeeded } from "./support.ts";

/** Paths and queries of what the page asks the API for. */
function asked(page: Page): string[] {
  const paths: string[] = [];
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith("/api/")) paths.push(pathname + search);
  });
  return paths;
}

browserTest("of a message the list fetches the row that changes, which comes first", async (t, browser) => {
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

  // As many as the whole list would hold are fetched with it, whoever else is in it.
  await Promise.all(others.map((one) => t.send(one, ann, "All at once")));
  await eventually(async () => equal(await page.locator(".badge").count(), 8));
  await eventually(async () =>
    deepEqual(
      await page.locator(".badge").allInnerTexts().then((texts) => texts.sort()),
      ["1", "1", "1", "1", "1", "1", "2", "3"],
    )
  );
  const names = await page.locator(".row-text").allInnerTexts();
  const { body } = await t.call("GET", "/api/contacts", { token: ann.token });
  deepEqual(names, body.contacts.map(({ phone_number }: { phone_number: string }) => phone_number));
  deepEqual(errors, []);
});

friendsTest("of a message a conversation fetches a few", async (t, { ann, bob }) => {
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
  "all that was sent is seen when it is seen at once, also before the newest page",
  async (t, { ann, bob }) => {
    await bob.page.goto("about:blank");
    const elsewhere = await t.signIn(ANN);
    for (let nth = 0; nth < 60; nth += 1) succeeded(await t.send(elsewhere, bob, `Word ${nth}`));
    await eventually(async () => equal((await bubbles(ann.page)).length, 60), 20_000);
    const json = { phone_number: ann.phone };
    succeeded(await t.call("PUT", "/api/messages/read_all_text", { token: bob.token, json }));
    await ticked(ann.page, "Seen");
    const ticks = await ann.page.locator(".mine .ticks").evaluateAll((all) =>
      all.map((one) => one.ariaLabel)
    );
    deepEqual(new Set(ticks), new Set(["Seen"]));
  },
);
