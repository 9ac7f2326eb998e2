// Notifications of the web client. Chromium itself shows them, and its worker receives pushes. What it lacks
// when headless is simulated where noted: a push service, a window behind another, a tap on a notification.

import type { Browser, Page } from "playwright-core";
import { deepEqual, equal, match } from "./assert.ts";
import { hasBrowser, withBrowser } from "./browser.ts";
import { countSubscriptions, MINUTE_MS, wake, withPush } from "./push_calls.ts";
import type { Browser as Subscriber, PushDouble } from "./push_double.ts";
import { ANN, BOB, CAT, eventually, friends, type Person, succeeded, type TestApp } from "./support.ts";
import { enter, moveTo, openAs, type OpenOptions, press } from "./web_window.ts";

function noticeTest(
  name: string,
  run: (t: TestApp, browser: Browser, double: PushDouble) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !hasBrowser,
    fn: () => withPush((t, double) => withBrowser((browser) => run(t, browser, double), { whole: true })),
  });
}

/** In the page: a push service that grants this subscription, or never answers if it is null. */
const pushService = (subscriber: Subscriber | null) => `
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    globalThis.subscribedWith = [...applicationServerKey];
    const subscription = ${JSON.stringify(subscriber?.subscription ?? null)};
    if (!subscription) await new Promise(() => {});
    return { ...subscription, toJSON: () => subscription };
  };`;

async function openSettings(
  t: TestApp,
  browser: Browser,
  person: Person,
  { script = "", ...options }: OpenOptions & { script?: string } = {},
): Promise<Page> {
  const { page } = await openAs(t, browser, person, options);
  await page.addInitScript(script);
  await page.goto(`${t.url}/app#/settings`);
  await page.reload();
  await page.getByRole("group", { name: "Notifications" }).waitFor();
  return page;
}

async function turn(page: Page, name: "On" | "Off"): Promise<void> {
  await page.getByRole("group", { name: "Notifications" }).getByRole("button", { name }).click();
}

/** Turns them on in a browser that can notify only while a window is open. */
async function turnOn(page: Page): Promise<void> {
  await turn(page, "On");
  await page.getByText("only while PuffinTalk is open").waitFor();
}

/** Simulates another window in front of this one: Playwright keeps every window in front. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));`);
}

const OF_BOB = { body: `New message from ${BOB}`, tag: `puffintalk ${BOB}` };

/** The system's notifications of this service. */
async function shown(page: Page): Promise<{ body: string; tag: string }[]> {
  return await page.evaluate(`navigator.serviceWorker.getRegistration("/app")
    .then((registration) => registration.getNotifications())
    .then((all) => all.map(({ body, tag }) => ({ body, tag })))`);
}

/**
 * Calls `tell` until exactly these are shown: in one of ten runs a fresh Chromium never lists its first
 * notifications, however long one waits. A repeated one replaces the one with the same tag.
 */
async function untilShown(
  page: Page,
  expected: { body: string; tag: string }[],
  tell: () => Promise<unknown>,
): Promise<void> {
  await eventually(async () => {
    await tell();
    await eventually(async () => deepEqual(await shown(page), expected), 1_000);
  }, 10_000);
}

/** Delivers a push to the browser's own worker, as its push service would. */
async function deliver(t: TestApp, page: Page, data: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const found = Promise.withResolvers<string>();
  devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    const own = registrations.find(({ scopeURL }) => scopeURL === `${t.url}/app`);
    if (own) found.resolve(own.registrationId);
  });
  await devtools.send("ServiceWorker.enable");
  const registrationId = await found.promise;
  await devtools.send("ServiceWorker.deliverPushMessage", { origin: t.url, registrationId, data });
}

/**
 * Presses the notification that is shown, which nobody can do without a screen. Nor can a worker open windows
 * or bring them to the front without a press; the result lists what it would have done.
 */
