// How much has to arrive before somebody on a slow network sees the page, and can use it. How long that takes
// over 250 kbit/s and 300 ms is printed, not asserted: it depends on what else runs on this machine.

import type { Page } from "playwright-core";
import { deepEqual, equal, ok } from "./assert.ts";
import { eventually } from "./support.ts";
import { browserTest } from "./web_window.ts";

const KBIT_BYTES = 1_000 / 8;
const SLOW = {
  offline: false,
  latency: 300,
  downloadThroughput: 250 * KBIT_BYTES,
  uploadThroughput: 250 * KBIT_BYTES,
};
/** What a new connection carries in its first round trip (RFC 6928): ten segments. */
const FIRST_FLIGHT_BYTES = 10 * 1_460;

interface Arrived {
  paths: string[];
  bytes: number;
}

/** Milliseconds from the request of the page to its first contentful paint. */
async function firstPaint(page: Page): Promise<number> {
  let at: number | null = null;
  await eventually(async () => {
    at = await page.evaluate<number | null>(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null",
    );
    return at !== null;
  }, 20_000);
  return at!;
}

/** Lets nothing but these paths arrive in this page; records what arrives. */
async function letThrough(page: Page, ...paths: RegExp[]): Promise<Arrived> {
  const devtools = await page.context().newCDPSession(page);
  const arrived: Arrived = { paths: [], bytes: 0 };
  devtools.on(
    "Network.responseReceived",
    ({ response }) => arrived.paths.push(new URL(response.url).pathname),
  );
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => arrived.bytes += encodedDataLength);
  await devtools.send("Network.enable");
  await page.route("**/*", async (route) => {
    const { pathname } = new URL(route.request().url());
    // A request that is neither continued nor aborted stays pending.
    if (paths.some((path) => path.test(pathname))) await route.continue();
  });
  return arrived;
}

browserTest(
  "the first paint waits for a single response, which fits into a connection's first flight",
  async (t, browser) => {
    const page = await browser.newPage();
    const arrived = await letThrough(page, /^\/app$/);
    await page.goto(`${t.url}/app`, { waitUntil: "commit" });
    await firstPaint(page);
    await page.getByRole("heading", { name: "PuffinTalk" }).waitFor();
    deepEqual(arrived.paths, ["/app"]);
    await eventually(() => arrived.bytes > 0);
    ok(arrived.bytes <= FIRST_FLIGHT_BYTES, `${arrived.bytes}`);
  },
);

browserTest(
  "if no script of the page runs for a while, the page says what the reason may be",
  async (t, browser) => {
    const page = await browser.newPage({ viewport: { width: 240, height: 320 } });
    await letThrough(page, /^\/app$/);
    await page.goto(`${t.url}/app`, { waitUntil: "commit" });
    const reasons = page.getByText("PuffinTalk.");
    await eventually(async () => equal(await reasons.count(), 2));
    await page.waitForFunction("document.getAnimations().length === 2");
    equal(await reasons.filter({ visible: true }).count(), 0);
    await page.evaluate("document.getAnimations().forEach((one) => one.finish())");
    equal(await reasons.filter({ visible: true }).count(), 2);
  },
);

browserTest("the page is usable as soon as its only script has arrived", async (t, browser) => {
  const page = await browser.newPage();
  const arrived = await letThrough(page, /^\/app$/, /^\/app\/main-\w+\.js$/);
  await page.goto(`${t.url}/app`, { waitUntil: "commit" });
  await page.locator("#phone:focus").waitFor();
  deepEqual(arrived.paths.map((path) => path.replace(/-\w+/, "")), ["/app", "/app/main.js"]);
});

browserTest(
  "the page paints and is usable over 250 kbit/s and 300 ms; the times are printed",
  async (t, browser) => {
    const page = await browser.newPage();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Network.enable");
    await devtools.send("Network.emulateNetworkConditions", SLOW);
    await page.goto(`${t.url}/app`, { waitUntil: "commit" });
    const painted = await firstPaint(page);
    await page.locator("#phone:focus").waitFor();
    const usable = await page.evaluate<number>("performance.now()");
    console.log(
      `First contentful paint after ${Math.round(painted)} ms, usable after ${Math.round(usable)} ms`,
    );
    const blocking = await page.evaluate<string[]>(
      "performance.getEntriesByType('resource').filter((one) => one.renderBlockingStatus === 'blocking').map(({ name }) => name)",
    );
    deepEqual(blocking, []);
  },
);
