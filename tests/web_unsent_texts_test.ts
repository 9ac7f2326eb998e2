// A half-written text is kept for its recipient until it is sent or its writer's session ends.

import { deepEqual, equal } from "./assert.ts";
import { BOB, CAT, eventually } from "./support.ts";
import { browserTest, bubbles, enter, field, openFriends, press, ticked, write } from "./web_window.ts";

const UNSENT_TEXTS = "localStorage.getItem('puffintalk.scraps')";

browserTest(
  "an unsent text is there again after visiting another screen and after a restart, and for nobody else",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    const { page } = ann;
    await field(page).fill("Half a thou");
    await press(page, "Escape");
    await page.locator(".row", { hasText: CAT }).click();
    equal(await field(page).inputValue(), "");
    await field(page).fill("For Cat");
    await press(page, "Escape");
    await page.locator(".row", { hasText: BOB }).click();
    equal(await field(page).inputValue(), "Half a thou");
    await press(page, "Escape");
    await page.locator(".row", { hasText: CAT }).click();
    equal(await field(page).inputValue(), "For Cat");
    await field(page).fill("");
    await press(page, "Escape");
    await page.locator(".row", { hasText: BOB }).click();
    await page.reload();
    await field(page).waitFor();
    equal(await field(page).inputValue(), "Half a thou");

    await field(page).focus();
    await press(page, "End");
    await page.keyboard.type("ght");
    await press(page, "Enter");
    await eventually(async () => deepEqual(await bubbles(page), ["Half a thought"]));
    equal(await field(page).inputValue(), "");
    await page.reload();
    await page.getByText("Half a thought").waitFor();
    equal(await field(page).inputValue(), "");
    equal(await page.evaluate(UNSENT_TEXTS), null);
  },
);

browserTest(
  "an unsent text is gone with its session, whether that was ended here or elsewhere",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    for (const { page } of [ann, bob]) {
      await field(page).fill("Nobody's business");
      equal(await page.evaluate(`${UNSENT_TEXTS} !== null`), true);
    }
    await t.call("POST", "/api/auth/signout", { token: ann.token });
    await bob.page.goto(`${t.url}/app#/settings`);
    await bob.page.getByRole("button", { name: "Sign out" }).click();
    await bob.page.getByRole("button", { name: "Sign out" }).click();
    for (const { page } of [ann, bob]) {
      await page.locator("#phone").waitFor();
      equal(await page.evaluate(UNSENT_TEXTS), null);
    }
    await bob.page.locator("#phone").focus();
    t.clock.advance(120_000);
    await enter(t, bob.page, BOB);
    await bob.page.goto(`${t.url}/app#/thread/${ann.phone}`);
    await field(bob.page).waitFor();
    equal(await field(bob.page).inputValue(), "");
  },
);

browserTest(
  "texts and messages left by a user whose session is gone are neither shown to the next user nor sent in their name",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const { page } = ann;
    await page.route("**/api/messages/send", (route) => route.abort());
    await write(page, "Not sent yet");
    await ticked(page, "Waiting");
    await field(page).fill("Nobody's business");
    await page.evaluate("localStorage.removeItem('puffintalk.session')");
    await page.goto(`${t.url}/app`);
    await page.locator("#phone").waitFor();
    equal(await page.evaluate(`${UNSENT_TEXTS} !== null`), true);
    await page.unroute("**/api/messages/send");
    await t.befriend(await t.signUp(CAT), { phone: BOB, token: (await t.signIn(BOB)).token });
    t.clock.advance(120_000);
    await enter(t, page, CAT);
    equal(await page.evaluate(UNSENT_TEXTS), null);
    await page.locator(".row", { hasText: BOB }).click();
    await field(page).waitFor();
    equal(await field(page).inputValue(), "");
    deepEqual(await bubbles(page), []);
    equal((await t.sql`select id from messages`).length, 0);
  },
);

browserTest(
  "messages in a database that cannot be emptied are neither shown to the next user nor sent in their name",
  async (t, browser) => {
    const script = `IDBObjectStore.prototype.clear = () => { throw new DOMException("", "UnknownError"); };`;
    const { ann } = await openFriends(t, browser, [{ script }, {}]);
    const { page } = ann;
    await t.befriend(await t.signUp(CAT), { phone: BOB, token: (await t.signIn(BOB)).token });
    await page.route("**/api/messages/send", (route) => route.abort());
    await write(page, "Not sent yet");
    await ticked(page, "Waiting");
    // Moved into the database.
    await eventually(() =>
      page.evaluate("!Object.keys(localStorage).some((key) => key.includes('leaving'))")
    );
    await t.call("POST", "/api/auth/signout", { token: ann.token });
    t.clock.advance(120_000);
    await enter(t, page, CAT);
    await page.unroute("**/api/messages/send");
    await page.locator(".row", { hasText: BOB }).click();
    await write(page, "Mine");
    await ticked(page, "Delivered");
    deepEqual(await bubbles(page), ["Mine"]);
    equal((await t.sql`select id from messages`).length, 1);
  },
);
