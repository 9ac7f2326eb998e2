// The user's place in a conversation and in the list: it opens at the newest message, and no place is lost.

import type { Locator, Page } from "playwright-core";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { statuses } from "./mark_calls.ts";
import { ANN, BOB, CAT, eventually, friends, type Person, succeeded, type TestApp } from "./support.ts";
import { browserTest, field, focused, openAs, type OpenOptions, press, SIZES } from "./web_window.ts";

/** Two friends, and this many texts from Bob to Ann. */
async function talked(t: TestApp, count: number): Promise<[ann: Person, bob: Person]> {
  const [ann, bob] = await friends(t);
  for (let number = 1; number <= count; number += 1) succeeded(await t.send(bob, ann, `Message ${number}.`));
  return [ann, bob];
}

function bubble(page: Page, text: string): Locator {
  return page.locator(".bubble", { hasText: text });
}

/** Whether all of it is visible in its scroll container. */
async function isInView(element: Locator): Promise<boolean> {
  const box = await element.boundingBox();
  const view = await element.locator("xpath=ancestor::*[@data-scroll]").boundingBox();
  return box!.y >= view!.y - 1 && box!.y + box!.height <= view!.y + view!.height + 1;
}

/** The text of the focused message or row; asserts that all of it is visible. */
async function seenFocus(page: Page): Promise<string> {
  const holder = page.locator(":focus");
  const text = await holder.locator(".words, .row-about bdi, .row-name bdi").last().innerText({
    timeout: 1_000,
  });
  ok(await isInView(holder), `${text} has the focus and is not to be seen`);
  return text;
}

const TOUCH: [string, OpenOptions][] = [
  ["390x844", { viewport: SIZES.phone, hasTouch: true }],
  ["1280x800", { viewport: SIZES.desktop, hasTouch: true }],
];

for (const [size, options] of TOUCH) {
  browserTest(
    `on a touch screen of ${size} a conversation opens at its newest message whenever it is opened`,
    async (t, browser) => {
      const [ann, bob] = await talked(t, 50);
      const { page } = await openAs(t, browser, ann, options);
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      for (let times = 1; times <= 3; times += 1) {
        await page.locator(".row", { hasText: BOB }).click();
        await bubble(page, "Message 50.").waitFor();
        await eventually(async () => ok(await isInView(bubble(page, "Message 50."))));
        await eventually(async () => equal(await seenFocus(page), "Message 50."));
        await page.getByRole("main").getByRole("button", { name: "Back" }).click();
        await page.getByRole("log").waitFor({ state: "detached" });
      }
      await page.locator(".row", { hasText: BOB }).click();
      await field(page).waitFor();
      await t.send(bob, ann, "The newest");
      await bubble(page, "The newest").waitFor();
      await eventually(async () => equal((await statuses(t, bob, ANN)).at(-1), "seen"));
      ok(await isInView(bubble(page, "The newest")));
      deepEqual(asked.filter((url) => url.includes("before=")), []);
    },
  );

  browserTest(
    `on a touch screen of ${size} an address leads to the newest message, however late the list comes`,
    async (t, browser) => {
      const [ann] = await talked(t, 50);
      const listAsked = Promise.withResolvers<void>();
      const { page } = await openAs(t, browser, ann, options);
      await page.route("**/api/contacts", async (route) => {
        await listAsked.promise;
        await route.continue();
      });
      await page.evaluate(
        "indexedDB.databases().then((all) => all.forEach(({ name }) => indexedDB.deleteDatabase(name)))",
      );
      await page.goto(`${t.url}/app#/thread/${BOB}`);
      await page.reload();
      await bubble(page, "Message 50.").waitFor();
      listAsked.resolve();
      await field(page).waitFor();
      await eventually(async () => equal(await seenFocus(page), "Message 50."));
    },
  );
}

