// Checks a screen by axe-core, and that everything fits on it.

import type { Page } from "playwright-core";
import { deepEqual } from "./assert.ts";

const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));

/** Runs in the page: all elements that reach beyond the screen, except text that is cut with an ellipsis. */
const TOO_WIDE = `[...document.querySelectorAll("body *")]
  .filter((element) => element.getClientRects().length > 0 && !element.closest("[hidden], .heard, .clip, .row-about, .row-name, svg"))
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return right > innerWidth + 1 || left < -1;
  })
  .map((element) => element.className || element.tagName)`;

/** Needs a page opened with `bypassCSP`, because the page's policy blocks this script. */
export async function judge(page: Page, name: string): Promise<void> {
  // Loaded once, because all screens are one page, and loading it takes as long as running it.
  if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(AXE);
  const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    "axe.run({ resultTypes: ['violations'] }).then((found) => found.violations)",
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  deepEqual(found, [], `${name}\n${found.join("\n")}`);
  const tooWide = await page.evaluate<string[]>(TOO_WIDE);
  deepEqual(tooWide, [], `${name}\n${tooWide.join("\n")}`);
}
