// Audio and video between two windows: recorded, picked, sent in pieces, cancelled, played, seen.

import type { Page } from "playwright-core";
import { deepEqual, equal, ok } from "./assert.ts";
import { addMedia, makeWav, sendMedia } from "./media_calls.ts";
import { CAT, eventually, type TestApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";
import {
  enter,
  focused,
  type Friends,
  friendsTest,
  moveTo,
  pick,
  press,
  SIZES,
  ticked,
  write,
} from "./web_window.ts";

const FILM = new URL("fixtures/media/film.mp4", import.meta.url).pathname;

function mediaTest(name: string, run: (t: TestApp, friends: Friends) => Promise<void>): void {
  friendsTest(name, run, [{}, { viewport: SIZES.desktop }]);
}

/** Limits the upload rate of the network; -1 for no limit. */
async function slowDown(page: Page, bytesASecond: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: bytesASecond,
  });
}

mediaTest(
  "a voice message is recorded with keys alone, arrives, is played by the receiver and then seen",
  async (_, { ann, bob }) => {
    await press(ann.page, "F1", "Enter");
    await ann.page.getByText("Recording").waitFor();
    equal(await focused(ann.page), "Stop");
    // No soft key discards it.
    await press(ann.page, "F1", "F2");
    await ann.page.getByText("0:01").waitFor();
    await press(ann.page, "Enter");
    await ann.page.getByText("Ready to send").waitFor();
    equal(await focused(ann.page), "Send");
    await press(ann.page, "Enter");
    await ticked(ann.page, "Delivered");
    equal(await focused(ann.page), "Message");

    await bob.page.getByText("Not played yet").waitFor({ state: "attached" });
    await bob.page.getByRole("button", { name: "Voice message", exact: true }).click();
    await bob.page.getByText("Recording").waitFor();
    await bob.page.getByLabel("Message", { exact: true }).waitFor({ state: "hidden" });
    await bob.page.getByRole("button", { name: "Discard" }).click();
    await bob.page.getByLabel("Message", { exact: true }).waitFor();
    const voice = bob.page.locator(".theirs .player-audio");
    await voice.getByRole("button", { name: "Play: Voice message" }).click();
    await voice.getByRole("button", { name: "Pause: Voice message" }).waitFor();
    await eventually(async () => ok(Number(await voice.getByLabel("Position").inputValue()) > 0.2));
    await ticked(ann.page, "Seen");
    await bob.page.getByText("Not played yet").waitFor({ state: "detached" });
  },
);

mediaTest(
  "a film is sent with a caption, plays inline, and can be seeked with keys",
  async (_, { ann, bob }) => {
    await bob.page.locator("input[type=file]").setInputFiles(FILM);
    await bob.page.getByLabel("Caption").fill("On the cliff");
    await press(bob.page, "Enter");
    await ticked(bob.page, "Delivered");
    await ann.page.getByText("On the cliff").waitFor();

    await moveTo(ann.page, /On the cliff/, "ArrowUp");
    await press(ann.page, "ArrowDown");
    equal(await focused(ann.page), "Play: Video");
    await press(ann.page, "Enter");
    await eventually(() => ann.page.evaluate("document.querySelector('video').videoWidth > 0"));
    await eventually(() => ann.page.evaluate("document.querySelector('video').currentTime > 0"));
    await press(ann.page, "ArrowRight");
    equal(await focused(ann.page), "Position");
    await press(ann.page, "End");
    await ticked(bob.page, "Seen");
  },
);

