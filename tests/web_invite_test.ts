// An invitation from beginning to end in a browser: from one person's list, by SMS, to the other's list.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { hasBrowser, withBrowser } from "./browser.ts";
import { invite, join, withInvites } from "./invite_calls.ts";
import { ANN, BOB, CAT, type TestApp } from "./support.ts";
import { judge } from "./web_judge.ts";
import {
  browserTest,
  bubbles,
  enter,
  field,
  moveTo,
  openAs,
  openWindow,
  press,
  SIZES,
  ticked,
  type Window,
  write,
} from "./web_window.ts";

/** Ann sends a request to a number without an account; its owner opens the link in a window and accepts. */
async function invited(t: TestApp, ann: Window, bob: Window): Promise<void> {
  await press(ann.page, "F1");
  await ann.page.locator("#peer:focus").waitFor();
  await ann.page.keyboard.type(BOB);
  await press(ann.page, "Enter");
  await ann.page.getByText("You asked to be friends. No answer yet.").waitFor();
  await bob.page.goto(`${t.url}/dev`);
  const link = bob.page.getByRole("region", { name: BOB }).getByRole("link");
  await bob.page.goto(t.url + await link.getAttribute("href"));
  await bob.page.getByRole("button", { name: "Send me a code" }).click();
  await bob.page.locator("#passcode").fill(t.codeFor(BOB));
  await press(bob.page, "Enter");
  await bob.page.getByRole("button", { name: "Accept" }).click();
  await bob.page.getByText("You are friends now").waitFor();
}

browserTest(
  "an invitation leads from the SMS into the web client, signed in, and its token is in no address and no cookie",
  async (t, browser) => {
    const ann = await openAs(t, browser, await t.signUp(ANN));
    const bob = await openWindow(t, browser);
    const asked: string[] = [];
    bob.page.on("request", (request) => asked.push(request.url()));
    await invited(t, ann, bob);
    await bob.page.getByRole("link", { name: "Go to PuffinTalk" }).click();
    await bob.page.getByRole("heading", { name: "Friends" }).waitFor();
    await ann.page.getByRole("heading", { name: "Friends" }).waitFor();

    const token = await bob.page.evaluate<string>("JSON.parse(localStorage['puffintalk.session']).token");
    ok(token.startsWith("ey") && asked.length > 5);
    deepEqual(asked.filter((url) => url.includes("eyJ")), []);
    deepEqual(await bob.page.context().cookies(), []);
    equal(await bob.page.evaluate("sessionStorage.getItem('puffintalk.handover')"), null);
    deepEqual([ann.errors, bob.errors], [[], []]);
  },
);

browserTest(
  "an invitation that is answered in a browser where somebody else is signed in leaves that session alone",
  async (t, browser) => {
    const ann = await openAs(t, browser, await t.signUp(ANN));
    const cat = await openAs(t, browser, await t.signUp(CAT));
    const bob = { page: await cat.page.context().newPage(), errors: [] };
    await invited(t, ann, bob);
    await bob.page.getByRole("link", { name: "Go to PuffinTalk" }).click();
    await bob.page.getByRole("heading", { name: "Friends" }).waitFor();
    await cat.page.reload();
    await cat.page.getByText("Nobody here yet").waitFor();
    await bob.page.reload();
    await bob.page.getByRole("heading", { name: "Friends" }).waitFor();
  },
);

browserTest(
  "somebody who signs in again through an invitation finds their unsent messages and half-written texts",
  async (t, browser) => {
    const ann = await openAs(t, browser, await t.signUp(ANN));
    const bob = await openWindow(t, browser);
    await invited(t, ann, bob);
    t.clock.advance(120_000);
    const other = await bob.page.context().newPage();
    await bob.page.context().route("**/api/messages/send", (route) => route.abort());
    await other.goto(`${t.url}/app`);
    await enter(t, other, BOB);
    await other.locator(".row", { hasText: ANN }).click();
    await write(other, "Not sent yet");
    await ticked(other, "Waiting");
    await field(other).fill("Half a thou");
    const kept = () => other.evaluate<{ token: string }>("JSON.parse(localStorage['puffintalk.session'])");
    const { token } = await kept();

    await bob.page.getByRole("link", { name: "Go to PuffinTalk" }).click();
    await bob.page.locator(".row", { hasText: ANN }).click();
    ok((await kept()).token !== token);
    equal(await field(bob.page).inputValue(), "Half a thou");
    deepEqual(await bubbles(bob.page), ["Not sent yet"]);
    await bob.page.context().unroute("**/api/messages/send");
    await ann.page.locator(".row", { hasText: BOB }).click();
    await ann.page.getByText("Not sent yet").waitFor();
    deepEqual([ann.errors, bob.errors], [[], []]);
  },
);

