// Only what changes on a screen is redrawn, because a keypad phone takes a hundred times as long for it.

import type { Browser, Page } from "playwright-core";
import { equal, match, ok } from "./assert.ts";
import { ANN, eventually, friends, succeeded, type TestApp } from "./support.ts";
import { browserTest, bubbles, openAs, type OpenOptions, SIZES } from "./web_window.ts";

/** In the page: counts the formatters created and the times formatted; every bubble and row shows one. */
const COUNT = `
  const counts = window.counts = { made: 0, written: 0 };
  for (const name of ["toLocaleTimeString", "toLocaleDateString", "toLocaleString"]) {
    const own = Date.prototype[name];
    Date.prototype[name] = function (...args) { counts.made += 1; return own.apply(this, args); };
  }
  const { get } = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, "format");
  Object.defineProperty(Intl.DateTimeFormat.prototype, "format", {
    get() { counts.written += 1; return get.call(this); },
  });
  Intl.DateTimeFormat = new Proxy(Intl.DateTimeFormat, {
    construct(target, args) { counts.made += 1; return new target(...args); },
  });`;

/** The counts since the last call. */
function counted(page: Page): Promise<{ made: number; written: number }> {
  return page.evaluate(`(() => {
    const now = { ...counts };
    counts.made = counts.written = 0;
    return now;
  })()`);
}

const MANY = 35;

/** A conversation with Bob, who has said hello. */
async function openThread(t: TestApp, browser: Browser, options: OpenOptions) {
  const [me, bob] = await friends(t);
  succeeded(await t.send(bob, me, "Hello"));
  const { page } = await openAs(t, browser, me, { path: `/app#/thread/${bob.phone}`, ...options });
  return { page, me, bob };
}

browserTest("a new message in a long conversation is the only one that is drawn", async (t, browser) => {
  const { page, me, bob } = await openThread(t, browser, { script: COUNT });
  for (let nth = 0; nth < MANY; nth += 1) succeeded(await t.send(bob, me, `Word ${nth}`));
  await eventually(async () => equal((await bubbles(page)).length, MANY + 1), 20_000);
  await quiet(page);
  await counted(page);

  succeeded(await t.send(bob, me, "One more"));
  await page.getByText("One more").waitFor();
  await quiet(page);
  const { made, written } = await counted(page);
  equal(made, 0);
  // It arrives, is delivered and is seen, and the one before it is no longer the newest.
  ok(written >= 1 && written <= 8, `${written}`);
});

browserTest("a changed row of the list is the only one that is drawn", async (t, browser) => {
  const ann = await t.signUp(ANN);
  const others = await Promise.all(
    Array.from({ length: MANY }, (_, nth) => t.signUp(`+1415556${1000 + nth}`)),
  );
  for (const other of others) await t.befriend(other, ann);
  const { page } = await openAs(t, browser, ann, { script: COUNT });
  await page.locator(".row").nth(MANY - 1).waitFor();
  await quiet(page);
  ok((await counted(page)).made <= 3);

  succeeded(await t.send(others[3]!, ann, "Hello"));
  await page.locator(".badge").waitFor();
  await quiet(page);
  const { made, written } = await counted(page);
  equal(made, 0);
  ok(written >= 1 && written <= 8, `${written}`);
});

/** Waits until no time has been formatted for a second. */
async function quiet(page: Page): Promise<void> {
  await page.waitForFunction(`new Promise((resolve) => {
    const before = counts.written;
    setTimeout(() => resolve(counts.written === before), 1_000);
  })`);
}

browserTest(
  "times are those of the phone's current time zone, even if zones differ only in summer",
  async (t, browser) => {
    const { page, me, bob } = await openThread(t, browser, { path: "/app" });
    succeeded(await t.send(bob, me, "Are you there?"));
    await t.sql`
      update messages set created_at = case body when 'Hello' then '2026-01-10 10:00Z' else '2026-07-10 10:00Z' end::timestamptz`;
    const session = await page.context().newCDPSession(page);
    for (const timezoneId of ["Europe/Berlin", "Africa/Lagos", "Asia/Tokyo"]) {
      await session.send("Emulation.setTimezoneOverride", { timezoneId });
      if (timezoneId === "Europe/Berlin") await page.locator(".row").click();
      succeeded(await t.send(bob, me, timezoneId));
      await page.locator(".bubble:not(.new)", { hasText: timezoneId }).waitFor();
      for (const time of await page.locator(".bubble time").all()) {
        const at = new Date((await time.getAttribute("datetime"))!);
        const there = { hour: "numeric", minute: "2-digit", timeZone: timezoneId } as const;
        equal(await time.innerText(), at.toLocaleTimeString("en", there), timezoneId);
      }
    }
    equal(await page.locator(".bubble").count(), 5);
  },
);

browserTest(
  "today's times are shown as another day's after a night without news",
  async (t, browser) => {
    const { page } = await openThread(t, browser, {
      viewport: SIZES.desktop,
      path: "/app",
      timezoneId: "UTC",
    });
    await page.clock.install();
    await page.reload();
    await page.locator(".row").click();
    await page.locator(".day", { hasText: "Today" }).waitFor();
    const time = page.locator(".row time");
    match(await time.innerText(), /^\d+:\d\d/);
    await page.locator(".badge").waitFor({ state: "detached" });
    await page.clock.fastForward("24:00:00");
    await page.locator(".day", { hasText: "Yesterday" }).waitFor();
    const at = new Date((await time.getAttribute("datetime"))!);
    equal(
      await time.innerText(),
      at.toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" }),
    );
  },
);
