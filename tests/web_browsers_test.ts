// Browsers that lack or forbid something or have no room for it: people can still sign in and talk.

import type { Page } from "playwright-core";
import { deepEqual, doesNotMatch, equal, match } from "./assert.ts";
import { makeWav } from "./media_calls.ts";
import { BOB, eventually, friends, type TestApp } from "./support.ts";
import { IS_MADE, OUTBOX, REMEMBERED } from "./web_storage.ts";
import {
  browserTest,
  bubbles,
  enter,
  field,
  type Friends,
  friendsTest,
  openAs,
  openWindow,
  pick,
  press,
  ticked,
  write,
} from "./web_window.ts";

const FORBID_STORAGE = `for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(globalThis, name, { get() { throw new DOMException("", "SecurityError"); } });
}`;
const FAIL_TO_OPEN = `IDBFactory.prototype.open = () => {
  const request = { error: new DOMException("", "UnknownError") };
  setTimeout(() => request.onerror?.({}));
  return request;
};`;
const FILL_STORAGE =
  `Storage.prototype.setItem = () => { throw new DOMException("", "QuotaExceededError"); };`;
const FORBID_LOCKS = `LockManager.prototype.request = async () => {
  throw new DOMException("", "SecurityError");
};`;
const FAIL_TO_CONNECT = `globalThis.WebSocket = class {
  constructor() { setTimeout(() => this.onclose({ code: 1006 }), 50); }
  close() {}
};`;

/** Scripts that run in the page before its own. */
const BREAKS: Record<string, string> = {
  "forbids local storage": FORBID_STORAGE,
  "has no room in local storage": FILL_STORAGE,
  "has no database": `delete IDBFactory.prototype.open; Object.defineProperty(globalThis, "indexedDB", {});`,
  "cannot open the database": FAIL_TO_OPEN,
  "never opens the database": `IDBFactory.prototype.open = () => ({});`,
  "has no room in the database":
    `IDBObjectStore.prototype.put = () => { throw new DOMException("", "QuotaExceededError"); };`,
  // The request succeeds, and its transaction fails.
  "finds late that there is no room in the database": `const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...args) {
      const request = put.apply(this, args);
      request.addEventListener("success", () => request.transaction.abort());
      return request;
    };`,
  "keeps nothing and forbids locks": FORBID_STORAGE + FAIL_TO_OPEN + FORBID_LOCKS,
  "or its network lets no socket through": FAIL_TO_CONNECT,
  "throws at every socket": `globalThis.WebSocket = class {
    constructor() { throw new DOMException("", "SecurityError"); }
  };`,
  "knows nothing new":
    `for (const name of ["BroadcastChannel", "Notification", "caches"]) delete globalThis[name];
    for (const name of ["locks", "serviceWorker"]) delete Navigator.prototype[name];
    delete Crypto.prototype.subtle;`,
};

for (const [what, script] of Object.entries(BREAKS)) {
  browserTest(`where the browser ${what}, one signs in, writes and reads`, async (t, browser) => {
    const [ann, bob] = await friends(t);
    t.clock.advance(120_000);
    const { page, errors } = await openWindow(t, browser, { script });
    await enter(t, page, ann.phone);
    await page.locator(".row", { hasText: BOB }).click();
    for (const text of ["One", "Two", "Three"]) await write(page, text);
    await page.getByText("Three").waitFor();
    await ticked(page, "Sent");
    await t.send(bob, ann, "Four");
    await eventually(async () => deepEqual(await bubbles(page), ["One", "Two", "Three", "Four"]));
    await press(page, "Escape");
    await page.locator(".row", { hasText: BOB }).click();
    await field(page).waitFor();
    equal(await field(page).inputValue(), "");
    deepEqual(errors, []);
  });
}

/** Scripts of a browser that stores nothing while `isBroken` is set. */
const MENDED: Record<string, string> = {
  "had no room in the database": `globalThis.isBroken = true;
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...args) {
      if (isBroken) throw new DOMException("", "QuotaExceededError");
      return put.apply(this, args);
    };`,
  "could not open the database": `globalThis.isBroken = true;
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (...args) {
      if (!isBroken) return open.apply(this, args);
      const request = { error: new DOMException("", "UnknownError") };
      setTimeout(() => request.onerror?.({}));
      return request;
    };`,
};

