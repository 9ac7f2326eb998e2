// Opens every screen of the web client with people and messages on it, to check or to picture it.

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { CLIENT_TEXTS, type ClientTexts } from "../services/texts/client.ts";
import type { Language } from "../services/texts/language.ts";
import { NAME_MAX, TEXT_MAX } from "../services/texts/lengths.ts";
import { addMedia, sendMedia } from "./media_calls.ts";
import { ANN, BOB, CAT, type Person, succeeded, type TestApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";
import { openAs, openWindow } from "./web_window.ts";

const DAN = "+14155550104";
const EVE = "+14155550105";
const FAY = "+14155550106";
const GUS = "+14155550107";
const HAL = "+14155550108";
const NEWCOMER = "+14155550199";

const FILM = new URL("fixtures/media/film.mp4", import.meta.url).pathname;

/** Ann, with a contact of every status and a conversation with all kinds of messages. */
export async function settle(t: TestApp): Promise<Person> {
  const ann = await t.signUp(ANN);
  const others = { bob: await t.signUp(BOB), cat: await t.signUp(CAT) };
  const gone = { eve: await t.signUp(EVE), fay: await t.signUp(FAY) };
  const call = async (me: Person, action: string, phone: string, more = {}) =>
    succeeded(
      await t.call("PUT", `/api/contacts/${action}`, {
        token: me.token,
        json: { phone_number: phone, ...more },
      }),
    );
  for (const [friend, name] of [[others.bob, "Bob Martin"], [gone.eve, "Eve"], [gone.fay, "Fay"]] as const) {
    await t.befriend(ann, friend);
    await call(ann, "update", friend.phone, { display_name: name });
  }
  await call(others.cat, "request", ANN);
  await call(ann, "request", DAN, { display_name: "Dan" });
  await t.signUp(DAN);
  await call(ann, "request", HAL);
  await call(ann, "delete", EVE);
  await t.send(gone.fay, ann, "I am leaving for Iceland. Farewell!");
  await call(gone.fay, "delete", ANN);
  const gus = await t.signUp(GUS);
  await t.befriend(ann, gus);
  await call(ann, "update", GUS, { display_name: "Grandmother Augusta-Wilhelmina of the Faroes" });
  await t.send(gus, ann, "Where are you?");
  await t.send(gus, ann, "Call me!");
  await talk(t, ann, others.bob);
  return ann;
}

async function talk(t: TestApp, ann: Person, bob: Person): Promise<void> {
  await t.send(bob, ann, "Good morning! Did you see the puffins on the cliff today?");
  await t.send(ann, bob, "Not yet");
  await t.send(ann, bob, "\u{1f427}");
  await sendMedia(t, [bob, ann], await addMedia(t, bob, fixture("voice.mp3"), "audio"), "audio");
  await sendMedia(t, [ann, bob], await addMedia(t, ann, fixture("film.mp4"), "video"), "video");
  await t.send(bob, ann, "Beautiful. I come at six, and bring bread and cheese, if the weather holds.");
  await t.call("PUT", "/api/messages/read_all_text", { token: bob.token, json: { phone_number: ANN } });
  await t.send(ann, bob, "See you then!");
}

export interface Tour {
  t: TestApp;
  browser: Browser;
  ann: Person;
  options: BrowserContextOptions;
  /** The language of the pages; English by default. */
  language?: Language;
  /** Called for each screen with its name. */
  see: (name: string, page: Page) => Promise<void>;
}

/** Opens every screen. It changes nothing, so it can be repeated. */
export async function takeTour({ t, browser, ann, language = "en", see, ...rest }: Tour): Promise<void> {
  const options = { ...rest.options, locale: language };
  const texts = CLIENT_TEXTS[language];
  await passDoor(t, browser, options, see);
  const { page } = await openAs(t, browser, ann, options);
  const field = page.getByLabel(texts.thread.write, { exact: true });
  const go = async (hash: string, sign: string) => {
    await page.evaluate(
      `history.pushState({ depth: 1 }, "", "${hash}"); dispatchEvent(new PopStateEvent("popstate"))`,
    );
    await page.getByText(sign).first().waitFor();
  };
  await page.getByText("Dan").waitFor();
  await see("chats", page);
  await go("#/add", texts.add.ask);
  await see("add", page);
  await page.locator("#name").fill("x".repeat(NAME_MAX + 1));
  await page.getByText(texts.tooMany(1)).waitFor();
  await see("add-long", page);
  await go("#/invites", texts.invites.status.joined);
  await see("invites", page);
  await go(`#/thread/${BOB}`, "See you then!");
  await field.waitFor();
  await see("thread", page);
  await field.fill("See you ".repeat(TEXT_MAX / 8) + "then!");
  await page.getByText(texts.tooMany(5)).waitFor();
  await see("thread-long", page);
  await field.fill("");
  await passPanels(page, texts, see);
  await go(`#/thread/${FAY}`, texts.standing.blocked);
  await page.getByText("Farewell!").waitFor();
  await see("thread-closed", page);
  await go(`#/thread/${NEWCOMER}`, texts.person.unknown);
  await see("stranger", page);
  await go(`#/person/${CAT}`, texts.person.accept);
  await see("person-asking", page);
  await go(`#/person/${BOB}`, texts.standing.accepted);
  await see("person", page);
  await page.getByRole("button", { name: texts.person.remove, exact: true }).click();
  await see("person-delete", page);
  await go("#/settings", texts.settings.colours);
  await see("settings", page);
  // A headless browser has no notifications.
  if (await page.evaluate("Notification.permission") === "granted") {
    await page.getByRole("button", { name: texts.settings.on, exact: true }).click();
    await page.getByText(texts.settings.noticesOpen).waitFor();
    await see("settings-notices", page);
  }
  await go("#/devices", texts.settings.thisDevice);
  await see("devices", page);
  await page.context().setOffline(true);
  await page.evaluate("dispatchEvent(new Event('offline'))");
  await go(`#/thread/${BOB}`, "See you then!");
  await field.fill("Written without a network");
  await field.press("Enter");
  await page.getByLabel(texts.thread.status.waiting).waitFor();
  await see("thread-offline", page);
  await page.context().close();
}

/** The screens of somebody who is not signed in. */
async function passDoor(t: TestApp, browser: Browser, options: BrowserContextOptions, see: Tour["see"]) {
  const { page } = await openWindow(t, browser, options);
  await page.locator("#phone").waitFor();
  await see("number", page);
  await page.locator("#phone").fill(NEWCOMER);
  await page.keyboard.press("Enter");
  await page.locator("#code").waitFor();
  await see("code", page);
  await page.locator("#code").fill(t.codeFor(NEWCOMER) === "000000" ? "000001" : "000000");
  await page.getByRole("alert").waitFor();
  await see("code-wrong", page);
  await page.context().close();
}

async function passPanels(page: Page, texts: ClientTexts, see: Tour["see"]): Promise<void> {
  const attach = page.locator(`button[data-soft=left], header button[aria-label="${texts.keys.attach}"]`)
    .locator("visible=true");
  await attach.first().click();
  await page.getByRole("button", { name: texts.thread.film }).waitFor();
  await see("thread-attach", page);
  await page.locator(".attach button", { hasText: texts.thread.emoji }).click();
  await page.getByRole("group", { name: texts.thread.emoji }).waitFor();
  await see("thread-emoji", page);
  await page.keyboard.press("Escape");
  await attach.first().click();
  await page.locator(".attach button", { hasText: texts.thread.voice }).click();
  await page.getByText(texts.voice.recording).waitFor();
  await see("thread-recording", page);
  await page.getByRole("button", { name: texts.keys.stop }).click();
  await page.getByText(texts.voice.ready).waitFor();
  await see("thread-voice", page);
  await page.keyboard.press("Escape");
  await page.locator("input[type=file]").setInputFiles(FILM);
  await page.getByLabel(texts.thread.caption).waitFor();
  await see("thread-film", page);
  await page.locator("#caption").fill("x".repeat(TEXT_MAX + 1));
  await page.getByText(texts.tooMany(1)).waitFor();
  await see("thread-film-long", page);
  await page.keyboard.press("Escape");
}
