// The windows of a browser share a session, which the service does not notify of its own changes.

import type { Browser, Page } from "playwright-core";
import { deepEqual, equal } from "./assert.ts";
import { ANN, BOB, eventually, friends, succeeded, type TestApp } from "./support.ts";
import { browserTest, bubbles, field, openAs, write } from "./web_window.ts";

/** Two windows of Ann, who is friends with Bob. */
async function openTwo(t: TestApp, browser: Browser, options: { path?: string } = {}) {
  const [ann, bob] = await friends(t);
  const { page, errors } = await openAs(t, browser, ann, options);
  const other = await page.context().newPage();
  await other.goto(t.url + (options.path ?? "/app"));
  return { ann, bob, page, other, errors };
}

const rowOf = (page: Page, phone: string) => page.locator(".row", { hasText: phone });

browserTest("a message that is read in one window is not unread in the other", async (t, browser) => {
  const { ann, bob, page, other, errors } = await openTwo(t, browser);
  succeeded(await t.send(bob, ann, "Hello"));
  for (const window of [page, other]) await rowOf(window, BOB).locator(".badge").waitFor();
  await rowOf(other, BOB).click();
  await other.getByText("Hello").waitFor();
  await rowOf(page, BOB).locator(".badge").waitFor({ state: "detached" });
  deepEqual(errors, []);
});

browserTest(
  "a message that is sent in one window is shown in the other, even if no receiver is online",
  async (t, browser) => {
    const { page, other, errors } = await openTwo(t, browser, { path: `/app#/thread/${BOB}` });
    for (const window of [page, other]) await field(window).waitFor();
    await write(page, "From one");
    await eventually(async () => deepEqual(await bubbles(other), ["From one"]));
    await write(other, "From the other");
    for (const window of [page, other]) {
      await eventually(async () => deepEqual(await bubbles(window), ["From one", "From the other"]));
      await window.locator(".mine .ticks").nth(1).waitFor();
    }
    deepEqual(errors, []);
  },
);

browserTest(
  "a contact who is renamed, deleted or requested in one window is shown so in the other",
  async (t, browser) => {
    const { page, other, errors } = await openTwo(t, browser);
    const bob = rowOf(page, BOB);
    await bob.waitFor();
    await other.goto(`${t.url}/app#/person/${BOB}`);
    await other.getByRole("textbox").fill("Bob from work");
    await other.getByRole("textbox").press("Enter");
    await bob.filter({ hasText: "Bob from work" }).waitFor();

    const cat = await t.signUp("+14155550777");
    succeeded(
      await t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: ANN } }),
    );
    await other.goto(`${t.url}/app#/person/${cat.phone}`);
    await other.getByRole("button", { name: "Accept" }).click();
    await field(other).waitFor();
    await eventually(async () => {
      equal(await rowOf(page, cat.phone).count(), 1);
      equal(await page.locator("h2").count(), 1);
    });
    deepEqual(errors, []);
  },
);

browserTest(
  "where one window loses everything that the browser has stored, the other leads to the door too",
  async (t, browser) => {
    const { page, other, errors } = await openTwo(t, browser);
    for (const window of [page, other]) await rowOf(window, BOB).waitFor();
    await page.evaluate("localStorage.clear()");
    await other.locator("#phone").waitFor();
    deepEqual(errors, []);
  },
);

browserTest(
  "settings that are chosen in one window apply in the other, which does not take them back",
  async (t, browser) => {
    const { page, other, errors } = await openTwo(t, browser, { path: "/app#/settings" });
    await other.getByRole("button", { name: "Espa\u00f1ol" }).click();
    await page.getByRole("button", { name: "Oscuro" }).click();
    for (const window of [page, other]) {
      await window.locator("[aria-pressed=true]", { hasText: "Oscuro" }).waitFor();
      equal(await window.evaluate("document.documentElement.dataset.colours"), "dark");
    }
    await other.reload();
    await other.locator("[aria-pressed=true]", { hasText: "Oscuro" }).waitFor();
    deepEqual(errors, []);
  },
);
