// The browser's history of one user reveals nothing to the next.

import type { Page } from "playwright-core";
import { deepEqual, equal } from "./assert.ts";
import { BOB, CAT, friends, type Person, type TestApp } from "./support.ts";
import { browserTest, enter, field, openAs, press } from "./web_window.ts";

const NOBODY = "Nobody here yet";

/** Opens the page of Ann's friend, ends her session there, and signs in somebody who has no friends. */
async function hand(t: TestApp, page: Page, ann: Person): Promise<void> {
  await page.locator(".row").click();
  await field(page).waitFor();
  await press(page, "F2");
  await page.getByText("Save").first().waitFor();
  await t.call("POST", "/api/auth/signout", { token: ann.token });
  await enter(t, page, CAT);
  await page.getByText(NOBODY).waitFor();
}

browserTest(
  "the next user of a device cannot reach earlier screens by Back",
  async (t, browser) => {
    const [ann] = await friends(t);
    const { page, errors } = await openAs(t, browser, ann);
    await hand(t, page, ann);
    await press(page, "Escape");
    await page.waitForFunction("history.state.depth === 0");
    await page.getByText(NOBODY).waitFor();
    equal(page.url(), `${t.url}/app`);
    for (const _ of [1, 2]) {
      await page.goForward();
      await page.getByText(NOBODY).waitFor();
      equal(page.url(), `${t.url}/app`);
    }
    // The user's own screens still work.
    await press(page, "F2", "Escape");
    await page.getByText(NOBODY).waitFor();
    deepEqual(errors, []);
  },
);

browserTest(
  "the next user of a device cannot reach earlier screens by reloading a window",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const { page, errors } = await openAs(t, browser, ann, { path: `/app#/thread/${bob.phone}` });
    await field(page).waitFor();
    const { token, phone } = await t.signUp(CAT);
    await page.evaluate(([token, phone_number]) => {
      const expires_at = new Date(Date.now() + 3e9).toISOString();
      localStorage.setItem("puffintalk.session", JSON.stringify({ token, phone_number, expires_at }));
    }, [token, phone]);
    await page.reload();
    await page.getByText(NOBODY).waitFor();
    equal(page.url(), `${t.url}/app`);
    equal(await page.getByText(BOB).count(), 0);
    deepEqual(errors, []);
  },
);
