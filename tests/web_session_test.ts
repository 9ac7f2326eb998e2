// The session in the pages: its end from elsewhere, its renewal, several windows, and settings of a person.

import { deepEqual, equal, match, ok } from "./assert.ts";
import { only } from "./limit_calls.ts";
import { ANN, BOB, CAT, eventually, friends, refused, succeeded } from "./support.ts";
import { REMEMBERED } from "./web_storage.ts";
import {
  browserTest,
  bubbles,
  enter,
  field,
  focused,
  moveTo,
  openAs,
  openFriends,
  press,
  SIZES,
} from "./web_window.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** In the page: the scroll position of a list. */
const PLACE = `(() => {
  const { scrollTop, scrollHeight, clientHeight } = document.querySelector("[role=log]");
  return { scrollTop, scrollHeight, clientHeight, below: scrollHeight - scrollTop - clientHeight };
})()`;

browserTest(
  "a session that is ended from another device leads to the sign-in screen, says so, and leaves nothing behind",
  async (t, browser) => {
    const [person, bob] = await friends(t);
    await t.send(bob, person, "Hello");
    const { page, errors } = await openAs(t, browser, person, { path: `/app#/thread/${BOB}` });
    await page.getByText("Hello").waitFor();
    await eventually(async () => deepEqual(await page.evaluate(REMEMBERED), ["contacts", `thread ${BOB}`]));
    const other = await t.signIn(ANN);
    const { body } = await t.call("GET", "/api/auth/sessions", { token: other.token });
    const first = body.sessions.find(({ current }: { current: boolean }) => !current);
    await t.call("DELETE", `/api/auth/sessions/${first.id}`, { token: other.token });

    await page.getByText("You were signed out on this device.").waitFor();
    equal(await page.evaluate("localStorage.getItem('puffintalk.session')"), null);
    deepEqual(await page.evaluate(REMEMBERED), []);
    deepEqual(errors, []);
  },
);

browserTest(
  "signing out with keys ends the session everywhere in this browser, and at the service",
  async (t, browser) => {
    const { ann } = await openFriends(t, browser);
    const other = await ann.page.context().newPage();
    await other.goto(`${t.url}/app`);
    await other.locator(".chats").waitFor();
    await press(other, "F2");
    await other.getByRole("button", { name: "Sign out" }).waitFor();
    await moveTo(other, "Sign out");
    await press(other, "Enter");
    await moveTo(other, "Sign out", "ArrowUp");
    await press(other, "Enter");
    for (const page of [ann.page, other]) await page.locator("#phone").waitFor();
    refused(await t.call("GET", "/api/contacts", { token: ann.token }), 401, "unauthenticated");
  },
);

browserTest(
  "an account is deleted with keys after a confirmation; the sign-in screen says so, and nothing is left in the browser",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    await ann.page.evaluate("location.hash = '#/settings'");
    await moveTo(ann.page, "Delete account");
    await press(ann.page, "Enter");
    await ann.page.getByText("This cannot be undone.").waitFor();
    await press(ann.page, "Enter");
    await ann.page.getByText("This cannot be undone.").waitFor({ state: "detached" });
    succeeded(await t.call("GET", "/api/contacts", { token: ann.token }));

    await moveTo(ann.page, "Delete account");
    await press(ann.page, "Enter");
    await moveTo(ann.page, "Delete account", "ArrowUp");
    await press(ann.page, "Enter");
    await ann.page.getByText("Your account is deleted.").waitFor();
    equal(await ann.page.evaluate("localStorage.getItem('puffintalk.session')"), null);
    refused(await t.call("GET", "/api/contacts", { token: ann.token }), 401, "unauthenticated");
    await bob.page.goto(`${t.url}/app`);
    await bob.page.getByText("Nobody here yet").waitFor();
    deepEqual([...ann.errors, ...bob.errors], []);
  },
);

browserTest(
  "an account is not called deleted if the session had already ended or the outcome is unknown",
  async (t, browser) => {
    for (const [phone, ends] of [[ANN, true], [BOB, false]] as const) {
      const person = await t.signUp(phone);
      const { page, errors } = await openAs(t, browser, person, { path: "/app#/settings" });
      await page.route("**/api/auth/delete-account", async (route) => {
        if (ends) return route.fulfill({ status: 401, json: { success: false, code: "unauthenticated" } });
        // Another device ends the session, and the answer is lost.
        const other = await t.signIn(phone);
        const { body } = await t.call("GET", "/api/auth/sessions", { token: other.token });
        const first = body.sessions.find(({ current }: { current: boolean }) => !current);
        succeeded(await t.call("DELETE", `/api/auth/sessions/${first.id}`, { token: other.token }));
        await new Promise((resolve) => setTimeout(resolve, 500));
        await route.abort();
      });
      await page.getByRole("button", { name: "Delete account" }).click();
      await page.locator(".danger").click();
      await page.getByText("You were signed out on this device.").waitFor();
      equal(await page.getByText("Your account is deleted.").count(), 0);
      deepEqual(errors, []);
    }
  },
);