for (const [what, script] of Object.entries(MENDED)) {
  browserTest(
    `if the browser ${what}, rows are stored once it can, even if they have not changed`,
    async (t, browser) => {
      const [ann, bob] = await friends(t);
      await t.send(bob, ann, "Hello");
      const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}`, script });
      await page.locator(".bubble:not(.new)").waitFor();
      deepEqual(await page.evaluate(IS_MADE) ? await page.evaluate(REMEMBERED) : [], []);
      await page.evaluate("isBroken = false");
      await page.context().setOffline(true);
      await page.getByText("Connecting").waitFor();
      await page.context().setOffline(false);
      await eventually(() => page.evaluate(IS_MADE), 15_000);
      await eventually(
        async () => deepEqual(await page.evaluate(REMEMBERED), ["contacts", `thread ${BOB}`]),
        15_000,
      );
    },
  );
}

const WAITS = "This browser cannot store it. Keep PuffinTalk open until it is sent.";

/** A test of Ann, whose browser is broken, and Bob. */
function brokenTest(
  name: string,
  script: string,
  run: (t: TestApp, friends: Friends) => Promise<void>,
): void {
  friendsTest(name, run, [{ script }, {}]);
}

brokenTest(
  "a message is not lost if its window is reloaded right after Enter, and arrives once",
  "",
  async (t, { ann, bob }) => {
    for (const text of ["One", "Two", "Three"]) {
      await field(ann.page).fill(text);
      // As if the database were slower than the reload.
      await ann.page.evaluate(`(() => {
        IDBObjectStore.prototype.put = () => ({});
        const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
        document.activeElement.dispatchEvent(enter);
        location.reload();
      })()`);
      await ann.page.getByText(text).waitFor();
      equal(await field(ann.page).inputValue(), "");
    }
    await eventually(async () => deepEqual(await bubbles(bob.page), ["One", "Two", "Three"]));
    await ticked(ann.page, "Seen");
    equal((await t.sql`select id from messages`).length, 3);
  },
);

brokenTest(
  "texts that no database accepts survive a closed window, and are sent once and in order",
  BREAKS["never opens the database"]!,
  async (t, { ann, bob }) => {
    await ann.page.route("**/api/messages/send", (route) => route.abort());
    for (const text of ["One", "Two", "Three"]) await write(ann.page, text);
    await ticked(ann.page, "Waiting");
    equal(await ann.page.getByText(WAITS).count(), 0);
    await ann.page.reload();
    await eventually(async () => deepEqual(await bubbles(ann.page), ["One", "Two", "Three"]), 15_000);
    await ann.page.unroute("**/api/messages/send");
    await eventually(async () => deepEqual(await bubbles(bob.page), ["One", "Two", "Three"]), 15_000);
    await ticked(ann.page, "Seen");
    equal((await t.sql`select id from messages`).length, 3);
  },
);

/** Holds back what these requests send until the page has said that it waits and asked its user to stay. */
async function untilAskedToStay(page: Page, requests: string, write: () => Promise<void>): Promise<void> {
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    dialog.dismiss();
  });
  await page.route(requests, (route) => route.abort());
  await write();
  await page.getByText(WAITS).waitFor();
  await page.evaluate("location.reload()");
  await eventually(() => deepEqual(asked, ["beforeunload"]));
  await page.unroute(requests);
}

brokenTest(
  "a sound that cannot be stored is still sent, and its writer is told to keep the window open until then",
  BREAKS["has no room in the database"]!,
  async (_, { ann, bob }) => {
    await untilAskedToStay(ann.page, "**/api/uploads", async () => {
      await pick(ann.page, makeWav(10_000));
      await ann.page.getByLabel("Caption").fill("Listen");
      await ann.page.keyboard.press("Enter");
    });
    await bob.page.getByText("Listen").waitFor();
    await ann.page.getByText(WAITS).waitFor({ state: "detached" });
  },
);

brokenTest(
  "a text that cannot be stored is still sent, and its writer is told to keep the window open until then",
  FILL_STORAGE + FAIL_TO_OPEN,
  async (_, { ann, bob }) => {
    await untilAskedToStay(ann.page, "**/api/messages/send", () => write(ann.page, "Stored nowhere"));
    await bob.page.getByText("Stored nowhere").waitFor();
    await ann.page.getByText(WAITS).waitFor({ state: "detached" });
  },
);

brokenTest(
  "a text that no database accepts is shown as refused, and is sent when its writer retries",
  FAIL_TO_OPEN,
  async (_, { ann, bob }) => {
    await ann.page.route(
      "**/api/messages/send",
      (route) => route.fulfill({ status: 403, json: { success: false, code: "not_friends", message: "" } }),
      { times: 1 },
    );
    await write(ann.page, "Refused once");
    await ann.page.getByText("You can write when both of you want to be friends.").waitFor();
    await ann.page.getByRole("button", { name: "Try again" }).click();
    await bob.page.getByText("Refused once").waitFor();
    await ticked(ann.page, "Seen");
    await eventually(async () =>
      doesNotMatch(await ann.page.evaluate<string>("JSON.stringify(localStorage)"), /Refused once/)
    );
  },
);

brokenTest(
  "a text is shown as waiting while a slow database stores it",
  "IDBObjectStore.prototype.put = () => ({});",
  async (_, { ann }) => {
    await write(ann.page, "Not stored yet");
    await ticked(ann.page, "Waiting");
    deepEqual(await bubbles(ann.page), ["Not stored yet"]);
  },
);

/** Two ways in which the database disappears. The browser reports only the second as its closure. */
const REMOVALS: Record<string, (t: TestApp, page: Page) => Promise<unknown>> = {
  "that another window deletes": (_, page) =>
    page.evaluate(`new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase("puffintalk");
      request.onsuccess = () => resolve();
      request.onblocked = () => reject(new Error("The client holds it"));
    })`),
  "that the browser deletes": async (t, page) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Storage.clearDataForOrigin", { origin: t.url, storageTypes: "indexeddb" });
  },
};

for (const [what, removeDatabase] of Object.entries(REMOVALS)) {
  brokenTest(
    `a database ${what} under an open window is created again, and blocks neither writing nor reading`,
    "",
    async (t, { ann, bob }) => {
      await write(ann.page, "Before");
      await ticked(ann.page, "Seen");
      await ann.page.route("**/api/messages/send", (route) => route.abort());
      await removeDatabase(t, ann.page);
      await write(ann.page, "After");
      await eventually(() => ann.page.evaluate(IS_MADE));
      await eventually(async () => equal(await ann.page.evaluate(OUTBOX), 1));
      await ann.page.unroute("**/api/messages/send");
      await ticked(ann.page, "Seen");
      await t.send(bob, ann, "Again");
      await ann.page.getByText("Again").waitFor();
      await eventually(async () => equal(await ann.page.evaluate(OUTBOX), 0));
    },
  );
}

brokenTest(
  "a recording whose upload was being created when its writer was signed out is not kept for the next user",
  "",
  async (t, { ann }) => {
    let answered = false;
    await ann.page.route("**/api/uploads", async (route) => {
      const response = await route.fetch();
      await t.call("POST", "/api/auth/signout", { token: ann.token });
      await ann.page.locator("#phone").waitFor();
      await route.fulfill({ response });
      answered = true;
    });
    await pick(ann.page, makeWav(10_000));
    await ann.page.getByLabel("Caption").press("Enter");
    await eventually(() => answered, 10_000);
    // Whatever the page does after the answer is done by the time two queries have run.
    for (const _ of [1, 2]) equal(await ann.page.evaluate(OUTBOX), 0);
  },
);

brokenTest(
  "a text that was being stored when its writer was signed out is not kept for the next user",
  // While `isHeld` is set, the database accepts nothing, and answers getAll() when it is told to.
  `const { getAll, put } = IDBObjectStore.prototype;
  const isReleased = new Promise((resolve) => globalThis.release = resolve);
  IDBObjectStore.prototype.put = function (...args) {
    if (globalThis.isFull) throw new DOMException("", "QuotaExceededError");
    return put.apply(this, args);
  };
  IDBObjectStore.prototype.getAll = function () {
    const request = getAll.call(this);
    if (!globalThis.isHeld) return request;
    globalThis.isAsked = true;
    const late = {};
    request.onsuccess = () =>
      isReleased.then(() => late.onsuccess(Object.assign(late, { result: request.result })));
    return late;
  };`,
  async (t, { ann: { page, token } }) => {
    await page.route("**/api/messages/send", (route) => route.abort());
    await page.evaluate("isFull = true");
    await write(page, "Nobody's business");
    await ticked(page, "Waiting");
    await page.evaluate("isFull = false; isHeld = true; dispatchEvent(new Event('online'))");
    await eventually(() => page.evaluate("globalThis.isAsked === true"));
    await t.call("POST", "/api/auth/signout", { token });
    await page.getByText("You were signed out on this device.").waitFor();
    await page.evaluate("release()");
    // Whatever the page does after the answer is done by the time two queries have run.
    for (const _ of [1, 2]) equal(await page.evaluate(OUTBOX), 0);
    const keys = await page.evaluate<string[]>("Object.keys(localStorage)");
    deepEqual(keys.filter((key) => key.includes("leaving")), []);
  },
);

brokenTest(
  "a text that no database accepted is gone with the session of its writer",
  FAIL_TO_OPEN,
  async (t, { ann: { page, token } }) => {
    const kept = () => page.evaluate<string>("JSON.stringify(localStorage)");
    await page.route("**/api/messages/send", (route) => route.abort());
    await write(page, "Nobody's business");
    await ticked(page, "Waiting");
    match(await kept(), /business/);
    await t.call("POST", "/api/auth/signout", { token });
    await page.getByText("You were signed out on this device.").waitFor();
    doesNotMatch(await kept(), /business/);
  },
);

brokenTest(
  "a recording that no database accepted is gone with the session, even if that ended in another window",
  BREAKS["has no room in the database"]! + FAIL_TO_CONNECT,
  async (t, { ann: { page, phone } }) => {
    await page.route("**/api/uploads", (route) => route.abort());
    await pick(page, makeWav(10_000));
    await page.getByLabel("Caption").press("Enter");
    await page.getByText(WAITS).waitFor();
    const other = await page.context().newPage();
    await other.goto(`${t.url}/app#/settings`);
    await other.getByRole("button", { name: "Sign out" }).click();
    await other.getByRole("button", { name: "Sign out" }).click();
    await page.locator("#phone").waitFor();
    t.clock.advance(120_000);
    await enter(t, other, phone);
    await page.locator(".row", { hasText: BOB }).click();
    await write(page, "Nothing is left");
    await ticked(page, "Sent");
    equal(await page.locator(".bubble").count(), 1);
  },
);
