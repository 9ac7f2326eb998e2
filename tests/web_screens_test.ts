// Every screen as axe-core judges it, and whether all of it fits: from the smallest phone to a desktop, light and dark,
// read from the left and from the right, in every language.

import { deepEqual, ok } from "node:assert/strict";
import type { BrowserContextOptions, Page } from "playwright-core";
import { hasBrowser, withBrowser } from "./browser.ts";
import { withApp } from "./support.ts";
import { settle, takeTour } from "./web_tour.ts";
import { SIZES } from "./web_window.ts";

const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core")));

/** In the page: everything that reaches out of the screen, but what ends in dots. */
const TOO_WIDE = `[...document.querySelectorAll("body *")]
  .filter((element) => element.getClientRects().length > 0 && !element.closest("[hidden], .heard, .clip, .row-about, .row-name, svg"))
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return right > innerWidth + 1 || left < -1;
  })
  .map((element) => element.className || element.tagName)`;

async function judge(page: Page, name: string): Promise<void> {
  await page.evaluate(AXE);
  const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    "axe.run().then((found) => found.violations)",
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  deepEqual(found, [], `${name}\n${found.join("\n")}`);
  const tooWide = await page.evaluate<string[]>(TOO_WIDE);
  deepEqual(tooWide, [], `${name}\n${tooWide.join("\n")}`);
}

const VIEWS: [string, BrowserContextOptions, string?][] = [
  ["128x160 in light colours", { viewport: SIZES.tiny, colorScheme: "light" }],
  ["240x320 in dark colours, from right to left", { viewport: SIZES.keypad, colorScheme: "dark" }, "rtl"],
  ["390x844 in light colours", { viewport: SIZES.phone, colorScheme: "light" }],
  ["1280x800 in dark colours", { viewport: SIZES.desktop, colorScheme: "dark" }],
];

for (const [name, options, direction] of VIEWS) {
  Deno.test({
    name: `axe-core finds nothing, and nothing is cut off, on any screen at ${name}`,
    ignore: !hasBrowser,
    fn: () =>
      withApp((t) =>
        withBrowser(async (browser) => {
          const seen: string[] = [];
          await takeTour({
            t,
            browser,
            ann: await settle(t),
            // The page's own policy keeps every script out, also the judge's.
            options: { ...options, bypassCSP: true },
            see: async (screen, page) => {
              if (direction) await page.evaluate(`document.documentElement.dir = "${direction}"`);
              await judge(page, screen);
              seen.push(screen);
            },
          });
          ok(seen.length >= 17, seen.join());
        })
      ),
  });
}