mediaTest(
  "an upload that was interrupted by a closed window resumes where it was",
  async (_, { ann, bob }) => {
    const patches: number[] = [];
    ann.page.on("request", (request) => {
      if (request.method() === "PATCH") patches.push(Number(request.headers()["upload-offset"]));
    });
    await pick(ann.page, makeWav(3_000_000));
    await slowDown(ann.page, 1_000_000);
    await press(ann.page, "Enter");
    await eventually(async () => {
      const share = await ann.page.getByRole("progressbar").getAttribute("value");
      ok(Number(share) > 0.6);
    }, 10_000);
    const dialogs: string[] = [];
    ann.page.on("dialog", (dialog) => {
      dialogs.push(dialog.type());
      dialog.accept();
    });
    await ann.page.reload();
    await slowDown(ann.page, -1);
    await bob.page.locator(".theirs .player-audio").waitFor({ timeout: 15_000 });
    equal(patches.length, 2);
    equal(patches[0], 0);
    ok(patches[1]! > 200_000, String(patches[1]));
    // The file is in the database, so that nobody has to be asked to stay.
    deepEqual(dialogs, []);
  },
);

mediaTest("an upload without progress for a minute is retried", async (_, { ann, bob }) => {
  let patches = 0;
  await ann.page.route("**/api/uploads/*", async (route) => {
    if (route.request().method() !== "PATCH") return await route.continue();
    patches += 1;
    // The first one is never answered.
    if (patches > 1) await route.continue();
  });
  await ann.page.clock.install();
  await pick(ann.page, makeWav(10_000));
  await press(ann.page, "Enter");
  await eventually(() => equal(patches, 1));
  await ann.page.clock.fastForward(59_000);
  equal(patches, 1);
  await ann.page.clock.fastForward(1_000);
  // The client waits before it tries again.
  await eventually(() => ann.page.clock.fastForward(1_000).then(() => equal(patches, 2)));
  await bob.page.locator(".theirs .player-audio").waitFor({ timeout: 15_000 });
});

mediaTest("a file that a proxy refuses as too large gets a clear message", async (_, { ann }) => {
  await ann.page.route("**/api/uploads/*", (route) => route.fulfill({ status: 413, body: "<h1>413</h1>" }));
  await pick(ann.page, makeWav(10_000));
  await press(ann.page, "Enter");
  await ann.page.getByText("This file is too large.").waitFor();
});

mediaTest("an upload can be cancelled, and leaves nothing behind", async (t, { ann }) => {
  await pick(ann.page, makeWav(3_000_000));
  await slowDown(ann.page, 300_000);
  await press(ann.page, "Enter");
  await ann.page.getByLabel(/Uploading, [1-9]/).waitFor();
  await ann.page.getByRole("button", { name: "Cancel" }).click();
  await ann.page.getByRole("progressbar").waitFor({ state: "hidden" });
  await slowDown(ann.page, -1);
  await eventually(async () => equal((await t.sql`select id from media`).length, 0), 10_000);
  equal((await t.sql`select id from messages`).length, 0);
});

mediaTest(
  "an upload that is cancelled while it is being created sends nothing, and leaves nothing behind",
  async (t, { ann }) => {
    const isCancelled = Promise.withResolvers<void>();
    const methods: string[] = [];
    ann.page.on("request", (request) => {
      if (request.url().includes("/api/uploads")) methods.push(request.method());
    });
    await ann.page.route("**/api/uploads", async (route) => {
      const response = await route.fetch();
      await isCancelled.promise;
      await route.fulfill({ response });
    });
    await pick(ann.page, makeWav(10_000));
    await press(ann.page, "Enter");
    await ann.page.getByRole("button", { name: "Cancel" }).click();
    await ann.page.getByRole("progressbar").waitFor({ state: "hidden" });
    isCancelled.resolve();
    await eventually(() => deepEqual(methods, ["POST", "DELETE"]));
    await eventually(async () => equal((await t.sql`select id from media`).length, 0));
  },
);

mediaTest(
  "an upload ends with its session, and does not block the next user's messages",
  async (t, { ann, bob }) => {
    const { page } = ann;
    await t.befriend(await t.signUp(CAT), bob);
    await pick(page, makeWav(3_000_000));
    await slowDown(page, 100_000);
    await press(page, "Enter");
    await page.getByLabel(/Uploading, [1-9]/).waitFor();
    const broken = page.waitForEvent("requestfailed", (request) => request.method() === "PATCH");
    await t.call("POST", "/api/auth/signout", { token: ann.token });
    await enter(t, page, CAT);
    await broken;
    await page.locator(".row").click();
    await write(page, "Hello");
    await ticked(page, "Delivered");
  },
);

