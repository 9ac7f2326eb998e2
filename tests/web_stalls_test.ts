// A network that stalls in the middle of an answer, without an end and without an error.

import type { Browser, Page } from "playwright-core";
import { deepEqual, equal } from "./assert.ts";
import { BOB, eventually, friends, type TestApp } from "./support.ts";
import { browserTest, bubbles, field, openAs, ticked, write } from "./web_window.ts";

/**
 * Runs in the page: answers to the paths in `stalling` stop after their first bytes, until the client gives
 * them up.
 */
const STALL = `globalThis.stalling = "";
globalThis.stalled = 0;
const ask = fetch;
globalThis.fetch = async (address, init) => {
  const answer = await ask(address, init);
  if (stalling === "" || !String(address).includes(stalling)) return answer;
  stalled += 1;
  const start = new Uint8Array(await answer.arrayBuffer()).slice(0, 9);
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(start);
      init.signal.addEventListener("abort", () => controller.error(init.signal.reason));
    },
  });
  return new Response(body, answer);
};`;

async function openStalling(t: TestApp, browser: Browser, path: string) {
  const [ann, bob] = await friends(t);
  const { page, errors } = await openAs(t, browser, ann, { path, script: STALL });
  await page.clock.install();
  return { ann, bob, page, errors };
}

/** Waits for an answer to stall, then lets it time out. */
async function wait(page: Page): Promise<void> {
  await eventually(() => page.evaluate("stalled > 0") as Promise<boolean>);
  await page.evaluate("stalling = ''");
  await page.clock.fastForward(121_000);
}

browserTest(
  "a message whose answer stops half-way is sent again, blocks none after it, and exists once",
  async (t, browser) => {
    const { page, errors } = await openStalling(t, browser, `/app#/thread/${BOB}`);
    await field(page).waitFor();
    await page.evaluate("stalling = '/api/messages/send'");
    await write(page, "One");
    await write(page, "Two");
    await wait(page);
    await page.clock.fastForward(5_000);
    await eventually(async () => deepEqual(await bubbles(page), ["One", "Two"]));
    await ticked(page, "Sent");
    equal(await t.sql`select from messages`.then((rows) => rows.length), 2);
    deepEqual(errors, []);
  },
);

browserTest(
  "a row of the list whose answer stops half-way does not block the next",
  async (t, browser) => {
    const { ann, bob, page, errors } = await openStalling(t, browser, "/app");
    await page.locator(".row").waitFor();
    await page.evaluate("stalling = '/api/contacts'");
    await t.send(bob, ann, "One");
    await wait(page);
    await t.send(bob, ann, "Two");
    await eventually(async () => deepEqual(await page.locator(".badge").allInnerTexts(), ["2"]));
    deepEqual(errors, []);
  },
);
