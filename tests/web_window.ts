// The web client in real windows: each its own browser profile, driven by keys or by a mouse.

import { deepEqual, equal } from "./assert.ts";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { hasBrowser, withBrowser } from "./browser.ts";
import { eventually, friends, type Person, type TestApp, type TestOptions, withApp } from "./support.ts";

export const SIZES = {
  tiny: { width: 128, height: 160 },
  keypad: { width: 240, height: 320 },
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
} as const;

export interface Window {
  page: Page;
  /** What went wrong in the page, which should be nothing. */
  errors: string[];
}

export type OpenOptions = BrowserContextOptions & {
  path?: string;
  /** Run in every page before its own. */
  script?: string;
};

/** Opens the web client in a browser of its own. */
export async function openWindow(
  t: Pick<TestApp, "url">,
  browser: Browser,
  options: OpenOptions = {},
): Promise<Window> {
  const { path = "/app", script, ...more } = options;
  const context = await browser.newContext({
    viewport: SIZES.keypad,
    locale: "en-US",
    permissions: ["microphone", "notifications"],
    ...more,
  });
  if (script !== undefined) await context.addInitScript(script);
  // Requests are watched before the first page: what a test routes later misses all of them otherwise, in three windows of a
  // hundred, where the service worker took the page over meanwhile.
  await context.route(() => false, (route) => route.continue());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // Chromium itself writes a line for every refusal, and for a network that is gone.
    if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text())) {
      errors.push(message.text());
    }
  });
  await page.goto(t.url + path);
  return { page, errors };
}

/** Opens it for somebody who has signed in there before. */
export async function openAs(
  t: Pick<TestApp, "url">,
  browser: Browser,
  { phone, token }: Person,
  options: OpenOptions = {},
): Promise<Window> {
  const expires_at = new Date(Date.now() + 30 * 24 * 60 * 60 * 1_000).toISOString();
  const session = JSON.stringify({ token, expires_at, phone_number: phone });
  const origin = { origin: t.url, localStorage: [{ name: "puffintalk.session", value: session }] };
  const window = await openWindow(t, browser, {
    storageState: { cookies: [], origins: [origin] },
    ...options,
  });
  // The page itself has a screen before its script has one.
  await window.page.locator(".screen[data-scope]:not(.enter)").first().waitFor();
  return window;
}

/** Two friends, each in a window that shows the other. */
export async function openFriends(
  t: TestApp,
  browser: Browser,
  options: [OpenOptions, OpenOptions] = [{}, {}],
): Promise<{ ann: Window & Person; bob: Window & Person }> {
  const people = await friends(t);
  const open = async (me: Person, peer: Person, more: OpenOptions) => ({
    ...me,
    ...await openAs(t, browser, me, { path: `/app#/thread/${peer.phone}`, ...more }),
  });
  const ann = await open(people[0], people[1], options[0]);
  const bob = await open(people[1], people[0], options[1]);
  for (const { page } of [ann, bob]) await field(page).waitFor();
  return { ann, bob };
}

export type Friends = Awaited<ReturnType<typeof openFriends>>;

/** A test with a service of its own, and windows. @param options `whole` as `withBrowser` has it */
export function browserTest(
  name: string,
  run: (t: TestApp, browser: Browser) => Promise<void>,
  { whole = false, ...options }: TestOptions & { whole?: boolean } = {},
): void {
  Deno.test({
    name,
    ignore: !hasBrowser,
    fn: () => withApp((t) => withBrowser((browser) => run(t, browser), { whole }), options),
  });
}

/** A test of two friends in their windows, in which nothing may go wrong that the test does not look for. */
export function friendsTest(
  name: string,
  run: (t: TestApp, friends: Friends) => Promise<void>,
  options?: [OpenOptions, OpenOptions],
): void {
  browserTest(name, async (t, browser) => {
    const friends = await openFriends(t, browser, options);
    await run(t, friends);
    deepEqual([friends.ann.errors, friends.bob.errors], [[], []]);
  });
}

/** Where a message is written. */
export function field(page: Page): Locator {
  return page.getByLabel("Message", { exact: true });
}

/** Writes a message and sends it by Enter. */
export async function write(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

/** Signs up or in by typing, as far as the list. */
export async function enter(t: Pick<TestApp, "codeFor">, page: Page, phone: string): Promise<void> {
  await page.locator("#phone:focus").waitFor();
  await page.keyboard.type(phone);
  await page.keyboard.press("Enter");
  await page.locator("#code:focus").waitFor();
  await page.keyboard.type(t.codeFor(phone));
  await page.locator(".chats").waitFor();
}

/** Presses keys one after the other. */
export async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Moves down, or up, until what has the focus says this. */
export async function moveTo(page: Page, name: string | RegExp, key = "ArrowDown"): Promise<void> {
  for (let moves = 0; moves < 30; moves += 1) {
    if (matches(await focused(page), name)) return;
    await page.keyboard.press(key);
  }
  equal(await focused(page), String(name));
}

/** What has the focus: its name as a screen reader says it. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    const element = document.activeElement;
    if (element === document.body) return "";
    return element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.innerText.trim();
  })()`);
}

function matches(text: string, name: string | RegExp): boolean {
  return typeof name === "string" ? text === name : name.test(text);
}

/** What the bubbles of a thread say, oldest first, without their times. */
export function bubbles(page: Page): Promise<string[]> {
  return page.locator(".bubble .words").allInnerTexts();
}

/** Waits until the newest of one's own messages has this tick. */
export async function ticked(page: Page, label: string): Promise<void> {
  await eventually(
    async () => equal(await page.locator(".mine .ticks").last().getAttribute("aria-label"), label),
    20_000,
  );
}