browserTest(
  "two windows of one browser can have two people signed in, each under its own profile",
  async (t, browser) => {
    const { page: dev, errors } = await openWindow(t, browser, { path: "/dev" });
    for (const [name, phone] of [["first", ANN], ["second", BOB]] as const) {
      const opened = dev.context().waitForEvent("page");
      await dev.getByRole("link", { name: `Window of the ${name} person` }).click();
      const page = await opened;
      await enter(t, page, phone);
      await page.reload();
      await page.locator(".chats").waitFor();
      await press(page, "F2");
      await page.getByText(phone).waitFor();
    }
    deepEqual(errors, []);
  },
);

Deno.test({
  name: "an inviter sees with keys what became of each invitation, and at once when somebody has joined",
  ignore: !hasBrowser,
  fn: () =>
    withInvites((t, twilio) =>
      withBrowser(async (browser) => {
        const person = await join(t, twilio, ANN);
        const { page, errors } = await openAs(t, browser, person, { bypassCSP: true });
        const look = async () => {
          await press(page, "F1");
          await page.locator("#peer:focus").waitFor();
          await moveTo(page, "Invitations sent");
          await press(page, "Enter");
        };
        await look();
        await page.getByText("None yet.").waitFor();
        await press(page, "Escape", "Escape");
        await page.locator(".chats").waitFor();
        await invite(t, person, BOB);
        twilio.answer({ status: 400, code: 21614 });
        await invite(t, person, CAT);

        await look();
        const card = (phone: string) => page.getByRole("listitem").filter({ hasText: phone });
        await card(BOB).getByText("No account yet.").waitFor();
        await card(CAT).getByText("The SMS did not arrive.").waitFor();
        await page.getByText("You can send 9 more in these 24 hours.").waitFor();
        await judge(page, "invitations");
        await join(t, twilio, BOB);
        await card(BOB).getByText("Has an account now.").waitFor();
        await moveTo(page, `Contact: ${BOB}`);
        await press(page, "Enter");
        await page.getByText("You asked to be friends. No answer yet.").waitFor();
        deepEqual(errors, []);
      })
    ),
});

for (const size of ["tiny", "desktop"] as const) {
  browserTest(
    `where the inviter's own phone sends invitations, the form leads to its SMS and suits axe-core, ${size}`,
    async (t, browser) => {
      const ann = await t.signUp(ANN);
      const options = { bypassCSP: true, viewport: SIZES[size], path: "/app#/add" };
      const { page, errors } = await openAs(t, browser, ann, options);
      await page.locator("#peer").fill(BOB);
      await press(page, "Enter");
      const link = page.getByRole("link", { name: "Write the SMS" });
      await link.waitFor();
      match(
        decodeURIComponent(await link.getAttribute("href") ?? ""),
        /^sms:\+14155550102\b.*\/i\/[\w-]{22}/s,
      );
      await judge(page, "invitation by the own phone");
      deepEqual(errors, []);
    },
    { env: { INVITE_MODE: "device" } },
  );
}

browserTest(
  "axe-core finds nothing on /dev, with SMS on it, on a keypad phone and on a desktop",
  async (t, browser) => {
    const ann = await t.signUp(ANN);
    await invite(t, ann, BOB);
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await openWindow(t, browser, { path: "/dev", bypassCSP: true, colorScheme });
      await page.getByRole("region", { name: BOB }).waitFor();
      for (const size of ["keypad", "desktop"] as const) {
        await page.setViewportSize(SIZES[size]);
        await judge(page, `/dev, ${size}, ${colorScheme}`);
      }
    }
  },
);