browserTest(
  "the window in which an account is deleted says so, even if another window of the account hears of it first",
  async (t, browser) => {
    const person = await t.signUp(ANN);
    const { page } = await openAs(t, browser, person, { path: "/app#/settings" });
    const other = await page.context().newPage();
    await other.goto(`${t.url}/app`);
    await other.getByText("Nobody here yet").waitFor();
    // The other window hears of it first.
    await page.route("**/api/auth/delete-account", async (route) => {
      const response = await route.fetch();
      await other.locator("#phone").waitFor();
      await route.fulfill({ response });
    });
    await page.getByRole("button", { name: "Delete account" }).click();
    await page.locator(".danger").click();
    await page.getByText("Your account is deleted.").waitFor();
  },
);

browserTest(
  "a session that was replaced by another of the same person ends without signing anybody out",
  async (t, browser) => {
    const first = await t.signUp(ANN);
    const { page, errors } = await openAs(t, browser, first);
    await page.getByText("Nobody here yet").waitFor();
    await page.evaluate(`globalThis.heard = new Promise((resolve) =>
      addEventListener("storage", ({ key }) => key === "puffintalk.session" && resolve())); 0`);
    const { token } = await t.signIn(ANN);
    const other = await page.context().newPage();
    await other.goto(`${t.url}/app`);
    const handover = JSON.stringify({ token, phone_number: ANN, expires_at: new Date().toISOString() });
    await other.evaluate(`sessionStorage.setItem("puffintalk.handover", ${JSON.stringify(handover)})`);
    await other.reload();
    await other.getByText("Nobody here yet").waitFor();
    await page.evaluate("globalThis.heard");
    const isOpen = page.waitForEvent("websocket").then((socket) => socket.waitForEvent("framereceived"));
    await t.call("POST", "/api/auth/signout", { token: first.token });
    await isOpen;
    equal(await page.evaluate("JSON.parse(localStorage['puffintalk.session']).token"), token);

    const bob = await t.signUp(BOB);
    await t.call("PUT", "/api/contacts/request", { token: bob.token, json: { phone_number: ANN } });
    for (const each of [page, other]) await each.locator(".row", { hasText: BOB }).waitFor();
    deepEqual(errors, []);
  },
);

browserTest(
  "a late answer to a sign-out does not sign out a user who has signed in since",
  async (t, browser) => {
    const { page } = await openAs(t, browser, await t.signUp(ANN));
    await page.getByText("Nobody here yet").waitFor();
    const other = await page.context().newPage();
    await other.goto(`${t.url}/app`);
    await other.getByText("Nobody here yet").waitFor();
    const isNext = Promise.withResolvers<void>();
    await page.route("**/api/auth/signout", async (route) => {
      const response = await route.fetch();
      await isNext.promise;
      await route.fulfill({ response });
    });
    await page.goto(`${t.url}/app#/settings`);
    await page.getByRole("button", { name: "Sign out" }).click();
    const answered = page.waitForEvent("requestfinished", (request) => request.url().endsWith("/signout"));
    await page.getByRole("button", { name: "Sign out" }).click();
    await other.locator("#phone").waitFor();
    await enter(t, other, BOB);
    isNext.resolve();
    await answered;
    await page.evaluate("fetch('/healthz')");
    await other.reload();
    await other.getByText("Nobody here yet").waitFor();
  },
);

