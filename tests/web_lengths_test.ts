// Nothing that somebody wrote is cut off: what is too long stays, with an error, until it is shortened.

import type { Locator, Page } from "playwright-core";
import { deepEqual, equal, notEqual, ok } from "./assert.ts";
import { ANN, BOB, CAT, eventually } from "./support.ts";
import { browserTest, bubbles, field, focused, openAs, openFriends, press } from "./web_window.ts";

const FILM = new URL("fixtures/media/film.mp4", import.meta.url).pathname;
const PUFFIN = "\u{1f427}";
/** One character to read, but two code points until the service composes them (NFC). */
const ACCENTED = "e\u0301";

/** Pastes as a person does: the browser would cut the text if the field had a maxlength. */
async function paste(into: Locator, text: string): Promise<void> {
  await into.focus();
  await into.press("Control+a");
  await into.page().keyboard.insertText(text);
}

/** The description of a field, as a screen reader announces it. */
async function described(field: Locator): Promise<string> {
  const ids = (await field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== "");
  const texts = await Promise.all(ids.map((id) => field.page().locator(`#${id}`).innerText()));
  return texts.join(" ");
}

async function isTooLong(field: Locator, sentence: string): Promise<void> {
  await field.page().getByText(sentence).waitFor();
  ok((await described(field)).includes(sentence), await described(field));
  equal(await field.getAttribute("aria-invalid"), "true");
}

async function fits(field: Locator): Promise<void> {
  await eventually(async () => notEqual(await field.getAttribute("aria-invalid"), "true"));
  equal(await field.page().getByRole("alert").filter({ hasText: "At most" }).count(), 0);
}

function sent(page: Page): Promise<string[]> {
  return page.locator(".mine .words").allTextContents();
}

browserTest("a message of 4096 emoji is sent whole", async (t, browser) => {
  const { ann, bob } = await openFriends(t, browser);
  await paste(field(ann.page), PUFFIN.repeat(4096));
  await fits(field(ann.page));
  await press(ann.page, "Enter");
  await bob.page.getByText(PUFFIN.repeat(4096)).waitFor();
});

browserTest(
  "a message that is too long says so, loses nothing, and is sent once it fits",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const text = "x".repeat(4095) + PUFFIN.repeat(2);
    await paste(field(ann.page), text);
    await isTooLong(field(ann.page), "At most 4096 characters fit here. 1 is too many.");
    await press(ann.page, "Enter");
    await ann.page.getByRole("button", { name: "Send" }).click();
    equal(await focused(ann.page), "Message");
    equal(await field(ann.page).inputValue(), text);
    await ann.page.reload();
    equal(await field(ann.page).inputValue(), text);
    await isTooLong(field(ann.page), "1 is too many.");
    deepEqual(await sent(ann.page), []);

    await field(ann.page).focus();
    await press(ann.page, "Control+End", "Backspace");
    await fits(field(ann.page));
    await press(ann.page, "Enter");
    await eventually(async () => deepEqual(await bubbles(ann.page), ["x".repeat(4095) + PUFFIN]));
    await eventually(async () => equal((await t.sql`select id from messages`).length, 1));
  },
);

browserTest(
  "the limit is read out once, and not again for every deleted letter",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    await paste(field(ann.page), "x".repeat(4100));
    const alert = ann.page.getByRole("alert").filter({ hasText: "At most" });
    equal(await alert.innerText(), "At most 4096 characters fit here.");
    await isTooLong(field(ann.page), "4 are too many.");
    await press(ann.page, "Backspace");
    await isTooLong(field(ann.page), "3 are too many.");
    equal(await alert.innerText(), "At most 4096 characters fit here.");
  },
);

browserTest(
  "a film's caption that is too long loses nothing, and is not sent until it fits",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    await ann.page.locator("input[type=file]").setInputFiles(FILM);
    const caption = ann.page.getByLabel("Caption");
    await paste(caption, PUFFIN.repeat(4098));
    await isTooLong(caption, "At most 4096 characters fit here. 2 are too many.");
    await press(ann.page, "Enter");
    await ann.page.locator(".panel").getByRole("button", { name: "Send" }).click();
    equal(await focused(ann.page), "Caption");
    equal(await caption.inputValue(), PUFFIN.repeat(4098));
    await press(ann.page, "End", "Backspace", "Backspace");
    await fits(caption);
    await press(ann.page, "Enter");
    await bob.page.getByText(PUFFIN.repeat(4096)).waitFor({ timeout: 15_000 });
    equal((await t.sql`select id from messages`).length, 1);
  },
);

browserTest("a name of 50 characters is accepted, counted as the service counts", async (t, browser) => {
  const { ann } = await openFriends(t, browser);
  await ann.page.goto(`${t.url}/app#/person/${BOB}`);
  const name = ann.page.getByLabel("Your name for this person");
  for (const one of [PUFFIN, ACCENTED]) {
    await paste(name, one.repeat(50));
    await fits(name);
    await press(ann.page, "Enter");
    await ann.page.locator(".lead", { hasText: one.normalize("NFC").repeat(50) }).waitFor();
  }
});

browserTest("a name that is too long loses nothing, and is not saved until it fits", async (t, browser) => {
  const { ann } = await openFriends(t, browser);
  await ann.page.goto(`${t.url}/app#/person/${BOB}`);
  const name = ann.page.getByLabel("Your name for this person");
  await paste(name, "y".repeat(52));
  await isTooLong(name, "At most 50 characters fit here. 2 are too many.");
  await press(ann.page, "Enter");
  await ann.page.getByRole("button", { name: "Save" }).click();
  equal(await focused(ann.page), "Your name for this person");
  equal(await name.inputValue(), "y".repeat(52));
  await press(ann.page, "End", "Backspace", "Backspace", "Enter");
  await ann.page.locator(".lead", { hasText: "y".repeat(50) }).waitFor();
});

browserTest("no request is sent with a name that is too long", async (t, browser) => {
  const ann = await t.signUp(ANN);
  await t.signUp(CAT);
  const { page } = await openAs(t, browser, ann, { path: "/app#/add" });
  const name = page.getByLabel("Your name for this person");
  await page.getByLabel("Phone number").fill(CAT);
  await paste(name, PUFFIN.repeat(51));
  await isTooLong(name, "At most 50 characters fit here. 1 is too many.");
  await page.getByLabel("Phone number").press("Enter");
  equal(await focused(page), "Your name for this person");
  equal(await name.inputValue(), PUFFIN.repeat(51));
  await press(page, "End", "Backspace", "Enter");
  await page.locator(".row", { hasText: PUFFIN.repeat(50) }).waitFor();
});