browserTest(
  "a newest message that is taller than a touch screen is opened at its end, and later ones are in view",
  async (t, browser) => {
    const [ann, bob] = await talked(t, 1);
    await t.send(bob, ann, "Long. ".repeat(600));
    const { page } = await openAs(t, browser, ann, { viewport: SIZES.phone, hasTouch: true });
    for (const text of ["Next 1", "Next 2"]) {
      await page.locator(".row", { hasText: BOB }).click();
      await page.locator(".bubble:focus").waitFor();
      await field(page).waitFor();
      await t.send(bob, ann, text);
      await bubble(page, text).waitFor();
      await eventually(async () => ok(await isInView(bubble(page, text))));
      await t.send(bob, ann, "Long. ".repeat(600));
      await eventually(async () => equal(await page.locator(".bubble").count(), text === "Next 1" ? 4 : 6));
      await page.getByRole("button", { name: "Back" }).click();
    }
  },
);

browserTest(
  "messages that arrive below while older ones are read are seen only when the reader scrolls to them",
  async (t, browser) => {
    const [ann, bob] = await talked(t, 30);
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
    await bubble(page, "Message 30.").waitFor();
    await eventually(async () => equal((await statuses(t, bob, ANN)).at(-1), "seen"));
    await bubble(page, "Message 1.").scrollIntoViewIfNeeded();
    ok(!await isInView(bubble(page, "Message 30.")));
    await t.send(bob, ann, "One below");
    await bubble(page, "One below").waitFor();
    await t.send(bob, ann, "Another below");
    await bubble(page, "Another below").waitFor();
    await eventually(async () => equal(await page.title(), "(2) PuffinTalk"));
    deepEqual((await statuses(t, bob, ANN)).slice(-3), ["seen", "delivered", "delivered"]);

    await bubble(page, "Another below").scrollIntoViewIfNeeded();
    await eventually(async () => deepEqual((await statuses(t, bob, ANN)).slice(-2), ["seen", "seen"]));
    await eventually(async () => equal(await page.title(), "PuffinTalk"));
  },
);

/** In every page: messages arrive right after the reader left the end, before the next frame reports it. */
const LEAVES = `{
  const { text } = Response.prototype;
  Response.prototype.text = async function () {
    const body = await text.call(this);
    if (globalThis.leaves && JSON.parse(body).messages) {
      globalThis.leaves = false;
      document.querySelector("[role=log]").scrollTop = 0;
    }
    return body;
  };
}`;

browserTest(
  "a message that arrives while somebody scrolls up does not scroll them back",
  async (t, browser) => {
    const [ann, bob] = await talked(t, 50);
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}`, script: LEAVES });
    await bubble(page, "Message 50.").waitFor();
    await eventually(async () => equal((await statuses(t, bob, ANN)).at(-1), "seen"));
    await page.evaluate("globalThis.leaves = true");
    await t.send(bob, ann, "One below");
    await bubble(page, "One below").waitFor();
    await bubble(page, "Message 1.").waitFor();
    ok(!await isInView(bubble(page, "One below")));
  },
);

browserTest(
  "older messages that the service failed to deliver are fetched by themselves once it can",
  async (t, browser) => {
    const [ann] = await talked(t, 50);
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
    await bubble(page, "Message 50.").waitFor();
    const refused = Promise.withResolvers<void>();
    await page.route("**/api/messages/*before=*", async (route) => {
      await route.fulfill({ status: 503, json: { success: false, code: "unavailable", message: "Later" } });
      refused.resolve();
    }, { times: 1 });
    await page.evaluate(`document.querySelector("[role=log]").scrollTop = 0`);
    await refused.promise;
    await bubble(page, "Message 1.").waitFor();
  },
);

browserTest(
  "arrow up continues through the older messages, from the current position to the first",
  async (t, browser) => {
    const [ann] = await talked(t, 100);
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
    await page.route("**/api/messages/*before=*", async (route) => {
      await page.locator(".older:focus").waitFor();
      await route.continue();
    });
    await bubble(page, "Message 100.").waitFor();
    await eventually(async () => equal(await focused(page), "Message"));
    for (let number = 100; number >= 1; number -= 1) {
      await press(page, "ArrowUp");
      await page.locator(".bubble:focus").waitFor();
      equal(await seenFocus(page), `Message ${number}.`);
      if (number === 60 || number === 20) {
        await press(page, "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp");
        equal(await seenFocus(page), `Message ${number}.`);
      }
    }
    await press(page, "ArrowUp");
    equal(await focused(page), "Back");
  },
);

browserTest(
  "if there are no older messages after all, the focus that waited for them goes to the first",
  async (t, browser) => {
    const [ann, bob] = await talked(t, 5);
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${bob.phone}` });
    await bubble(page, "Message 5.").waitFor();
    await page.locator(".bubble:not(.new)").nth(4).waitFor();
    // What is stored does not say whether there are older ones.
    let go = () => {};
    const held = new Promise<void>((resolve) => go = resolve);
    await page.route("**/api/messages/**", (route) => held.then(() => route.continue()));
    await page.reload();
    await page.locator("button.older").focus();
    go();
    await page.locator("button.older").waitFor({ state: "detached" });
    await eventually(async () => match(await focused(page), /Message 1\./));
  },
);

