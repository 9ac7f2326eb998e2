// All states of an invitation's page, as a person in a browser reaches them.

import type { Page } from "playwright-core";
import { inviteLink } from "./page_calls.ts";
import { ANN, BOB, CAT, type TestApp } from "./support.ts";

/** A wrong passcode; a derived one equals it once in a million. */
const WRONG_CODE = "000000";
const DAN = "+14155550104";
const DAYS_MS = 24 * 60 * 60 * 1000;

/** Calls `seen` with the name of each state. */
export async function passStates(
  t: TestApp,
  page: Page,
  seen: (name: string) => Promise<void>,
): Promise<void> {
  const ann = await t.signUp(ANN);
  const link = t.url + await inviteLink(t, ann, BOB);
  const press = (selector: string) =>
    Promise.all([page.waitForEvent("load"), page.click(selector, { noWaitAfter: true })]);
  const typeCode = async (code: string) => {
    await page.fill("#passcode", code);
    await press(`form:has(#passcode) button`);
  };

  await page.goto(link);
  await seen("start");
  await press("form:has([value=send]) button");
  await seen("passcode");
  await typeCode(WRONG_CODE);
  await seen("wrong-code");
  await typeCode(t.codeFor(BOB));
  await seen("request");
  await press("form:has([value=accept]) button");
  await seen("accepted");
  await page.goto(link);
  await seen("used");

  const address = t.url + await inviteLink(t, ann, CAT);
  await page.goto(address);
  await press("form:has([value=never]) button");
  await seen("never");
  await page.goto(address);
  await press("form:has([value=send]) button");
  await press("form:has([value=send]) button");
  await seen("too-soon");
  await typeCode(t.codeFor(CAT));
  await press("form:has([value=decline]) button");
  await seen("declined");
  await page.goto(`${address}/x`);
  await seen("error");
  const expired = await inviteLink(t, ann, DAN);
  t.clock.advance(31 * DAYS_MS);
  await page.goto(t.url + expired);
  await seen("expired");
  await page.goto(`${t.url}/i/AAAAAAAAAAAAAAAAAAAAAA`);
  await seen("unknown");
}
