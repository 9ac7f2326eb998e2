// The web client in real windows, each with a browser profile of its own, driven by keys or by a mouse.

import { Buffer } from "node:buffer";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { deepEqual, equal } from "./assert.ts";
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
  /** Errors of the page; there should be none. */
  errors: string[];
}

export type OpenOptions = BrowserContextOptions & {
  path?: string;
  /** A script that runs in every page before its own. */
  script?: string;
};

/** Opens the web client in a new window. */
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
  // Interception has to be on before the first page. Otherwise, in three windows of a hundred, the service
  // worker takes over the page and routes that a test adds later see no requests.
  await context.route(() => false, (route) => route.continue());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // Chromium itself logs every HTTP error and every lost connection.
    if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text())) {
      errors.push(message.text());
    }
  });
  await page.goto(t.url + path);
  return { page, errors };
}

/** Opens the client for somebody who has signed in there before. */
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
  // The static page already has a screen before the script renders one.
  await window.page.locator(".screen[data-scope]:not(.enter)").first().waitFor();
  return window;
}

/** Two friends, each in a window that shows the thread with the other. */
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

/** A test with a service of its own and a browser. @param options `whole` as in `withBrowser` */
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

/** A test of two friends in their windows; an error of a page that the test does not expect fails it. */
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

/** The field for a message. */
export function field(page: Page): Locator {
  return page.getByLabel("Message", { exact: true });
}

/** Writes a message and sends it by Enter. */
export async function write(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

/** Signs up or in by typing, until the list is shown. */
export async function enter(t: Pick<TestApp, "codeFor">, page: Page, phone: string): Promise<void> {
  await page.locator("#phone:focus").waitFor();
  await page.keyboard.type(phone);
  await page.keyboard.press("Enter");
  await page.locator("#code:focus").waitFor();
  await page.keyboard.type(t.codeFor(phone));
  await page.locator(".chats").waitFor();
}

/** Presses keys in order. */
export async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Moves the focus down, or up, until the focused element has this name. */
export async function moveTo(page: Page, name: string | RegExp, key = "ArrowDown"): Promise<void> {
  for (let moves = 0; moves < 30; moves += 1) {
    if (matches(await focused(page), name)) return;
    await page.keyboard.press(key);
  }
  equal(await focused(page), String(name));
}

/** The focused element's name, as a screen reader announces it. */
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

/** The texts of a thread's messages, oldest first, without their times. */
export function bubbles(page: Page): Promise<string[]> {
  return page.locator(".bubble .words").allInnerTexts();
}

/** Waits until the newest own message has this tick. */
export async function ticked(page: Page, label: string): Promise<void> {
  await eventually(
    async () => equal(await page.locator(".mine .ticks").last().getAttribute("aria-label"), label),
    20_000,
  );
}

/** Picks a file with these bytes, as a person does. */
export async function pick(page: Page, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const file = { name: "voice.wav", mimeType: "audio/wav", buffer: Buffer.from(bytes) };
  await page.locator("input[type=file]").setInputFiles(file);
  await page.getByLabel("Caption").waitFor();
}
