// At 200 % on a phone, people can still be told apart.

import type { Page } from "playwright-core";
import { deepEqual, ok } from "./assert.ts";
import { BOB } from "./support.ts";
import { judge } from "./web_judge.ts";
import { settle, takeTour } from "./web_tour.ts";
import { browserTest, openAs, SIZES } from "./web_window.ts";

interface Large {
  viewport: { width: number; height: number };
  /** Set if only the letters are enlarged, not the whole page. */
  fontSize: string;
}

const LARGE: [string, Large][] = [
  ["of the page", { viewport: { width: 195, height: 422 }, fontSize: "" }],
  ["of the page on a small phone", { viewport: { width: 160, height: 320 }, fontSize: "" }],
  ["of the letters", { viewport: SIZES.phone, fontSize: "200%" }],
];

async function enlarge(page: Page, fontSize: string): Promise<void> {
  await page.evaluate(`document.documentElement.style.fontSize = "${fontSize}"`);
}

const NAMES = "h1 .clip, .brand, .row-name, .row-about, .card-person .lead, .card-top";

/** In the page: texts that are partly cut off or broken within a word. */
const CUT = `[...document.querySelectorAll("${NAMES}")]
  .filter((element) => element.getClientRects().length > 0)
  .filter((element) => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
    const words = document.createRange();
    words.selectNodeContents(element.lastChild);
    const lines = new Set([...words.getClientRects()].map(({ bottom }) => bottom)).size;
    const isBroken = !element.innerText.trim().includes(" ") && lines > 1;
    return clientWidth === 0 || scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1 || isBroken;
  })
  .map((element) => element.className + ": " + element.innerText)`;

for (const [what, { viewport, fontSize }] of LARGE) {
  browserTest(
    `names and numbers are shown whole, in the list and in a conversation, at 200 % ${what}`,
    async (t, browser) => {
      const { page } = await openAs(t, browser, await settle(t), { viewport, hasTouch: true });
      await enlarge(page, fontSize);
      await page.getByText("Dan").waitFor();
      deepEqual(await page.evaluate(CUT), []);
      await page.locator(".row", { hasText: BOB }).click();
      await page.getByText("See you then!").waitFor();
      deepEqual(await page.evaluate(CUT), []);
      await page.getByRole("button", { name: "Options" }).click();
      await page.getByText("You are friends.").waitFor();
      deepEqual(await page.evaluate(CUT), []);
    },
  );

  browserTest(
    `axe-core finds nothing, and nothing is cut off, on any screen at 200 % ${what}`,
    async (t, browser) => {
      const seen: string[] = [];
      await takeTour({
        t,
        browser,
        ann: await settle(t),
        options: { viewport, bypassCSP: true },
        see: async (screen, page) => {
          await enlarge(page, fontSize);
          await judge(page, screen);
          seen.push(screen);
        },
      });
      ok(seen.length >= 20, seen.join());
    },
  );
}
