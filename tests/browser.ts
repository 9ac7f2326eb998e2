// A real browser: the system's Chromium, where there is one.

import { type Browser, chromium } from "playwright-core";

/** Where Debian installs it. */
const BROWSER = "/usr/bin/chromium";
export const hasBrowser = await Deno.stat(BROWSER).then(() => true, () => false);
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--mute-audio",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

export async function withBrowser(run: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
  try {
    await run(browser);
  } catch (error) {
    for (const page of browser.contexts().flatMap((context) => context.pages())) {
      console.error(`Shown at ${page.url()}:`, await page.ariaSnapshot({ timeout: 1_000 }).catch(String));
    }
    throw error;
  } finally {
    await browser.close();
  }
}
