// A real browser: the system's Chromium, if installed.

import { type Browser, chromium } from "playwright-core";

/** Where Debian installs it. */
const WHOLE = "/usr/bin/chromium";
/** Chromium without windows and notifications, which takes half the CPU. */
const SHELL = "/usr/bin/chromium-headless-shell";
const isThere = (path: string) => Deno.stat(path).then(() => true, () => false);
export const hasBrowser = await isThere(WHOLE);
const LIGHTEST = await isThere(SHELL) ? SHELL : WHOLE;
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

/**
 * Playwright's signal handlers are off: with them the tests would go on after a signal. A browser whose tests
 * are gone ends by itself.
 */
const UNHEARD = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };

/** One browser of each kind for all tests of a file: starting one takes longer than opening a window. */
const running = new Map<string, Browser>();

Deno.test.afterAll(async () => {
  for (const browser of running.values()) await browser.close();
  running.clear();
});

/**
 * Runs with a browser without open windows, and closes those that the test opens.
 * @param options `whole` for a browser with all features, notifications included
 */
export async function withBrowser(
  run: (browser: Browser) => Promise<void>,
  { whole = false } = {},
): Promise<void> {
  const browser = await browserAt(whole ? WHOLE : LIGHTEST);
  try {
    await run(browser);
  } catch (error) {
    for (const page of browser.contexts().flatMap((context) => context.pages())) {
      console.error(`Shown at ${page.url()}:`, await page.ariaSnapshot({ timeout: 1_000 }).catch(String));
    }
    throw error;
  } finally {
    await clear(browser);
  }
}

/** If a window does not close, the browser is closed. */
async function clear(browser: Browser): Promise<void> {
  const closed = await Promise.allSettled(browser.contexts().map((context) => context.close()));
  if (closed.some(({ status }) => status === "rejected")) await browser.close().catch(() => {});
}

async function browserAt(executablePath: string): Promise<Browser> {
  const known = running.get(executablePath);
  if (known?.isConnected()) return known;
  const browser = await chromium.launch({ executablePath, args: FLAGS, ...UNHEARD });
  running.set(executablePath, browser);
  return browser;
}
