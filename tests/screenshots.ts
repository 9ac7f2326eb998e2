// `deno task screenshots`: what the page of an invitation looks like, into docs/screenshots/, and every screen of the web
// client, into docs/web/.

import type { Page } from "playwright-core";
import { ok } from "./assert.ts";
import { withBrowser } from "./browser.ts";
import { passStates } from "./invite_states.ts";
import { withApp } from "./support.ts";
import { settle, takeTour } from "./web_tour.ts";
import { SIZES as WEB_SIZES } from "./web_window.ts";

const FOLDER = new URL("../docs/screenshots/", import.meta.url);
const WEB_FOLDER = new URL("../docs/web/", import.meta.url);
/** The screens of a keypad phone, a larger one, and a desktop. */
const SIZES = [[128, 160], [240, 320], [1280, 800]] as const;
const BYTES_MAX = 40_000;
const WEB_BYTES_MAX = 200_000;

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
    }, { whole: true })
  ));

Deno.test("every screen of the web client is pictured at every size", () =>
  withApp((t) =>
    withBrowser(async (browser) => {
      await Deno.mkdir(WEB_FOLDER, { recursive: true });
      const ann = await settle(t);
      const views = Object.values(WEB_SIZES).map((viewport) => ({ viewport, colorScheme: "light" as const }));
      for (const { viewport, colorScheme } of views) {
        const see = async (name: string, page: Page) => {
          const { width, height } = viewport;
          const path = new URL(`${name}-${width}x${height}.png`, WEB_FOLDER).pathname;
          const picture = await page.screenshot({ path, caret: "initial" });
          ok(picture.length < WEB_BYTES_MAX, `${path} has ${picture.length} bytes`);
        };
        await takeTour({ t, browser, ann, options: { viewport, colorScheme }, see });
      }
    }, { whole: true })
  ));
