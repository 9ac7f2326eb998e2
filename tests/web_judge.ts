// A screen as axe-core judges it, and whether all of it fits.

import { deepEqual } from "./assert.ts";
import type { Page } from "playwright-core";

const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));

/** In the page: everything that reaches out of the screen, but what ends in dots. */
const TOO_WIDE = `[...document.querySelectorAll("body *")]
  .filter((element) => element.getClientRects().length > 0 && !element.closest("[hidden], .heard, .clip, .row-about, .row-name, svg"))
  .filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return right > innerWidth + 1 || left < -1;
  })
  .map((element) => element.className || element.tagName)`;

/** The page's own policy keeps every script out, also this one's: open it with `bypassCSP`. */
export async function judge(page: Page, name: string): Promise<void> {
  // The client is one page for all its screens, and to read the library takes as long as to run it.
  if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(AXE);
  const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    "axe.run({ resultTypes: ['violations'] }).then((found) => found.violations)",
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  deepEqual(found, [], `${name}\n${found.join("\n")}`);
  const tooWide = await page.evaluate<string[]>(TOO_WIDE);
  deepEqual(tooWide, [], `${name}\n${tooWide.join("\n")}`);
}
