// `deno task screenshots`: what the page of an invitation looks like, into docs/screenshots/.

import { ok } from "node:assert/strict";
import { withBrowser } from "./browser.ts";
import { passStates } from "./invite_states.ts";
import { withApp } from "./support.ts";

const FOLDER = new URL("../docs/screenshots/", import.meta.url);
/** A keypad phone's screen, a small smartphone's, a desktop's. */
const SIZES = [[128, 160], [240, 320], [1280, 800]] as const;
const BYTES_MAX = 40_000;

Deno.test("every state of an invitation's page is pictured, in files that a repository can hold", () =>
  withApp((t) =>
    withBrowser(async (browser) => {
      await Deno.mkdir(FOLDER, { recursive: true });
      const page = await browser.newPage({ javaScriptEnabled: false });
      await passStates(t, page, async (name) => {
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          const path = new URL(`${name}-${width}x${height}.png`, FOLDER).pathname;
          const picture = await page.screenshot({ path, fullPage: true, caret: "initial" });
          ok(picture.length < BYTES_MAX, `${path} has ${picture.length} bytes`);
        }
      });
    })
  ));
