// deno-lint-ignore-file prefer-ascii -- emoji are not ASCII
// The screen of a conversation: what it says while it is empty, what Enter does, and where an emoji goes.

import type { Page } from "playwright-core";
import { deleteAccount } from "./account_calls.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { addMedia, sendMedia } from "./media_calls.ts";
import { ANN, BOB, eventually, friends, succeeded } from "./support.ts";
import { fixture } from "./upload_calls.ts";
import {
  browserTest,
  bubbles,
  field,
  focused,
  moveTo,
  openAs,
  openFriends,
  press,
  SIZES,
} from "./web_window.ts";

/** In the page: whether nothing covers the text of an empty conversation. */
const IS_SEEN = `(() => {
  const element = document.querySelector(".messages .empty");
  const words = document.createRange();
  words.selectNodeContents(element);
  return [...words.getClientRects()].every(({ left, top, width, height }) =>
    element.contains(document.elementFromPoint(left + width / 2, top + height / 2)));
})()`;

browserTest("an empty conversation with a new friend says so, on every screen", async (t, browser) => {
  const { ann } = await openFriends(t, browser);
  for (const [name, size] of Object.entries(SIZES)) {
    await ann.page.setViewportSize(size);
    await ann.page.reload();
    await ann.page.getByText("No messages yet.").waitFor();
    await eventually(async () => ok(await ann.page.evaluate(IS_SEEN), name));
  }
  await field(ann.page).fill("Hello");
  await press(ann.page, "Enter");
  await ann.page.getByText("No messages yet.").waitFor({ state: "detached" });
  deepEqual(await bubbles(ann.page), ["Hello"]);
  deepEqual(ann.errors, []);
});

/** The label in the middle of the bar. */
function middle(page: Page): Promise<string> {
  return page.locator(".keybar > :nth-child(2)").innerText();
}

async function says(page: Page, word: string): Promise<void> {
  await eventually(async () => equal(await middle(page), word, await focused(page)));
}

browserTest(
  "in a conversation the middle of the bar says what Enter does to the focused element",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    const { page } = ann;
    await sendMedia(t, [bob, ann], await addMedia(t, bob, fixture("voice.mp3"), "audio"), "audio");
    await page.getByRole("button", { name: "Play: Voice message" }).waitFor();
    await field(page).focus();
    await says(page, "");
    await page.keyboard.type("Unsent");
    await says(page, "Send");
    await press(page, "F1");
    await says(page, "Select");
    await press(page, "Escape");
    await says(page, "Send");

    await moveTo(page, /^Play/, "ArrowUp");
    await says(page, "Play");
    await moveTo(page, "Position", "ArrowRight");
    await says(page, "");
    await page.getByRole("button", { name: "Play: Voice message" }).focus();
    await press(page, "Enter");
    await says(page, "Pause");
    await moveTo(page, /^(Not played|\d)/, "ArrowUp");
    await says(page, "");
    await moveTo(page, "Back", "ArrowUp");
    await says(page, "Back");
    await press(page, "Enter");
    await page.locator(".chats").waitFor();
    await moveTo(page, new RegExp(BOB.slice(1)));
    await says(page, "Open");
    deepEqual(ann.errors, []);
  },
);

browserTest(
  "on other screens the bar says what Enter does: submit the form of a field, or press a button",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const { page } = ann;
    await page.goto(`${t.url}/app#/person/${BOB}`);
    await moveTo(page, "Write");
    await says(page, "Select");
    await moveTo(page, "Your name for this person");
    await says(page, "Save");
    await page.goto(`${t.url}/app#/add`);
    await page.locator("#peer:focus").waitFor();
    await says(page, "Go");
    await moveTo(page, "Invitations sent");
    await says(page, "Select");
    await page.goto(`${t.url}/app#/devices`);
    await page.getByText("This device").waitFor();
    await eventually(async () => ok(await page.locator(".cards li:focus").count()));
    await says(page, "");
  },
);

