// The page of an invitation in Chromium: on a keypad phone's screen, by keys alone, and checked by axe-core.

import type { Page } from "playwright-core";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { hasBrowser, withBrowser } from "./browser.ts";
import { passStates } from "./invite_states.ts";
import { inviteLink, statusOf } from "./page_calls.ts";
import { ANN, BOB, type Person, type TestApp, withApp } from "./support.ts";
import { judge } from "./web_judge.ts";
import { browserTest } from "./web_window.ts";

const SMALL = { width: 240, height: 320 };

interface Opened {
  t: TestApp;
  page: Page;
  ann: Person;
  /** Every address that the browser requested. */
  asked: string[];
}

/** Opens Ann's invitation to Bob on a small screen. */
function withPage(javaScriptEnabled: boolean, run: (opened: Opened) => Promise<void>): Promise<void> {
  return withApp((t) =>
    withBrowser(async (browser) => {
      const page = await browser.newPage({ javaScriptEnabled, viewport: SMALL });
      page.setDefaultTimeout(10_000);
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      const ann = await t.signUp(ANN);
      await page.goto(t.url + await inviteLink(t, ann, BOB));
      await run({ t, page, ann, asked });
    })
  );
}

/** Presses a key that leads to another page. */
async function go(page: Page, key: string): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.keyboard.press(key)]);
}

/** Waits until the field has focused itself, then types the code and submits it. */
async function typeCode(page: Page, code: string): Promise<void> {
  await page.locator("#passcode:focus").waitFor();
  await page.keyboard.type(code);
  await go(page, "Enter");
  await page.locator("[accesskey='1']:focus").waitFor();
}

/** Runs in the page: what has the focus, whether it is outlined, and whether all of it is on the screen. */
const FOCUS = `(() => {
  const element = document.activeElement;
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return {
    name: element.id || element.textContent.trim(),
    outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    visible: left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight,
  };
})()`;

/** What has the focus, which has to be outlined and visible. */
async function focused(page: Page): Promise<string> {
  const { name, ...seen } = await page.evaluate<{ name: string; outlined: boolean; visible: boolean }>(FOCUS);
  deepEqual(seen, { outlined: true, visible: true }, name);
  return name;
}

for (const javaScriptEnabled of [true, false]) {
  const way = `at 240x320 by keys alone, JavaScript ${javaScriptEnabled ? "on" : "off"}`;

  Deno.test({
    name: `the whole way from the link to friendship goes ${way}`,
    ignore: !hasBrowser,
    fn: () =>
      withPage(javaScriptEnabled, async ({ t, page, ann, asked }) => {
        await page.keyboard.press("Tab");
        equal(await focused(page), "Send me a code");
        await go(page, "Enter");
        await page.locator("#passcode:focus").waitFor();
        equal(await focused(page), "passcode");
        await typeCode(page, t.codeFor(BOB));
        equal(await focused(page), "1 Accept");
        await go(page, "Enter");
        match(await page.innerText("main"), /You are friends now/);
        await page.keyboard.press("Tab");
        equal(await focused(page), "Go to PuffinTalk");
        equal(await statusOf(t, ann, BOB), "accepted");
        deepEqual(new Set(asked.map((address) => new URL(address).origin)), new Set([t.url]));
        // The page itself, and with JavaScript the script that hands over to the web client.
        equal(new Set(asked).size, javaScriptEnabled ? 2 : 1);
      }),
  });

  Deno.test({
    name: `a request is declined, and all invitations stopped, ${way}`,
    ignore: !hasBrowser,
    fn: () =>
      withPage(javaScriptEnabled, async ({ t, page, ann }) => {
        await page.keyboard.press("Tab");
        await page.keyboard.press("Tab");
        equal(await focused(page), "Never invite me again");
        await go(page, "Enter");
        match(await page.innerText("main"), /No invitation will be sent/);
        await page.keyboard.press("Tab");
        await go(page, "Enter");

        await page.keyboard.press("Tab");
        await go(page, "Enter");
        await typeCode(page, t.codeFor(BOB));
        await page.keyboard.press("Tab");
        equal(await focused(page), "2 Decline");
        await go(page, "Enter");
        match(await page.innerText("main"), /You declined/);
        equal(await statusOf(t, ann, BOB), "requesting");
      }),
  });
}

Deno.test({
  name: "one key answers the request if there are access keys: 1 accepts, 2 declines",
  ignore: !hasBrowser,
  fn: async () => {
    for (const [key, said] of [["1", /You are friends now/], ["2", /You declined/]] as const) {
      await withPage(false, async ({ t, page }) => {
        await page.keyboard.press("Tab");
        await go(page, "Enter");
        await typeCode(page, t.codeFor(BOB));
        await Promise.all([page.waitForEvent("load"), pressAccessKey(page, key)]);
        match(await page.innerText("main"), said);
      });
    }
  },
});

/** Playwright's own keyboard leaves out the text by which Chromium recognises an access key. */
async function pressAccessKey(page: Page, key: string): Promise<void> {
  const alt = 1;
  const session = await page.context().newCDPSession(page);
  await session.send("Input.dispatchKeyEvent", {
    type: "keyDown",
    text: key,
    modifiers: alt,
    key,
    code: `Digit${key}`,
    windowsVirtualKeyCode: key.charCodeAt(0),
    unmodifiedText: key,
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(
    `axe-core finds nothing, and no line is cut off, on any state of the page in ${colorScheme} colours`,
    async (t, browser) => {
      // The page's own policy blocks every script, including axe-core.
      const page = await browser.newPage({ bypassCSP: true, colorScheme });
      const seen: string[] = [];
      await passStates(t, page, async (name) => {
        for (const [width, height] of [[128, 160], [240, 320], [1280, 800]] as const) {
          await page.setViewportSize({ width, height });
          await judge(page, `${name} ${width}`);
          ok(
            await page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
            `${name} ${width}`,
          );
        }
        seen.push(name);
      });
      ok(seen.length >= 9);
    },
  );
}