mediaTest(
  "a file that is gone when it is sent gets a clear message, and does not block other messages",
  async (_, { ann, bob }) => {
    const path = await Deno.makeTempFile({ suffix: ".wav" });
    await Deno.writeFile(path, makeWav(10_000));
    await ann.page.locator("input[type=file]").setInputFiles(path);
    await ann.page.getByLabel("Caption").waitFor();
    await Deno.remove(path);
    await press(ann.page, "Enter");
    await write(ann.page, "It is gone");
    await ann.page.getByText("has changed or is gone").waitFor();
    await bob.page.getByText("It is gone").waitFor();
    await ann.page.getByRole("button", { name: "Discard" }).click();
    await ann.page.getByText("has changed or is gone").waitFor({ state: "detached" });
  },
);

mediaTest(
  "a file that is neither sound nor film gets a clear message, and can be discarded",
  async (_, { ann }) => {
    await pick(ann.page, new TextEncoder().encode("This is a letter, whatever it is called."));
    await press(ann.page, "Enter");
    await ann.page.getByText("This is not an audio or video file that can be played.").waitFor();
    equal(await ann.page.getByRole("button", { name: "Try again" }).count(), 0);
    await ann.page.getByRole("button", { name: "Discard" }).click();
    await eventually(async () => equal(await ann.page.locator(".bubble").count(), 0));
  },
);

friendsTest("sound that a phone labels as a film is sent as sound, and played", async (_, { ann, bob }) => {
  const voice = new URL("fixtures/media/aac.3gp", import.meta.url).pathname;
  await ann.page.locator("input[type=file]").setInputFiles(voice);
  await ann.page.getByLabel("Caption").waitFor();
  await press(ann.page, "Enter");
  await ticked(ann.page, "Delivered");
  await bob.page.locator(".theirs .player-audio").waitFor();
  equal(await bob.page.locator(".failed").count() + await ann.page.locator(".failed").count(), 0);
});

friendsTest(
  "media that the browser cannot play are labelled as such and can be saved; an interrupted play is no error",
  async (
    t,
    { ann, bob },
  ) => {
    await sendMedia(t, [bob, ann], await addMedia(t, bob, fixture("silence.amr")));
    await sendMedia(t, [bob, ann], await addMedia(t, bob, fixture("voice.mp3")));
    const { page } = ann;
    const plays = page.getByRole("button", { name: "Play: Voice message" });
    await plays.last().waitFor();
    await plays.first().click();
    await page.getByRole("alert").getByText("This browser cannot play this.").waitFor();
    await page.getByRole("alert").getByText("This browser").waitFor({ state: "detached", timeout: 20_000 });
    await page.getByText("Not played yet").first().waitFor({ state: "attached" });
    const [saved] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save: Voice message" }).click(),
    ]);
    ok(saved.suggestedFilename().endsWith(".amr"), saved.suggestedFilename());
    deepEqual(await Deno.readFile(await saved.path()), fixture("silence.amr"));

    await page.route("**/api/messages/media/*?expires=*", (route) => route.fulfill({ status: 503 }));
    await plays.last().click();
    await page.getByRole("alert").getByText("We cannot do this right now.").waitFor();
    await page.getByRole("alert").getByText("We cannot").waitFor({ state: "detached", timeout: 20_000 });

    await page.evaluate(`HTMLMediaElement.prototype.play = () =>
    Promise.reject(new DOMException("The play() request was interrupted", "AbortError"))`);
    await plays.last().click();
    await page.waitForTimeout(300);
    equal(await page.getByRole("alert").filter({ hasText: /./ }).count(), 0);
  },
);