async function tap(page: Page): Promise<() => Promise<string[]>> {
  const worker = page.context().serviceWorkers()[0]!;
  await worker.evaluate(`
    self.windows = [];
    Clients.prototype.openWindow = async (path) => void windows.push("opened: " + path);
    WindowClient.prototype.focus = async function () {
      windows.push("to the front: " + new URL(this.url).pathname);
    };
    self.registration.getNotifications().then(([notification]) => {
      self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
    })`);
  return () => worker.evaluate("self.windows");
}

noticeTest(
  "somebody who turns notifications on with keys is notified of a message with every window closed, in their language, without sender and text",
  async (t, browser, double) => {
    const [ann, bob] = await friends(t);
    const subscriber = double.browser();
    const page = await openSettings(t, browser, ann, { script: pushService(subscriber) });
    await moveTo(page, "Espa\u00f1ol");
    await press(page, "Enter");
    await moveTo(page, /^(S\u00ed|No)$/);
    await moveTo(page, "S\u00ed", "ArrowLeft");
    await press(page, "Enter");
    await page.getByText("con PuffinTalk cerrado").waitFor();
    equal(await countSubscriptions(t), 1);
    const { body } = await t.call("GET", "/api/push/key", { token: ann.token });
    const key = new Uint8Array(await page.evaluate<number[]>("globalThis.subscribedWith"));
    equal(key.toBase64({ alphabet: "base64url", omitPadding: true }), body.public_key);

    const elsewhere = await page.context().newPage();
    await elsewhere.goto(`${t.url}/dev`);
    await page.close();
    await eventually(async () => {
      // The service may not know yet that the window is gone.
      t.clock.advance(MINUTE_MS);
      await t.send(bob, ann, "A secret");
      await wake(t);
      return subscriber.read().length > 0;
    });
    const push = subscriber.read()[0]!;
    const expected = [{ body: "Tienes un mensaje nuevo", tag: "messages_updated" }];
    await untilShown(elsewhere, expected, () => deliver(t, elsewhere, push));
  },
);

noticeTest(
  "a browser whose notifications are turned off is no longer subscribed",
  async (t, browser, double) => {
    const page = await openSettings(t, browser, await t.signUp(ANN), {
      script: pushService(double.browser()),
    });
    await turn(page, "On");
    await page.getByText("You are notified even while PuffinTalk is closed.").waitFor();
    equal(await countSubscriptions(t), 1);
    await turn(page, "Off");
    await eventually(async () => equal(await countSubscriptions(t), 0));
    await page.getByText("You are notified even while").waitFor({ state: "detached" });
  },
);

noticeTest(
  "turned off in one window, a browser is not subscribed again by another",
  async (t, browser, double) => {
    const page = await openSettings(t, browser, await t.signUp(ANN));
    const other = await page.context().newPage();
    await other.addInitScript(pushService(double.browser()));
    await other.goto(`${t.url}/app#/settings`);
    await turn(other, "On");
    await other.getByText("You are notified even while PuffinTalk is closed.").waitFor();
    await turn(page, "Off");
    await eventually(async () => equal(await countSubscriptions(t), 0));
    await other.locator("[aria-pressed=true]", { hasText: "Off" }).waitFor();
    // Windows renew the subscription at every connection.
    const isConnected = other.waitForEvent("websocket").then((socket) =>
      socket.waitForEvent("framereceived")
    );
    t.services.hub.closeAll();
    await isConnected;
    await other.evaluate("fetch('/healthz')");
    equal(await countSubscriptions(t), 0);
  },
);

noticeTest(
  "a browser without push, such as Chromium in a private window, notifies only while it is open, and says so",
  async (t, browser) => {
    const page = await openSettings(t, browser, await t.signUp(ANN));
    await turn(page, "On");
    await page.getByText("This browser notifies you only while PuffinTalk is open.").waitFor();
    equal(await page.getByRole("button", { name: "On" }).getAttribute("aria-pressed"), "true");
    equal(await countSubscriptions(t), 0);
  },
);

