// deno-lint-ignore-file prefer-ascii -- emoji are not ASCII
// A conversation on its screen: what it says while it is empty, and where an emoji goes.

import { deepEqual, equal, ok } from "node:assert/strict";
import type { Browser } from "playwright-core";
import { hasBrowser, withBrowser } from "./browser.ts";
import { eventually, type TestApp, withApp } from "./support.ts";
import { bubbles, field, focused, moveTo, openFriends, press, SIZES } from "./web_window.ts";

function threadTest(name: string, run: (t: TestApp, browser: Browser) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasBrowser,
    fn: () => withApp((t) => withBrowser((browser) => run(t, browser))),
  });
}

/** In the page: whether nothing lies over the words of an empty conversation. */
const IS_SEEN = `(() => {
  const element = document.querySelector(".messages .empty");
  const words = document.createRange();
  words.selectNodeContents(element);
  return [...words.getClientRects()].every(({ left, top, width, height }) =>
    element.contains(document.elementFromPoint(left + width / 2, top + height / 2)));
})()`;

threadTest("who has written nothing to a new friend yet sees so, on every screen", async (t, browser) => {
  const { ann } = await openFriends(t, browser);
  for (const [name, size] of Object.entries(SIZES)) {
    await ann.page.setViewportSize(size);
    await ann.page.reload();
    await ann.page.getByText("No messages yet.").waitFor();
    await eventually(async () => ok(await ann.page.evaluate(IS_SEEN), name));
  }
  await field(ann.page).fill("Hello");
  await press(ann.page, "Enter");
  await ann.page.getByText("No messages yet.").waitFor({ state: "detached" });
  deepEqual(await bubbles(ann.page), ["Hello"]);
  deepEqual(ann.errors, []);
});

threadTest(
  "emoji that are picked one after the other stand beside each other where the caret was",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const { page } = ann;
    await field(page).focus();
    await page.keyboard.type("ab");
    await press(page, "ArrowLeft", "F1");
    await moveTo(page, "Emoji");
    await press(page, "Enter");
    await eventually(async () => equal(await focused(page), "😀"));
    await press(page, "Enter", "ArrowRight", "Enter", "Escape");
    await page.locator("textarea:focus").waitFor();
    equal(await field(page).inputValue(), "a😀😄b");
    await page.keyboard.type("!");
    equal(await field(page).inputValue(), "a😀😄!b");
    await press(page, "Enter");
    await eventually(async () => deepEqual(await bubbles(page), ["a😀😄!b"]));
    deepEqual(ann.errors, []);
  },
);