browserTest(
  "an answer for a user who has left is neither shown to the next, nor stored, nor waited for",
  async (t, browser) => {
    const [ann] = await friends(t);
    const { page } = await openAs(t, browser, ann);
    await page.getByText(BOB).waitFor();
    const asked = Promise.withResolvers<void>();
    const isGone = Promise.withResolvers<void>();
    await page.route("**/api/contacts", async (route) => {
      const response = await route.fetch();
      asked.resolve();
      await isGone.promise;
      await route.fulfill({ response });
    }, { times: 1 });
    await t.call("PUT", "/api/contacts/request", {
      token: (await t.signUp(CAT)).token,
      json: { phone_number: ANN },
    });
    await asked.promise;
    await page.goto(`${t.url}/app#/settings`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    t.clock.advance(120_000);
    await enter(t, page, "+14155550109");
    await page.getByText("Nobody here yet").waitFor();

    const answered = page.waitForEvent(
      "requestfinished",
      (request) => request.url().endsWith("/api/contacts"),
    );
    isGone.resolve();
    await answered;
    await page.evaluate("fetch('/healthz')");
    equal(await page.getByText("Nobody here yet").count(), 1);
    deepEqual(
      await page.evaluate(`new Promise((resolve) => {
        indexedDB.open("puffintalk").onsuccess = ({ target: { result } }) => {
          const asked = result.transaction("seen").objectStore("seen").get("contacts");
          asked.onsuccess = () => resolve(asked.result);
        };
      })`),
      [],
    );
  },
);

browserTest(
  "somebody who signs out is not told that they were signed out elsewhere, even if the socket knows before the answer",
  async (t, browser) => {
    const { page, errors } = await openAs(t, browser, await t.signUp(ANN));
    await page.getByText("Nobody here yet").waitFor();
    await page.route("**/api/auth/signout", async (route) => {
      const response = await route.fetch();
      // The service closes the socket, which leads to the sign-in screen.
      await page.locator("#phone").waitFor();
      await route.fulfill({ response });
    });
    await press(page, "F2");
    await moveTo(page, "Sign out");
    await press(page, "Enter");
    await moveTo(page, "Sign out", "ArrowUp");
    const answered = page.waitForResponse("**/api/auth/signout");
    await press(page, "Enter");
    await answered;
    // Any message about the end has been shown by the time a code is requested.
    await page.locator("#phone:focus").waitFor();
    await page.keyboard.type(ANN);
    await press(page, "Enter");
    await page.getByRole("button", { name: "Another number" }).click();
    await page.locator("#phone").waitFor();
    equal(await page.getByText("You were signed out on this device.").count(), 0);
    deepEqual(errors, []);
  },
);

browserTest("a chosen language is used at once, and after the next start", async (t, browser) => {
  const { page } = await openAs(t, browser, await t.signUp(ANN));
  await press(page, "F2");
  await page.getByRole("button", { name: "Espa\u00f1ol" }).click();
  await page.getByText("Dispositivos").waitFor();
  equal(await page.evaluate("document.documentElement.lang"), "es");
  await page.goto(`${t.url}/app`);
  await page.getByText("Todav\u00eda no hay nadie").waitFor();
});

browserTest("colours that are chosen are shown at once, and after the next start", async (t, browser) => {
  const { page } = await openAs(t, browser, await t.signUp(ANN), { path: "/app#/settings" });
  const colours = () => page.evaluate("document.documentElement.dataset.colours");
  equal(await colours(), "auto");
  await page.getByRole("button", { name: "Dark" }).click();
  equal(await colours(), "dark");
  await page.reload();
  await page.locator("[aria-pressed=true]", { hasText: "Dark" }).waitFor();
  equal(await colours(), "dark");
});

browserTest(
  "older messages are loaded by scrolling up, and the message being read stays where it is",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    for (let number = 1; number <= 100; number += 1) await t.send(bob, ann, `Number ${number}`);
    await ann.page.reload();
    await ann.page.getByText("Number 100", { exact: true }).waitFor();
    await eventually(async () => ok((await bubbles(ann.page)).length < 90));
    for (let step = 0; step < 60 && (await bubbles(ann.page))[0] !== "Number 1"; step += 1) {
      const oldest = (await bubbles(ann.page))[0];
      await eventually(async () => {
        // What arrives at the same moment may scroll the newest back into view.
        await ann.page.evaluate("document.querySelector('[role=log]').scrollTop = 0");
        const texts = await bubbles(ann.page);
        return texts[0] !== oldest || texts[0] === "Number 1";
      });
    }
    const texts = await bubbles(ann.page);
    deepEqual(texts, Array.from({ length: 100 }, (_, at) => `Number ${at + 1}`));
    await t.send(bob, ann, "Number 101");
    await ann.page.getByText("Number 101", { exact: true }).waitFor({ state: "attached" });
    const place = await ann.page.evaluate<{ below: number }>(PLACE);
    ok(place.below > 500, JSON.stringify(place));
  },
);

