// Data that the browser stored are damaged, or were written by something else: the pages still open, and show
// what is intact.

import { deepEqual, equal } from "./assert.ts";
import { ANN, BOB, eventually, friends } from "./support.ts";
import { browserTest, bubbles, enter, field, openAs, openWindow, ticked, write } from "./web_window.ts";

const SESSIONS = {
  "an object of nothing": "{}",
  "a word": '"abc"',
  "no JSON": "{",
  "without a number": '{"token":"abc"}',
  "with a token that none is": `{"token":"a \\u20ac","phone_number":"${ANN}"}`,
};

browserTest("a damaged stored session leads to the sign-in screen, which works", async (t, browser) => {
  const { page, errors } = await openWindow(t, browser);
  for (const [what, session] of Object.entries(SESSIONS)) {
    await page.evaluate((text) => localStorage.setItem("puffintalk.session", text), session);
    await page.reload();
    await page.locator("#phone:focus").waitFor().catch(() => {
      throw new Error(`${what} does not lead to the door`);
    });
  }
  await enter(t, page, ANN);
  deepEqual(errors, []);
});

browserTest("a requested code is forgotten if its stored state is damaged", async (t, browser) => {
  const script = `sessionStorage.setItem("puffintalk.pending", '{"phone":"${ANN}"}')`;
  const { page, errors } = await openWindow(t, browser, { script });
  await page.locator("#phone:focus").waitFor();
  deepEqual(errors, []);
});

/** In the page: stores a value among what was last seen. */
const put = (key: string, value: unknown) =>
  `new Promise((resolve) => {
    indexedDB.open("puffintalk").onsuccess = ({ target: { result } }) => {
      const transaction = result.transaction("seen", "readwrite");
      transaction.objectStore("seen").put(${JSON.stringify(value)}, ${JSON.stringify(key)});
      transaction.oncomplete = () => resolve(result.close());
    };
  })`;

for (const damaged of ["abc", 5, {}, [null, {}, "abc"]]) {
  browserTest(
    `what was last seen may be ${JSON.stringify(damaged)}, and so may drafts and what was half written`,
    async (t, browser) => {
      const [ann, bob] = await friends(t);
      await t.send(bob, ann, "Hello");
      const { page, errors } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
      await page.getByText("Hello").waitFor();
      for (const key of ["contacts", `thread ${BOB}`]) await page.evaluate(put(key, damaged));
      await page.evaluate(([damaged, phone]) => {
        for (const key of ["puffintalk.leaving", "puffintalk.leaving 1"]) {
          localStorage.setItem(key, JSON.stringify(damaged));
        }
        localStorage.setItem("puffintalk.scraps", JSON.stringify({ [phone as string]: damaged }));
      }, [damaged, BOB]);
      await page.reload();
      await field(page).waitFor();
      await write(page, "Here");
      await ticked(page, "Sent");
      deepEqual(await bubbles(page), ["Hello", "Here"]);
      deepEqual(errors, []);
    },
  );
}

browserTest("unsent messages that an earlier version stored as one list are sent", async (t, browser) => {
  const [ann, bob] = await friends(t);
  const drafts = ["One", "Two"].map((message, nth) => ({
    client_id: `${nth}`,
    phone_number: BOB,
    message_type: "text",
    message,
    created_at: new Date(Date.now() + nth).toISOString(),
  }));
  // Stored once: the client takes it over.
  const script = `if (!sessionStorage.getItem("begun")) {
    sessionStorage.setItem("begun", "yes");
    localStorage.setItem("puffintalk.leaving", ${JSON.stringify(JSON.stringify(drafts))});
  }`;
  const { page, errors } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}`, script });
  await ticked(page, "Sent");
  await eventually(async () => deepEqual(await bubbles(page), ["One", "Two"]));
  equal(await page.evaluate("localStorage.getItem('puffintalk.leaving')"), null);
  const { body } = await t.call("GET", `/api/messages/${encodeURIComponent(ANN)}?count=10`, {
    token: bob.token,
  });
  deepEqual(body.messages.map(({ message }: { message: string }) => message), ["Two", "One"]);
  deepEqual(errors, []);
});

browserTest("settings that are damaged are those of a first start", async (t, browser) => {
  for (const damaged of ["{", "5", '{"language":"xx","colours":"pink","notices":5}', '{"language":5}']) {
    const script = `localStorage.setItem("puffintalk.settings", ${JSON.stringify(damaged)})`;
    const { page, errors } = await openWindow(t, browser, { script, locale: "es-MX" });
    await page.locator("#phone:focus").waitFor();
    const shown = await page.evaluate(
      `({ ...document.documentElement.dataset, lang: document.documentElement.lang })`,
    );
    deepEqual(shown, { colours: "auto", lang: "es" });
    deepEqual(errors, []);
  }
});
