// Browsers that lack or forbid something or have no room for it: people can still sign in and talk.

import { Buffer } from "node:buffer";
import { deepEqual, equal } from "./assert.ts";
import { makeWav } from "./media_calls.ts";
import { BOB, eventually, friends, type TestApp } from "./support.ts";
import {
  browserTest,
  bubbles,
  enter,
  field,
  type Friends,
  friendsTest,
  openAs,
  openWindow,
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
  "has no room in local storage":
    `Storage.prototype.setItem = () => { throw new DOMException("", "QuotaExceededError"); };`,
  "has no database": `delete IDBFactory.prototype.open; Object.defineProperty(globalThis, "indexedDB", {});`,
  "cannot open the database": FAIL_TO_OPEN,
  "never opens the database": `IDBFactory.prototype.open = () => ({});`,
  "has no room in the database":
    `IDBObjectStore.prototype.put = () => { throw new DOMException("", "QuotaExceededError"); };`,
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

/** In the page: queries an object store of its database. */
function shelf(name: "outbox" | "seen", question: "count()" | "getAllKeys()"): string {
  return `new Promise((resolve) => {
    indexedDB.open("puffintalk").onsuccess = ({ target: { result } }) => {
      result.transaction("${name}").objectStore("${name}").${question}.onsuccess = (event) => {
        result.close();
        resolve(event.target.result);
      };
    };
  })`;
}

/** In the page: the keys of what is stored for use without a network. */
const REMEMBERED = shelf("seen", "getAllKeys()");

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
    equal(await field(page).inputValue(), "");
    deepEqual(errors, []);
  });
}

browserTest(
  "rows that did not fit into the storage are stored as soon as they fit, even if they have not changed",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    await t.send(bob, ann, "Hello");
    const script = `globalThis.isFull = true;
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...args) {
        if (isFull) throw new DOMException("", "QuotaExceededError");
        return put.apply(this, args);
      };`;
    const { page } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}`, script });
    await page.locator(".bubble:not(.new)").waitFor();
    deepEqual(await page.evaluate(REMEMBERED), []);
    await page.evaluate("isFull = false");
    await page.context().setOffline(true);
    await page.getByText("Connecting").waitFor();
    await page.context().setOffline(false);
    await eventually(
      async () => deepEqual(await page.evaluate(REMEMBERED), ["contacts", `thread ${BOB}`]),
      15_000,
    );
  },
);

const WAITS = "This browser cannot store it. Keep PuffinTalk open until it is sent.";
const OUTBOX = shelf("outbox", "count()");

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

brokenTest(
  "a sound that cannot be stored is still sent, and its writer is told to keep the window open until then",
  BREAKS["has no room in the database"]!,
  async (_, { ann, bob }) => {
    const asked: string[] = [];
    ann.page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      dialog.dismiss();
    });
    await ann.page.route("**/api/uploads", (route) => route.abort());
    const file = { name: "voice.wav", mimeType: "audio/wav", buffer: Buffer.from(makeWav(10_000)) };
    await ann.page.locator("input[type=file]").setInputFiles(file);
    await ann.page.getByLabel("Caption").fill("Listen");
    await ann.page.keyboard.press("Enter");
    await ann.page.getByText(WAITS).waitFor();
    await ann.page.evaluate("location.reload()");
    await eventually(() => deepEqual(asked, ["beforeunload"]));
    await ann.page.unroute("**/api/uploads");
    await bob.page.getByText("Listen").waitFor();
    await ann.page.getByText(WAITS).waitFor({ state: "detached" });
  },
);

brokenTest(
  "a database that is deleted under an open window is created again, and blocks neither writing nor reading",
  "",
  async (t, { ann, bob }) => {
    await write(ann.page, "Before");
    await ticked(ann.page, "Seen");
    await ann.page.evaluate(`new Promise((resolve) => {
      indexedDB.deleteDatabase("puffintalk").onsuccess = resolve;
    })`);
    await write(ann.page, "After");
    await ticked(ann.page, "Seen");
    await t.send(bob, ann, "Again");
    await ann.page.getByText("Again").waitFor();
    await eventually(async () => equal(await ann.page.evaluate(OUTBOX), 0));
  },
);

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
    const file = { name: "voice.wav", mimeType: "audio/wav", buffer: Buffer.from(makeWav(10_000)) };
    await ann.page.locator("input[type=file]").setInputFiles(file);
    await ann.page.getByLabel("Caption").press("Enter");
    await eventually(() => answered, 10_000);
    // Whatever the page does after the answer is done by the time two queries have run.
    for (const _ of [1, 2]) equal(await ann.page.evaluate(OUTBOX), 0);
  },
);