browserTest(
  "a conversation in which nothing can be written any more opens at its newest message, every time",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    for (let nth = 1; nth <= 60; nth += 1) await t.send(bob, ann, `Number ${nth}`);
    await t.call("PUT", "/api/contacts/delete", { token: bob.token, json: { phone_number: ANN } });
    for (const time of [1, 2, 3]) {
      await ann.page.getByText("Number 60", { exact: true }).waitFor();
      await eventually(async () => {
        const { below } = await ann.page.evaluate<{ below: number }>(PLACE);
        ok(below < 5, `Time ${time}: ${below}`);
      });
      if (time > 1) match(await focused(ann.page), /Number 60/);
      await press(ann.page, "Escape");
      await moveTo(ann.page, new RegExp(BOB.slice(1)));
      await press(ann.page, "Enter");
    }
  },
);

browserTest(
  "if the list is shown beside the conversation, keys continue in it when the focused element is gone",
  async (t, browser) => {
    const [ann, bob] = [await t.signUp(ANN), await t.signUp(BOB)];
    const { page } = await openAs(t, browser, ann, { viewport: SIZES.desktop });
    await moveTo(page, "Add a friend");
    await t.call("PUT", "/api/contacts/request", { token: bob.token, json: { phone_number: ANN } });
    await page.locator(".row", { hasText: BOB }).waitFor();
    await eventually(async () => ok((await focused(page)) !== ""));
    await moveTo(page, new RegExp(BOB.slice(1)));
  },
);

browserTest(
  "deep in a conversation, arrows move through the messages, and Back leads out step by step",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    for (const text of ["One", "Two", "Three"]) await t.send(bob, ann, text);
    await ann.page.getByText("Three").waitFor();
    await field(ann.page).focus();
    await moveTo(ann.page, /^One/, "ArrowUp");
    await moveTo(ann.page, "Message");
    await press(ann.page, "F1");
    await ann.page.getByRole("button", { name: "Video or audio file" }).waitFor();
    await press(ann.page, "Escape");
    equal(await ann.page.getByRole("button", { name: "Video or audio file" }).count(), 0);
    await press(ann.page, "Escape");
    await ann.page.locator(".chats").waitFor();
    await ann.page.locator(".row", { hasText: BOB }).waitFor();
  },
);

browserTest(
  "a window that gave way to newer ones says so and stays idle until its owner takes over with keys",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    let opened = 0;
    ann.page.on("websocket", () => opened += 1);
    for (let newer = 0; newer < 2; newer += 1) await t.socket(ann.token);
    const strip = ann.page.getByText("PuffinTalk is open in too many windows.");
    await strip.waitFor();
    await t.send(bob, ann, "Not for this window");
    await ann.page.evaluate("dispatchEvent(new Event('online'))");
    equal(opened, 0);
    deepEqual(await bubbles(ann.page), []);

    await moveTo(ann.page, "Use it here", "ArrowUp");
    await press(ann.page, "Enter");
    await ann.page.getByText("Not for this window").waitFor();
    await strip.waitFor({ state: "detached" });
    await t.send(bob, ann, "For this one");
    await ann.page.getByText("For this one").waitFor();
    equal(opened, 1);
    deepEqual(ann.errors, []);
  },
  { env: { LIMITS: only("sockets_user", "2") } },
);

browserTest(
  "a session is renewed when it is a week old, even in a window that stays open, and not before",
  async (t, browser) => {
    const person = await t.signUp(ANN);
    const { page } = await openAs(t, browser, person);
    let renewals = 0;
    let sockets = 0;
    let connected = Promise.withResolvers<void>();
    page.on("request", (request) => renewals += request.url().endsWith("/api/auth/renew") ? 1 : 0);
    page.on("websocket", (socket) => {
      sockets += 1;
      socket.on("framereceived", () => connected.resolve());
    });
    const kept = () => page.evaluate<{ token: string }>("JSON.parse(localStorage['puffintalk.session'])");
    await page.clock.install();
    // The page may have opened one before this.
    [sockets, connected] = [0, Promise.withResolvers<void>()];
    await page.reload();
    await page.getByText("Nobody here yet").waitFor();
    // A socket that is not connected within ten seconds is reopened, and the test skips days.
    await connected.promise;
    const pass = async (days: number) => {
      t.clock.advance(days * DAY_MS);
      await page.clock.fastForward(days * DAY_MS);
    };
    await pass(6);
    await page.evaluate("fetch('/healthz')");
    equal(renewals, 0);
    await pass(2);
    await eventually(async () => ok((await kept()).token !== person.token));
    deepEqual([renewals, sockets], [1, 1]);

    // After the expiry of the first token.
    t.clock.advance(25 * DAY_MS);
    refused(await t.call("GET", "/api/contacts", { token: person.token }), 401, "unauthenticated");
    equal((await t.call("GET", "/api/contacts", { token: (await kept()).token })).status, 200);
  },
);

