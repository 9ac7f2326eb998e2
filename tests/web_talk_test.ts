// Two people talk through the whole product in two real windows: Ann on a desktop with a mouse, Bob on a keypad phone
// with its keys only. Ann reads her code on the page for developers.

import type { Browser, Page } from "playwright-core";
import { deepEqual, equal } from "./assert.ts";
import { ANN, BOB, eventually, type TestApp } from "./support.ts";
import {
  browserTest,
  bubbles,
  enter,
  focused,
  moveTo,
  openWindow,
  press,
  SIZES,
  ticked,
  type Window,
} from "./web_window.ts";

interface Windows {
  t: TestApp;
  browser: Browser;
  ann: Window;
  bob: Window;
}

/** A test with a desktop and a keypad phone, nobody signed in. */
function windowsTest(name: string, run: (windows: Windows) => Promise<void>): void {
  browserTest(name, async (t, browser) => {
    const ann = await openWindow(t, browser, { viewport: SIZES.desktop });
    const bob = await openWindow(t, browser, { viewport: SIZES.keypad });
    await run({ t, browser, ann, bob });
    deepEqual([ann.errors, bob.errors], [[], []]);
  });
}

/** Ann signs up with her mouse and the code on the page for developers. */
async function enterByMouse({ t, browser, ann: { page } }: Windows): Promise<void> {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const dev = await context.newPage();
  await dev.goto(`${t.url}/dev`);
  await page.getByLabel("Your phone number").fill(ANN);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await dev.getByRole("region", { name: ANN }).getByRole("button", { name: "Copy the code" }).click();
  const code = await dev.evaluate<string>("navigator.clipboard.readText()");
  await page.getByLabel("Code from the SMS").fill(code);
  await page.getByText("Nobody here yet").waitFor();
  await context.close();
}

/** Ann sends a request, Bob accepts; both open the conversation. */
async function becomeFriends(windows: Windows): Promise<[ann: Page, bob: Page]> {
  const [ann, bob] = [windows.ann.page, windows.bob.page];
  await enterByMouse(windows);
  await enter(windows.t, bob, BOB);
  await ann.getByRole("main").getByText("Choose somebody").waitFor();
  await ann.getByRole("button", { name: "Add a friend" }).last().click();
  await ann.getByLabel("Phone number").fill(BOB);
  await ann.getByLabel("Your name for this person").fill("Bob");
  await ann.getByRole("button", { name: "Ask to be friends" }).click();
  await ann.getByRole("heading", { name: "You asked" }).waitFor();

  await bob.getByText("Wants to be your friend.").waitFor();
  await moveTo(bob, new RegExp(ANN.slice(-4)));
  await press(bob, "Enter");
  await bob.getByRole("button", { name: "Accept" }).waitFor();
  await moveTo(bob, "Accept");
  await press(bob, "Enter");
  await bob.getByRole("log").waitFor();
  await ann.getByRole("heading", { name: "Friends" }).waitFor();
  await ann.locator(".row", { hasText: "Bob" }).click();
  await ann.getByRole("log").waitFor();
  return [ann, bob];
}

windowsTest(
  "two people sign up, become friends, and talk, one with a mouse and one with keys alone",
  async (windows) => {
    const [ann, bob] = await becomeFriends(windows);
    await ann.getByLabel("Message", { exact: true }).fill("Hello Bob");
    await ann.getByRole("button", { name: "Send" }).click();
    await bob.getByText("Hello Bob").waitFor();
    await ticked(ann, "Seen");

    equal(await focused(bob), "Message");
    await bob.keyboard.type("Hello Ann");
    await press(bob, "Enter");
    await ann.getByText("Hello Ann").waitFor();
    await ticked(bob, "Seen");
    for (const page of [ann, bob]) {
      await eventually(async () => deepEqual(await bubbles(page), ["Hello Bob", "Hello Ann"]));
    }
  },
);

windowsTest(
  "ticks go from sent to delivered to seen, and unread messages are counted, in the title too",
  async (windows) => {
    const [ann, bob] = await becomeFriends(windows);
    await press(bob, "Escape");
    await bob.locator(".chats").waitFor();
    await ann.getByLabel("Message", { exact: true }).fill("One");
    await press(ann, "Enter");
    await ticked(ann, "Delivered");
    await ann.getByLabel("Message", { exact: true }).fill("Two");
    await press(ann, "Enter");
    await bob.getByLabel("2 unread").waitFor();
    await eventually(async () => equal(await bob.title(), "(2) PuffinTalk"));

    await bob.context().setOffline(true);
    await bob.evaluate("dispatchEvent(new Event('offline'))");
    await bob.close();
    await ann.getByLabel("Message", { exact: true }).fill("Three");
    await press(ann, "Enter");
    await ticked(ann, "Sent");
  },
);

windowsTest(
  "a friend is deleted and comes back, with keys alone, and both see the status",
  async (windows) => {
    const [ann, bob] = await becomeFriends(windows);
    await press(bob, "F2");
    await bob.getByText("You are friends.").waitFor();
    await moveTo(bob, "Delete");
    await press(bob, "Enter");
    equal(await focused(bob), "Cancel");
    await press(bob, "Escape");
    await moveTo(bob, "Delete");
    await press(bob, "Enter");
    await moveTo(bob, "Delete", "ArrowUp");
    await press(bob, "Enter");
    await bob.getByText("You deleted this contact.").waitFor();
    await ann.getByText("Has deleted you.").first().waitFor();
    equal(await ann.getByLabel("Message", { exact: true }).count(), 0);

    await moveTo(bob, "Be friends again");
    await press(bob, "Enter");
    await bob.getByText("You are friends.").waitFor();
    await ann.getByLabel("Message", { exact: true }).waitFor();
  },
);

windowsTest("wrong numbers and codes get messages that help", async ({ t, bob: { page } }) => {
  await page.locator("#phone:focus").waitFor();
  await page.keyboard.type("12");
  await press(page, "Enter");
  await page.getByRole("alert").getByText("Write it with its country code").waitFor();
  await page.locator("#phone").fill(BOB);
  await press(page, "Enter");
  await page.getByText(/Ask again in (60|59) seconds/).waitFor();
  const wrong = t.codeFor(BOB) === "000000" ? "000001" : "000000";
  await page.keyboard.type(wrong);
  await page.getByRole("alert").getByText("This code is wrong").waitFor();
  await page.locator("#code").fill(t.codeFor(BOB));
  await page.locator(".chats").waitFor();
});
