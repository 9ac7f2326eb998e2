// Messages at the edge of the screen do not cover what has the focus.

import type { Page } from "playwright-core";
import { deepEqual, equal, ok } from "./assert.ts";
import { ANN, BOB, CAT, eventually } from "./support.ts";
import { browserTest, focused, moveTo, openAs, openFriends, press, SIZES } from "./web_window.ts";

/** In the page: where the focused element is, where the message, and where the list or text around it. */
const PLACES = `Object.fromEntries([
  ["focus", document.activeElement],
  ["toast", document.querySelector(".toast")],
  ["body", document.activeElement.closest(".body")],
].map(([name, element]) => [name, element.getBoundingClientRect().toJSON()]))`;

type Places = Record<"focus" | "toast" | "body", { top: number; bottom: number }>;

/** Asserts that all of what has the focus is visible, between the message and the end of the screen. */
async function isClear(page: Page, name: string): Promise<void> {
  const { focus, toast, body } = await page.evaluate<Places>(PLACES);
  const said = JSON.stringify({ name, focus, toast, body });
  ok(focus.top >= toast.bottom && focus.top >= body.top - 1 && focus.bottom <= body.bottom + 1, said);
}

browserTest("a message about a request leaves the focused row in view", async (t, browser) => {
  const { ann } = await openFriends(t, browser);
  await t.signUp(CAT);
  for (const [name, viewport] of Object.entries(SIZES)) {
    await ann.page.setViewportSize(viewport);
    await ann.page.goto(`${t.url}/app`);
    await ann.page.locator(".row", { hasText: BOB }).waitFor();
    await ann.page.goto(`${t.url}/app#/add`);
    await ann.page.locator("#peer:focus").waitFor();
    await ann.page.keyboard.type(CAT);
    await press(ann.page, "Enter");
    await ann.page.getByText("Your request is on its way.").waitFor();
    if (viewport.width < 768) await ann.page.locator(".row:focus").waitFor();
    else await ann.page.locator(".row").first().focus();
    await isClear(ann.page, name);
    await t.call("PUT", "/api/contacts/delete", { token: ann.token, json: { phone_number: CAT } });
  }
  deepEqual(ann.errors, []);
});

browserTest(
  "a message about a refusal moves the focused element, and does not push it off the screen",
  async (t, browser) => {
    const { page } = await openAs(t, browser, await t.signUp(ANN), { path: "/app#/settings" });
    await moveTo(page, "Sign out");
    await press(page, "Enter");
    await moveTo(page, "Sign out", "ArrowUp");
    await page.route("**/api/auth/signout", (route) => route.abort());
    await page.locator(".danger:focus").waitFor();
    await page.evaluate("document.activeElement.scrollIntoView({ block: 'end' })");
    await press(page, "Enter");
    await page.getByRole("alert").getByText("There is no connection right now.").waitFor();
    await eventually(() => isClear(page, "settings"));
  },
);

browserTest(
  "a new name for somebody is announced as saved, and the focus stays on it",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const { page } = ann;
    await page.goto(`${t.url}/app#/person/${BOB}`);
    await page.getByLabel("Your name for this person").fill("Bobby");
    await press(page, "Enter");
    await page.getByText("The name is saved.").waitFor();
    await page.locator(".lead", { hasText: "Bobby" }).waitFor();
    equal(await focused(page), "Your name for this person");
    deepEqual(ann.errors, []);
  },
);

browserTest(
  "a request to somebody who has already sent one says that they are friends now",
  async (t, browser) => {
    const [ann, cat] = [await t.signUp(ANN), await t.signUp(CAT)];
    await t.call("PUT", "/api/contacts/request", { token: cat.token, json: { phone_number: ANN } });
    const { page, errors } = await openAs(t, browser, ann, { path: "/app#/add" });
    await page.locator("#peer:focus").waitFor();
    await page.keyboard.type(CAT);
    await press(page, "Enter");
    await page.locator(".toast", { hasText: "You are friends." }).waitFor();
    deepEqual(errors, []);
  },
);