browserTest(
  "emoji that are picked one after the other are inserted side by side at the caret",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const { page } = ann;
    await field(page).focus();
    await page.keyboard.type("ab");
    await press(page, "ArrowLeft", "F1");
    await moveTo(page, "Emoji");
    await press(page, "Enter");
    await eventually(async () => equal(await focused(page), "😀"));
    await press(page, "Enter", "ArrowRight", "Enter", "Escape");
    await page.locator("textarea:focus").waitFor();
    equal(await field(page).inputValue(), "a😀😄b");
    await page.keyboard.type("!");
    equal(await field(page).inputValue(), "a😀😄!b");
    await press(page, "Enter");
    await eventually(async () => deepEqual(await bubbles(page), ["a😀😄!b"]));
    deepEqual(ann.errors, []);
  },
);

browserTest(
  "after sending by a click the focus stays in the field, and a second click starts no recording",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser, [{ viewport: SIZES.desktop }, {}]);
    const { page } = ann;
    await page.keyboard.type("one");
    await page.getByRole("button", { name: "Send" }).click();
    await page.keyboard.type("and two");
    await page.getByRole("button", { name: "Send" }).dblclick();
    await bob.page.getByText("and two").waitFor();
    deepEqual(await bubbles(bob.page), ["one", "and two"]);
    equal(await focused(page), "Message");
    equal(await page.getByText("Recording").count(), 0);
    deepEqual(ann.errors, []);
  },
);

browserTest(
  "arrows move through the lines of a text, however they are wrapped, before they leave it",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const { page } = ann;
    const caret = () => page.evaluate<number>("document.activeElement.selectionStart");
    for (const text of ["word ".repeat(30).trim(), "one\ntwo\nthree"]) {
      await field(page).fill(text);
      await field(page).focus();
      let presses = 0;
      for (; await focused(page) === "Message" && presses < 30; presses += 1) {
        const before = await caret();
        await press(page, "ArrowUp");
        if (await focused(page) === "Message") ok(await caret() < before);
      }
      ok(presses > 2 && presses < 30, `${presses}`);
      await field(page).focus();
      await page.evaluate("document.activeElement.setSelectionRange(0, 0)");
      await press(page, "ArrowDown");
      equal(await focused(page), "Message");
      ok(await caret() > 0);
      await press(page, "ArrowUp");
      equal(await focused(page), "Message");
      equal(await caret(), 0);
    }
    await field(page).fill("short");
    await press(page, "ArrowUp");
    ok(await focused(page) !== "Message");
  },
);

browserTest("the browser's own Back closes what is open, and then leaves the screen", async (t, browser) => {
  const { ann } = await openFriends(t, browser, [{ viewport: SIZES.phone }, {}]);
  const { page } = ann;
  await page.goto(`${t.url}/app`);
  await page.locator(".row").click();
  await field(page).waitFor();
  await page.getByRole("button", { name: "Emoji" }).click();
  await page.locator(".emoji").waitFor();
  await page.goBack();
  await page.locator(".emoji").waitFor({ state: "detached" });
  await field(page).waitFor();
  await page.goBack();
  await page.locator(".screen.chats").waitFor();
  await page.goForward();
  await field(page).waitFor();
  // A typed address is opened whatever is open here, and Back leads from it to here.
  await page.getByRole("button", { name: "Emoji" }).click();
  await page.locator(".emoji").waitFor();
  await page.evaluate("location.hash = '#/settings'");
  await page.getByText("Your number").waitFor();
  await page.goBack();
  await field(page).waitFor();
  deepEqual(ann.errors, []);
});

browserTest(
  "the next holder of a deleted account's number begins a new conversation, on the screen that showed the old one",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    succeeded(await t.send(bob, ann, "Of the one before"));
    const { page, errors } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
    await page.getByText("Of the one before").waitFor();
    await deleteAccount(t, bob);
    await page.getByText("Of the one before").waitFor({ state: "detached" });

    const next = await t.signUp(BOB);
    const annElsewhere = { phone: ANN, token: (await t.signIn(ANN)).token };
    await t.befriend(next, annElsewhere);
    await field(page).waitFor();
    deepEqual(await bubbles(page), []);
    succeeded(await t.send(next, ann, "Of the next"));
    await eventually(async () => deepEqual(await bubbles(page), ["Of the next"]));
    await page.reload();
    await page.getByText("Of the next").waitFor();
    deepEqual(await bubbles(page), ["Of the next"]);
    deepEqual(errors, []);
  },
);
