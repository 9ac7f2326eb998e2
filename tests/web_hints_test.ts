// What the service announces is fetched, even if it is not available at first and not announced again.

import type { Page, Route } from "playwright-core";
import { deepEqual, equal, ok } from "./assert.ts";
import { ANN, BOB, CAT, eventually, type TestApp } from "./support.ts";
import { browserTest, friendsTest, openAs, ticked } from "./web_window.ts";

const refuse = (status: number, json: unknown) => (route: Route) => route.fulfill({ status, json });

/** Failures of calls that may last for a while, with the socket open. */
const PASSING: Record<string, (route: Route) => Promise<void>> = {
  "the service is overloaded": refuse(503, { success: false, code: "unavailable", message: "Later" }),
  "a limit is reached": refuse(429, {
    success: false,
    code: "rate_limited",
    message: "Later",
    retry_after: 1,
  }),
  "a proxy answers": (route) => route.fulfill({ status: 502, body: "Bad gateway" }),
  "no answer comes": (route) => route.abort("timedout"),
};

friendsTest(
  "a message is shown even if its thread could not be fetched when it arrived and no other notice follows",
  async (t, { ann, bob }) => {
    for (const [what, answer] of Object.entries(PASSING)) {
      let refused = 0;
      const pattern = /\/api\/messages\/[^/]*\?/;
      await ann.page.route(pattern, (route) => {
        refused += 1;
        return answer(route);
      });
      await t.send(bob, ann, `While ${what}`);
      await eventually(() => ok(refused > 1, what), 10_000);
      await ann.page.unroute(pattern);
      await ann.page.getByText(`While ${what}`).waitFor();
      await ticked(bob.page, "Seen");
    }
  },
);

friendsTest(
  "that a text was seen is reported again if it was refused, but not immediately",
  async (t, { ann, bob }) => {
    let refused = 0;
    await ann.page.route("**/api/messages/read", (route) => {
      refused += 1;
      return PASSING["the service is overloaded"]!(route);
    });
    await t.send(bob, ann, "Hello");
    await eventually(() => equal(refused, 1));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    equal(refused, 1);
    await ann.page.unroute("**/api/messages/read");
    await ticked(bob.page, "Seen");
  },
);

/** Refuses the list; the result counts the requests for it. */
async function refuseList(page: Page, answer: (route: Route) => Promise<void>): Promise<() => number> {
  let asked = 0;
  await page.route("**/api/contacts", (route) => {
    asked += 1;
    return answer(route);
  });
  return () => asked;
}

/** Lets minutes pass, five by default, and every request begin that is due by then. */
async function pass(page: Page, minutes = "05:00"): Promise<void> {
  await page.clock.fastForward(minutes);
  await page.evaluate("fetch('/healthz')");
}

function listTest(name: string, run: (t: TestApp, page: Page) => Promise<void>): void {
  browserTest(name, async (t, browser) => {
    const { page, errors } = await openAs(t, browser, await t.signUp(ANN));
    await page.clock.install();
    // A socket that is not connected within ten seconds is reopened, and the tests skip minutes.
    const isConnected = page.waitForEvent("websocket").then((one) => one.waitForEvent("framereceived"));
    const isListed = page.waitForResponse("**/api/contacts");
    await page.reload();
    await Promise.all([isConnected, isListed]);
    await page.getByText("Nobody here yet").waitFor();
    await run(t, page);
    deepEqual(errors, []);
  });
}

/** Makes the service announce at once that the list has changed. */
async function hint(t: TestApp, from: string): Promise<void> {
  const { token } = await t.signUp(from);
  await t.call("PUT", "/api/contacts/request", { token, json: { phone_number: ANN } });
}

listTest("a lasting refusal is not requested again", async (t, page) => {
  const asked = await refuseList(
    page,
    refuse(403, { success: false, code: "forbidden", message: "Never" }),
  );
  await hint(t, BOB);
  await eventually(() => equal(asked(), 1));
  await pass(page);
  equal(asked(), 1);
});

listTest(
  "a failed fetch is repeated after its retry_after, but not once its user has left",
  async (t, page) => {
    const later = { success: false, code: "unavailable", message: "Later", retry_after: 240 };
    const asked = await refuseList(page, refuse(503, later));
    await hint(t, BOB);
    await eventually(() => equal(asked(), 1));
    const answered = page.waitForEvent(
      "requestfinished",
      (request) => request.url().endsWith("/api/contacts") && asked() === 2,
    );
    await hint(t, CAT);
    await answered;
    // The page has taken in the answer by the time it has made another call.
    await page.evaluate("fetch('/healthz')");
    equal(asked(), 2);
    await pass(page, "03:00");
    equal(asked(), 2);
    await pass(page);
    await eventually(() => equal(asked(), 3));

    await page.goto(`${t.url}/app#/settings`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator("#phone").waitFor();
    await pass(page);
    equal(asked(), 3);
  },
);

listTest("a fetch that fails again and again is repeated less and less often", async (t, page) => {
  // From here on only the test moves the page's time.
  await page.clock.pauseAt(Date.now() + 60_000);
  const asked = await refuseList(page, PASSING["the service is overloaded"]!);
  await hint(t, BOB);
  await eventually(() => equal(asked(), 1));
  for (let step = 0; step < 10; step += 1) {
    await page.clock.fastForward(500);
    await page.evaluate("fetch('/healthz')");
  }
  // The waits are at least 0.25, 0.5, 1, 2 and 4 seconds.
  ok(asked() <= 5, String(asked()));
});