noticeTest(
  "a push service that never answers, such as Chromium's without a network, blocks nothing",
  async (t, browser) => {
    const page = await openSettings(t, browser, await t.signUp(ANN), { script: pushService(null) });
    await page.clock.install();
    await turn(page, "On");
    await page.locator("[aria-pressed=true]", { hasText: "On" }).waitFor();
    await eventually(() => page.evaluate("globalThis.subscribedWith !== undefined"));
    await page.clock.fastForward(9_000);
    await page.getByText("This browser notifies you only while PuffinTalk is open.").waitFor();
    await turn(page, "Off");
    await page.locator("[aria-pressed=true]", { hasText: "Off" }).waitFor();
  },
);

noticeTest(
  "if the browser blocks notifications, the settings say how to change that",
  async (t, browser) => {
    const page = await openSettings(t, browser, await t.signUp(ANN), { permissions: [] });
    await turn(page, "On");
    match(await page.getByRole("alert").innerText(), /blocks notifications/);
    equal(await page.getByRole("button", { name: "Off" }).getAttribute("aria-pressed"), "true");
  },
);

noticeTest(
  "a message for an open window that nobody looks at is notified with its writer's name, and leads to the conversation",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const page = await openSettings(t, browser, ann);
    await turnOn(page);
    await t.send(bob, ann, "Seen by who looks");
    await eventually(async () => equal(await page.title(), "(1) PuffinTalk"));
    deepEqual(await shown(page), []);

    await hide(page);
    await untilShown(page, [OF_BOB], () => t.send(bob, ann, "A secret"));
    const windows = await tap(page);
    await page.getByText("A secret").last().waitFor();
    equal(new URL(page.url()).hash, `#/thread/${BOB}`);
    await eventually(async () => deepEqual(await shown(page), []));
    await eventually(async () => deepEqual(await windows(), ["to the front: /app"]));
  },
);

noticeTest(
  "a notification that is pressed after its window was closed leads to the conversation in a new one",
  async (t, browser) => {
    const { page } = await toldOfBob(t, browser);
    await page.goto(`${t.url}/dev`);
    const windows = await tap(page);
    await eventually(async () => deepEqual(await windows(), [`opened: /app#/thread/${BOB}`]));
    await eventually(async () => deepEqual(await shown(page), []));
  },
);

noticeTest(
  "a browser that subscribed with an earlier key of the service is subscribed again, once",
  async (t, browser, double) => {
    const page = await openSettings(t, browser, await t.signUp(ANN), {
      script: `${pushService(double.browser())}
        const { subscribe } = PushManager.prototype;
        const keyOf = ({ options }) => String(new Uint8Array(options.applicationServerKey));
        const subscribed = (options) => ({ options, unsubscribe: async () => {
          known = null;
          globalThis.ended += 1;
        } });
        let known = subscribed({ applicationServerKey: new Uint8Array(65).fill(4) });
        globalThis.ended = globalThis.begun = 0;
        PushManager.prototype.getSubscription = async () => known;
        PushManager.prototype.subscribe = async function (options) {
          globalThis.begun += 1;
          // As browsers do.
          if (known && keyOf(known) !== keyOf({ options })) throw new DOMException("", "InvalidStateError");
          known = subscribed(options);
          return await subscribe.call(this, options);
        };`,
    });
    await turn(page, "On");
    await page.getByText("You are notified even while PuffinTalk is closed.").waitFor();
    equal(await countSubscriptions(t), 1);
    // The subscription is checked at every connection.
    t.services.hub.closeAll();
    await eventually(() => page.evaluate("begun === 2"));
    equal(await page.evaluate("ended"), 1);
  },
);

/** Ann, in a window that nobody looks at, is notified that Bob has written. */
async function toldOfBob(t: TestApp, browser: Browser): Promise<{ ann: Person; page: Page }> {
  const [ann, bob] = await friends(t);
  const page = await openSettings(t, browser, ann);
  await turnOn(page);
  await hide(page);
  await untilShown(page, [OF_BOB], () => t.send(bob, ann, "A secret"));
  return { ann, page };
}

noticeTest("a notification disappears when its message is read on another device", async (t, browser) => {
  const { page } = await toldOfBob(t, browser);
  const json = { phone_number: BOB };
  succeeded(await t.call("PUT", "/api/messages/read_all_text", { token: (await t.signIn(ANN)).token, json }));
  await eventually(async () => deepEqual(await shown(page), []));
});

