// Media in a real player: Chromium's <audio> and <video>, on another origin's page, which cannot send headers.

import type { Page } from "playwright-core";
import { deepEqual, equal, ok } from "./assert.ts";
import { hasBrowser, withBrowser } from "./browser.ts";
import { addMedia, makeWav, signedPath } from "./media_calls.ts";
import { ANN, BOB, type Person, type TestApp, withApp } from "./support.ts";
import { fixture } from "./upload_calls.ts";

const FORMATS = {
  audio: ["opus.ogg", "voice.mp3", "voice.wav", "voice.m4a", "recorded_voice.webm"],
  video: ["vp8.webm", "recorded_film.webm", "film.mp4", "faststart.mp4", "fragmented.mp4"],
} as const;

/** 25 minutes at 8000 samples a second. */
const LONG_BYTES = 12_000_044;
const LONG_SECONDS = 1_500;

interface Asked {
  range: string | null;
  status: number;
}

/** What a player reported. */
interface Played {
  duration: number;
  /** The positions after playing a little, and after seeking to `seekTo`. */
  playedTo: number;
  at: number;
  /** Zero for audio. */
  width: number;
}

/** Opens the page with the player on localhost, and records its requests to the service. */
async function withPage(t: TestApp, run: (page: Page, asked: Asked[]) => Promise<void>): Promise<void> {
  const html = await Deno.readFile(new URL("fixtures/player.html", import.meta.url));
  const site = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(html, { headers: { "content-type": "text/html" } }),
  );
  try {
    await withBrowser(async (browser) => {
      const page = await browser.newPage();
      const asked: Asked[] = [];
      page.on("response", (response) => {
        if (!response.url().startsWith(t.url)) return;
        asked.push({ range: response.request().headers().range ?? null, status: response.status() });
      });
      await page.goto(`http://localhost:${site.addr.port}/`);
      await run(page, asked);
    });
  } finally {
    await site.shutdown();
  }
}

/** Plays a little, then seeks. Rejects with the player's error. */
function play(page: Page, kind: "audio" | "video", url: string, seekTo: number): Promise<Played> {
  return page.evaluate(`play(${JSON.stringify({ kind, url, seekTo })})`);
}

/** Both addresses that a player can be given. */
async function addressesOf(t: TestApp, me: Person, id: number): Promise<string[]> {
  return [`${t.url}/api/messages/media/${id}?token=${me.token}`, t.url + await signedPath(t, me, id)];
}

function browserTest(name: string, run: (t: TestApp, page: Page, asked: Asked[]) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasBrowser,
    fn: () => withApp((t) => withPage(t, (page, asked) => run(t, page, asked))),
  });
}

for (const [kind, names] of Object.entries(FORMATS) as [keyof typeof FORMATS, readonly string[]][]) {
  browserTest(
    `Chromium plays and seeks ${kind} by ?token= and by a signed address`,
    async (t, page, asked) => {
      const ann = await t.signUp(ANN);
      for (const name of names) {
        const id = await addMedia(t, ann, fixture(name), kind);
        for (const url of await addressesOf(t, ann, id)) {
          const played = await play(page, kind, url, 1.5);
          const about = `${name} ${JSON.stringify(played)}`;
          // Files written while recording have no duration in their header.
          ok(name.startsWith("recorded") || Math.abs(played.duration - 2) < 0.2, about);
          ok(played.playedTo > 0, about);
          ok(Math.abs(played.at - 1.5) < 0.01, about);
          equal(played.width > 0, kind === "video", about);
        }
      }
      ok(asked.length >= names.length * 2);
      deepEqual(new Set(asked.map(({ status }) => status)), new Set([206]));
    },
  );
}

browserTest(
  "Chromium seeks in long media by asking for the bytes there",
  async (t, page, asked) => {
    const ann = await t.signUp(ANN);
    const id = await addMedia(t, ann, makeWav(LONG_BYTES));
    for (const url of await addressesOf(t, ann, id)) {
      asked.splice(0);
      const { duration, at } = await play(page, "audio", url, LONG_SECONDS - 100);
      equal(Math.round(duration), LONG_SECONDS);
      equal(Math.round(at), LONG_SECONDS - 100);
      deepEqual(new Set(asked.map(({ status }) => status)), new Set([206]));
      const starts = asked.map(({ range }) => Number(range!.match(/^bytes=(\d+)-/)![1]));
      ok(starts.some((start) => start > LONG_BYTES * 0.8), starts.join());
    }
  },
);

browserTest("Chromium plays nothing for somebody without access, or without a token", async (t, page) => {
  const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
  const id = await addMedia(t, ann, fixture("vp8.webm"), "video");
  const url = `${t.url}/api/messages/media/${id}`;
  for (const refusedUrl of [url, `${url}?token=${bob.token}`, `${url}?expires=9999999999&signature=x`]) {
    const failure = await play(page, "video", refusedUrl, 1).then(() => "played", String);
    ok(failure.includes("Player failed"), failure);
  }
});
