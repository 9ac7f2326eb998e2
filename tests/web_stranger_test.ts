// An address that names a number which is not in the user's list.

import { equal } from "./assert.ts";
import { ANN, BOB, CAT } from "./support.ts";
import { browserTest, field, focused, openAs, press, SIZES } from "./web_window.ts";

const SENTENCE = "This number is not in your list.";

for (const at of ["thread", "person"]) {
  browserTest(
    `#/${at}/ of a number that is not in the list says so, and leads to asking and back by keys alone`,
    async (t, browser) => {
      await t.signUp(CAT);
      const { page, errors } = await openAs(t, browser, await t.signUp(ANN), { path: `/app#/${at}/${CAT}` });
      await page.getByText(SENTENCE).waitFor();
      await page.locator("main").getByText(CAT, { exact: true }).first().waitFor();
      equal(await focused(page), "Add a friend");
      await press(page, "Enter");
      equal(await page.getByLabel("Phone number").inputValue(), CAT);
      equal(await focused(page), "Phone number");
      await press(page, "Escape");
      await page.getByText(SENTENCE).waitFor();
      await press(page, "Enter", "Enter");
      await page.getByText("You asked to be friends. No answer yet.").waitFor();
      equal(await page.getByText(SENTENCE).count(), 0);
      equal(errors.length, 0);
    },
  );
}

browserTest("if the list is shown beside, nothing is selected, and Back leads out", async (t, browser) => {
  const ann = await t.signUp(ANN);
  await t.befriend(ann, await t.signUp(BOB));
  const { page } = await openAs(t, browser, ann, {
    path: "/app#/thread/+99999999999",
    viewport: SIZES.desktop,
  });
  await page.getByRole("main").getByText(SENTENCE).waitFor();
  equal(await page.locator("[aria-current]").count(), 0);
  await page.getByRole("main").getByRole("button", { name: "Back" }).click();
  await page.getByText("Choose somebody").waitFor();
});

browserTest(
  "a stranger who becomes a friend is shown as one: the conversation opens by itself",
  async (t, browser) => {
    const [ann, cat] = [await t.signUp(ANN), await t.signUp(CAT)];
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${CAT}` });
    await page.getByText(SENTENCE).waitFor();
    await t.befriend(ann, cat);
    await field(page).waitFor();
    equal(await focused(page), "Message");
  },
);

browserTest("nobody is called unknown because of a list from storage", async (t, browser) => {
  const ann = await t.signUp(ANN);
  const { page } = await openAs(t, browser, ann, { viewport: SIZES.desktop });
  await page.getByText("Nobody here yet").waitFor();
  const asked = Promise.withResolvers<void>();
  await page.route("**/api/contacts", async (route) => {
    await asked.promise;
    await route.continue();
  });
  await t.befriend(ann, await t.signUp(BOB));
  await page.goto(`${t.url}/app#/thread/${BOB}`);
  await page.reload();
  await page.getByRole("main").getByRole("log").waitFor();
  await page.getByText("Nobody here yet").waitFor();
  equal(await page.getByText(SENTENCE).count(), 0);
  asked.resolve();
  await field(page).waitFor();
});
