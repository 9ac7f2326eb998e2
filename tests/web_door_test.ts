// Signing in and up: which of the two it is, and the code that is read from the SMS automatically.

import type { Page } from "playwright-core";
import { deepEqual, equal, match } from "./assert.ts";
import { MINUTE_MS } from "./passcode_calls.ts";
import { ANN, BOB, eventually, type TestApp } from "./support.ts";
import { browserTest, moveTo, openWindow, press } from "./web_window.ts";

async function sendCode(page: Page, phone: string): Promise<void> {
  await page.locator("#phone:focus").waitFor();
  await page.keyboard.type(phone);
  await press(page, "Enter");
  await page.locator("#code:focus").waitFor();
}

/** The SMS sent to a number, newest first. */
function inbox(t: TestApp, phone: string): string[] {
  return t.services.console!.sent().filter(({ to }) => to === phone).map(({ text }) => text);
}

const UNIFORM = { env: { UNIFORM_AUTH: "1" } };

browserTest(
  "if only the SMS reveals who has an account, a newcomer reaches sign-up with keys",
  async (t, browser) => {
    const { page, errors } = await openWindow(t, browser);
    await sendCode(page, BOB);
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    match(inbox(t, BOB)[0]!, /sign up/i);
    await moveTo(page, "The SMS says to sign up");
    await press(page, "Enter");
    await page.getByRole("button", { name: "Sign up", exact: true }).waitFor();
    await moveTo(page, "Code from the SMS", "ArrowUp");
    await page.keyboard.type(t.codeFor(BOB));
    await page.locator(".chats").waitFor();
    deepEqual(errors, []);
  },
  UNIFORM,
);

browserTest(
  "somebody who chose sign-up by mistake can still use the earlier code, even if it is too early for another",
  async (t, browser) => {
    await t.signUp(ANN);
    t.clock.advance(MINUTE_MS);
    const { page, errors } = await openWindow(t, browser);
    await sendCode(page, ANN);
    const code = t.codeFor(ANN);
    await page.getByRole("button", { name: "The SMS says to sign up" }).click();
    await page.getByRole("button", { name: "Sign up", exact: true }).waitFor();
    match(inbox(t, ANN)[0]!, /sign in/i);
    await page.getByRole("button", { name: "The SMS says to sign in" }).click();
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await page.locator("#code").fill(code);
    await page.locator(".chats").waitFor();
    deepEqual(errors, []);
  },
  UNIFORM,
);

for (
  const [phone, other, sentence] of [
    [ANN, "up", "This number has an account. Ask for a new code to sign in."],
    [BOB, "in", "This number has no account. Ask for a new code to sign up."],
  ] as const
) {
  const way = other === "up" ? "in" : "up";
  browserTest(
    `where the service tells it, whoever can sign ${way} is asked to, is told why the other way is closed, and gets in`,
    async (t, browser) => {
      await t.signUp(ANN);
      t.clock.advance(MINUTE_MS);
      const { page, errors } = await openWindow(t, browser);
      await sendCode(page, phone);
      await page.getByRole("button", { name: `Sign ${way}`, exact: true }).waitFor();
      await page.getByRole("button", { name: `The SMS says to sign ${other}` }).click();
      equal(await page.getByRole("alert").innerText(), sentence);
      await page.locator("#code").fill(t.codeFor(phone));
      await page.locator(".chats").waitFor();
      deepEqual(errors, []);
    },
  );
}

browserTest(
  "the number is shown as it was understood, and a code that is too short does not count as a guess",
  async (t, browser) => {
    const { page, errors } = await openWindow(t, browser, { path: "/app#%" });
    await sendCode(page, "001 (415) 555-0101");
    await page.getByText(`We sent an SMS to ${ANN}.`).waitFor();
    for (const typed of ["12", "abc"]) {
      await page.locator("#code").fill(typed);
      await press(page, "Enter");
      await page.getByRole("alert").getByText("The code has six digits.").waitFor();
    }
    equal((await t.sql`select attempts from passcodes`)[0]!.attempts, 0);
    await page.locator("#code").fill(t.codeFor(ANN));
    await page.locator(".chats").waitFor();
    const session = await page.evaluate<string>("localStorage.getItem('puffintalk.session')");
    equal(JSON.parse(session).phone_number, ANN);
    deepEqual(errors, []);
  },
);

browserTest("Back leads from the code to the number, even after a wrong code", async (t, browser) => {
  const { page, errors } = await openWindow(t, browser);
  await sendCode(page, ANN);
  await press(page, "Escape");
  await page.locator("#phone:focus").waitFor();
  await page.keyboard.type(ANN);
  await press(page, "Enter");
  await page.locator("#code:focus").waitFor();
  await page.keyboard.type(t.codeFor(ANN) === "000000" ? "000001" : "000000");
  await page.getByRole("alert").getByText("This code is wrong").waitFor();
  await press(page, "Escape");
  await page.locator("#phone:focus").waitFor();
  await press(page, "Escape");
  equal(await page.locator("#phone").count(), 1);
  deepEqual(errors, []);
});

browserTest(
  "a code typed over a wrong one counts as one more guess, not as one per key",
  async (t, browser) => {
    const { page, errors } = await openWindow(t, browser);
    await sendCode(page, ANN);
    await page.locator("#code:focus").waitFor();
    const right = t.codeFor(ANN);
    await page.keyboard.type(right.replaceAll(/\d/g, (digit) => String(9 - Number(digit))));
    await page.getByRole("alert").getByText("This code is wrong").waitFor();
    await page.keyboard.type(right, { delay: 20 });
    await page.locator(".chats").waitFor();
    equal((await t.sql`select attempts from passcodes`)[0]!.attempts, 2);
    deepEqual(errors, []);
  },
);

/** In the page: WebOTP, which Chromium lacks here. With it, a phone's system reads SMS for pages that ask. */
const SYSTEM = `
  globalThis.OTPCredential ??= class {};
  navigator.credentials.get = ({ otp, signal }) => new Promise((resolve, reject) => {
    globalThis.asked = otp;
    globalThis.receive = (sms) => resolve({ code: sms.match(/^@\\S+ #(\\d+)$/m)[1] });
    signal.addEventListener("abort", () => {
      globalThis.asked = "no longer";
      reject(signal.reason);
    });
  });`;

browserTest(
  "the code is filled in from the SMS where the system supports that, and only while the page waits for it",
  async (t, browser) => {
    const { page, errors } = await openWindow(t, browser);
    await page.addInitScript(SYSTEM);
    await page.reload();
    await sendCode(page, ANN);
    equal(await page.locator("#code").getAttribute("autocomplete"), "one-time-code");
    await eventually(async () => deepEqual(await page.evaluate("globalThis.asked"), { transport: ["sms"] }));
    await page.getByRole("button", { name: "Another number" }).click();
    await page.locator("#phone").waitFor();
    await eventually(async () => equal(await page.evaluate("globalThis.asked"), "no longer"));

    await sendCode(page, BOB);
    await eventually(async () => deepEqual(await page.evaluate("globalThis.asked"), { transport: ["sms"] }));
    await page.evaluate(`globalThis.receive(${JSON.stringify(inbox(t, BOB)[0])})`);
    await page.locator(".chats").waitFor();
    deepEqual(errors, []);
  },
);