for (const [what, days] of [["behind", -20], ["ahead", 20]] as const) {
  browserTest(
    `a session is renewed once a week where the clock is twenty days ${what}`,
    async (t, browser) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.clock.install({ time: Date.now() + days * DAY_MS });
      let renewals = 0;
      page.on("request", (request) => renewals += request.url().endsWith("/api/auth/renew") ? 1 : 0);
      await page.goto(`${t.url}/app`);
      await enter(t, page, ANN);
      const pass = async (days: number) => {
        t.clock.advance(days * DAY_MS);
        await page.clock.fastForward(days * DAY_MS);
        await page.evaluate("fetch('/healthz')");
      };
      await pass(6);
      equal(renewals, 0);
      await pass(2);
      await eventually(() => equal(renewals, 1));
    },
  );
}

browserTest("a session that is near its end is renewed when its window is opened", async (t, browser) => {
  const person = await t.signUp(ANN);
  const { page } = await openAs(t, browser, person);
  await page.getByText("Nobody here yet").waitFor();
  await page.evaluate(`(() => {
    const session = JSON.parse(localStorage["puffintalk.session"]);
    const expires_at = new Date(Date.now() + ${5 * DAY_MS}).toISOString();
    localStorage["puffintalk.session"] = JSON.stringify({ ...session, expires_at });
  })()`);
  t.clock.advance(DAY_MS);
  const renewed = page.waitForResponse((response) => response.url().endsWith("/api/auth/renew"));
  await page.reload();
  const { token } = await (await renewed).json();
  await eventually(async () =>
    equal(await page.evaluate("JSON.parse(localStorage['puffintalk.session']).token"), token)
  );
});

browserTest(
  "a session that was stored before the clock was set back is renewed when its window is opened",
  async (t, browser) => {
    const person = await t.signUp(ANN);
    const { page } = await openAs(t, browser, person);
    await page.getByText("Nobody here yet").waitFor();
    await page.evaluate(`(() => {
      const session = JSON.parse(localStorage["puffintalk.session"]);
      localStorage["puffintalk.session"] = JSON.stringify({ ...session, kept_at: Date.now() + ${
      100 * DAY_MS
    } });
    })()`);
    t.clock.advance(DAY_MS);
    const renewed = page.waitForResponse((response) => response.url().endsWith("/api/auth/renew"));
    await page.reload();
    equal((await renewed).status(), 200);
  },
);

browserTest("a list that arrives late gets the focus, and not the Back button", async (t, browser) => {
  const { page } = await openAs(t, browser, await t.signUp(ANN, "An old phone"));
  const late = Promise.withResolvers<void>();
  await page.route("**/api/auth/sessions", async (route) => {
    await late.promise;
    await route.continue();
  });
  await page.goto(`${t.url}/app#/devices`);
  await page.getByRole("heading", { name: "Devices" }).waitFor();
  await eventually(async () => equal(await focused(page), "Back"));
  late.resolve();
  await eventually(async () => equal((await focused(page)).split("\n")[0], "An old phone"));
});

browserTest(
  "the list of devices follows changes made elsewhere, and is shown once the network is back",
  async (t, browser) => {
    const ann = await t.signUp(ANN, "An old phone");
    const { page } = await openAs(t, browser, ann, { path: "/app#/devices" });
    await page.getByText("This device").waitFor();
    const other = await t.signIn(ANN, "A new phone");
    await page.getByText("A new phone").waitFor();
    await t.call("POST", "/api/auth/signout", { token: other.token });
    await page.getByText("A new phone").waitFor({ state: "detached" });

    await page.evaluate("location.hash = '#/settings'");
    await page.context().setOffline(true);
    t.services.hub.closeAll();
    await page.getByText("Connecting").waitFor();
    await page.evaluate("location.hash = '#/devices'");
    await page.getByRole("alert").getByText("no connection").waitFor();
    await page.context().setOffline(false);
    await page.getByText("An old phone").waitFor();
    await page.getByRole("alert").getByText("no connection").waitFor({ state: "detached" });
  },
);