browserTest("arriving older messages leave the focus on the message that has it", async (t, browser) => {
  const [ann] = await talked(t, 50);
  const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
  await bubble(page, "Message 11.").focus();
  await bubble(page, "Message 10.").waitFor();
  equal(await seenFocus(page), "Message 11.");
  await press(page, "ArrowUp");
  equal(await seenFocus(page), "Message 10.");
});

/** Ann with two friends and this many pending requests. */
async function crowded(t: TestApp, count: number): Promise<Person> {
  const ann = await t.signUp(ANN);
  for (const phone of [BOB, CAT]) await t.befriend(ann, await t.signUp(phone));
  for (let number = 0; number < count; number += 1) {
    const json = { phone_number: `+1415556${1000 + number}` };
    succeeded(await t.call("PUT", "/api/contacts/request", { token: ann.token, json }));
  }
  return ann;
}

const NARROW: [string, OpenOptions][] = [
  ["240x320, by keys alone", { viewport: SIZES.keypad }],
  ["390x844, by touch", { viewport: SIZES.phone, hasTouch: true }],
];

for (const [size, options] of NARROW) {
  browserTest(`Back leads to the row that one came from: at ${size}`, async (t, browser) => {
    const { page } = await openAs(t, browser, await crowded(t, 50), options);
    const use = (name: string | RegExp, key: string) =>
      options.hasTouch ? page.getByRole("button", { name }).first().tap() : press(page, key);
    await page.locator(".row", { hasText: "+14155561020" }).focus();
    await use(/14155561020/, "Enter");
    await page.getByRole("log").waitFor();
    await use("Contact", "F2");
    await page.getByRole("button", { name: "Take the request back" }).waitFor();
    await use("Back", "Escape");
    await page.getByRole("log").waitFor();
    await use("Back", "Escape");
    await page.locator(".chats").waitFor();
    equal(await seenFocus(page), "+14155561020");
  });
}

browserTest("Back leads to the row even if the list is shown beside the conversation", async (t, browser) => {
  const ann = await crowded(t, 50);
  const { page } = await openAs(t, browser, ann, { viewport: SIZES.desktop });
  for (const phone of [BOB, CAT]) {
    await page.locator(".row", { hasText: phone }).click();
    await page.locator("main textarea:focus").waitFor();
    await press(page, "Escape");
    await page.getByText("Choose somebody").waitFor();
    await eventually(async () => equal(await seenFocus(page), phone));
  }
  const row = page.locator(".row", { hasText: "+14155561001" });
  await row.click();
  await page.locator("main .bubble, main .foot-note").waitFor();
  await press(page, "Escape");
  await page.getByText("Choose somebody").waitFor();
  await eventually(async () => equal(await seenFocus(page), "+14155561001"));
});
