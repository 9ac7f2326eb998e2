// Every screen is judged by axe-core, and all of it fits: from the smallest phone to a desktop, light and
// dark, left to right and right to left, in every language.

import type { BrowserContextOptions } from "playwright-core";
import type { Language } from "../services/texts/language.ts";
import { ok } from "./assert.ts";
import { judge } from "./web_judge.ts";
import { settle, takeTour } from "./web_tour.ts";
import { browserTest, SIZES } from "./web_window.ts";

interface View extends BrowserContextOptions {
  direction?: "rtl";
  language?: Language;
  /** Needs a browser that can show notifications. */
  whole?: boolean;
}

const VIEWS: [string, View][] = [
  ["128x160 in light colours", { viewport: SIZES.tiny, colorScheme: "light" }],
  ["128x160 in Spanish", { viewport: SIZES.tiny, colorScheme: "light", language: "es", whole: true }],
  ["240x320 in dark colours, from right to left", {
    viewport: SIZES.keypad,
    colorScheme: "dark",
    direction: "rtl",
  }],
  ["390x844 in light colours", { viewport: SIZES.phone, colorScheme: "light" }],
  ["1280x800 in dark colours", { viewport: SIZES.desktop, colorScheme: "dark" }],
];

for (const [name, { direction, language = "en", whole = false, ...options }] of VIEWS) {
  browserTest(
    `axe-core finds nothing, and nothing is cut off, on any screen at ${name}`,
    async (t, browser) => {
      const seen: string[] = [];
      await takeTour({
        t,
        browser,
        ann: await settle(t),
        options: { ...options, bypassCSP: true },
        language,
        see: async (screen, page) => {
          if (direction) await page.evaluate(`document.documentElement.dir = "${direction}"`);
          await judge(page, screen);
          seen.push(screen);
        },
      });
      ok(seen.length >= (whole ? 24 : 23), seen.join());
    },
    { whole },
  );
}