noticeTest(
  "the next user of a device finds no notification of the previous one",
  async (t, browser) => {
    const { ann, page } = await toldOfBob(t, browser);
    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    await page.locator("#phone").waitFor();
    await eventually(async () => deepEqual(await shown(page), []));
  },
);

noticeTest(
  "a session that ends in one window keeps the notifications of the others, even of the same person",
  async (t, browser) => {
    const { page } = await toldOfBob(t, browser);
    const other = await page.context().newPage();
    await other.goto(`${t.url}/app?profile=cat`);
    await enter(t, other, CAT);
    const [bob, cat] = [await t.signIn(BOB), await t.signIn(CAT)];
    await t.befriend(bob, cat);
    await other.goto(`${t.url}/app?profile=cat#/settings`);
    await turnOn(other);
    await hide(other);
    const both = [OF_BOB, { ...OF_BOB, tag: `puffintalk.cat ${BOB}` }];
    await untilShown(page, both, () => t.send(bob, cat, "A secret"));

    const { body } = await t.call("GET", "/api/auth/sessions", { token: cat.token });
    for (const { id, current } of body.sessions as { id: string; current: boolean }[]) {
      if (!current) await t.call("DELETE", `/api/auth/sessions/${id}`, { token: cat.token });
    }
    await other.locator("#phone").waitFor();
    await eventually(async () => deepEqual(await shown(page), [OF_BOB]));
  },
);

noticeTest(
  "a notification that the browser shows late is withdrawn if its person has signed out meanwhile",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const page = await openSettings(t, browser, ann, {
      script: `
        const { showNotification } = ServiceWorkerRegistration.prototype;
        const isLate = new Promise((resolve) => globalThis.showNow = resolve);
        ServiceWorkerRegistration.prototype.showNotification = async function (...given) {
          globalThis.isAsked = true;
          await isLate;
          await showNotification.apply(this, given);
          globalThis.isShown = true;
        };`,
    });
    await turnOn(page);
    await hide(page);
    succeeded(await t.send(bob, ann, "A secret"));
    await eventually(() => page.evaluate("globalThis.isAsked === true"));
    succeeded(await t.call("POST", "/api/auth/signout", { token: ann.token }));
    await page.locator("#phone").waitFor();
    await page.evaluate("showNow()");
    await eventually(() => page.evaluate("globalThis.isShown === true"));
    await eventually(async () => deepEqual(await shown(page), []));
  },
);

noticeTest(
  "a window that was in view a moment ago notifies, even if the browser is slow to release its lock",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const page = await openSettings(t, browser, ann, {
      script: `
        const { request } = LockManager.prototype;
        LockManager.prototype.request = function (name, ...given) {
          const run = given.pop();
          return request.call(this, name, ...given, async (lock) => {
            await run(lock);
            await new Promise((resolve) => setTimeout(resolve, 500));
          });
        };`,
    });
    await turnOn(page);
    await hide(page);
    await untilShown(page, [OF_BOB], () => t.send(bob, ann, "A secret"));
  },
);

noticeTest(
  "somebody who looks at one window is not notified by another until the first is closed",
  async (t, browser) => {
    const [ann, bob] = await friends(t);
    const cat = await t.signUp(CAT);
    await t.befriend(ann, cat);
    const page = await openSettings(t, browser, ann);
    await turnOn(page);
    const other = await page.context().newPage();
    await other.goto(`${t.url}/app`);
    await other.locator(".row", { hasText: BOB }).waitFor();
    await hide(page);
    await t.send(cat, ann, "Seen in the other window");
    await eventually(async () => equal(await page.title(), "(1) PuffinTalk"));

    await other.close();
    await eventually(async () => {
      await t.send(bob, ann, "Seen in none");
      // And nothing from Cat.
      deepEqual((await shown(page)).map(({ tag }) => tag), [OF_BOB.tag]);
    });
  },
);
