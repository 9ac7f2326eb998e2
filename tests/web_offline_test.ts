// What is written offline is sent once, in order, when online again; what was shown can be seen offline.

import type { Page } from "playwright-core";
import { deepEqual, equal } from "./assert.ts";
import { makeWav } from "./media_calls.ts";
import { startService } from "./process.ts";
import { reservedPort } from "./reserved_port.ts";
import { ANN, BOB, eventually, friends } from "./support.ts";
import {
  browserTest,
  bubbles,
  field,
  friendsTest,
  openAs,
  openFriends,
  openWindow,
  pick,
  ticked,
  write,
} from "./web_window.ts";

const TEXTS = ["One", "Two", "Three", "Four"];

/** In the page: stores the first message of the outbox there once more; false if it is empty. */
const KEEP_AGAIN = `new Promise((resolve) => {
  indexedDB.open("puffintalk").onsuccess = ({ target: { result: database } }) => {
    const outbox = database.transaction("outbox", "readwrite").objectStore("outbox");
    outbox.getAll().onsuccess = ({ target: { result: [first] } }) => {
      database.close();
      if (!first) return resolve(false);
      const { seq, ...draft } = first;
      outbox.put(draft).onsuccess = () => resolve(true);
    };
  };
})`;

/** Waits until the service worker answers for the page. */
const untilControlled = (page: Page) =>
  eventually(() => page.evaluate("navigator.serviceWorker.controller !== null"), 15_000);

friendsTest(
  "messages written offline wait, survive a closed window, and are sent once and in order",
  async (t, { ann, bob }) => {
    await write(ann.page, "Zero");
    await bob.page.getByText("Zero").waitFor();
    await untilControlled(ann.page);
    await ann.page.context().setOffline(true);
    for (const text of TEXTS) await write(ann.page, text);
    await ticked(ann.page, "Waiting");
    await ann.page.reload();
    await eventually(async () => deepEqual(await bubbles(ann.page), ["Zero", ...TEXTS]));
    equal(await t.sql`select from messages`.then((rows) => rows.length), 1);

    await ann.page.context().setOffline(false);
    await eventually(async () => deepEqual(await bubbles(bob.page), ["Zero", ...TEXTS]), 15_000);
    await ticked(ann.page, "Seen");
    deepEqual(await bubbles(ann.page), ["Zero", ...TEXTS]);
    equal(await t.sql`select from messages`.then((rows) => rows.length), 5);
  },
);

friendsTest(
  "a send whose answer is lost is repeated, and the message exists once",
  async (t, { ann, bob }) => {
    let lost = 0;
    await ann.page.route("**/api/messages/send", async (route) => {
      lost += 1;
      if (lost > 2) return await route.continue();
      await route.fetch();
      await route.abort();
    });
    await write(ann.page, "Only once");
    await ticked(ann.page, "Seen");
    await eventually(() => equal(lost, 3));
    deepEqual(await bubbles(bob.page), ["Only once"]);
    equal(await t.sql`select from messages`.then((rows) => rows.length), 1);
  },
);

friendsTest(
  "messages stay in order if the service is away for the first of them only",
  async (_, { ann, bob }) => {
    await ann.page.context().setOffline(true);
    for (const text of ["One", "Two", "Three"]) await write(ann.page, text);
    await ticked(ann.page, "Waiting");
    await ann.page.route("**/api/messages/send", (route) => route.fulfill({ status: 503 }), { times: 1 });
    await ann.page.context().setOffline(false);
    await eventually(async () => deepEqual(await bubbles(bob.page), ["One", "Two", "Three"]), 15_000);
  },
);

friendsTest(
  "a refused message stays with its reason, can be retried or discarded, and blocks no other",
  async (t, { ann, bob }) => {
    await ann.page.context().setOffline(true);
    await write(ann.page, "To nobody");
    await t.call("PUT", "/api/contacts/delete", { token: bob.token, json: { phone_number: ANN } });
    await ann.page.context().setOffline(false);
    await ann.page.getByText("You can write when both of you want to be friends.").waitFor();
    await t.call("PUT", "/api/contacts/request", { token: bob.token, json: { phone_number: ANN } });
    await field(ann.page).waitFor();
    await write(ann.page, "To Bob");
    await bob.page.getByText("To Bob").waitFor();
    await ann.page.getByRole("button", { name: "Try again" }).click();
    await eventually(async () => deepEqual(await bubbles(bob.page), ["To Bob", "To nobody"]));
  },
);

browserTest(
  "two windows of one person share an outbox, and show each other's messages",
  async (t, browser) => {
    const { ann, bob } = await openFriends(t, browser);
    const other = await ann.page.context().newPage();
    await other.goto(`${t.url}/app#/thread/${BOB}`);
    await field(other).waitFor();
    await ann.page.context().setOffline(true);
    await write(ann.page, "From one");
    await other.getByText("From one").waitFor();
    await write(other, "From the other");
    await ann.page.getByText("From the other").waitFor();
    await ann.page.context().setOffline(false);
    await eventually(
      async () => deepEqual(await bubbles(bob.page), ["From one", "From the other"]),
      15_000,
    );
    for (const page of [ann.page, other]) {
      await eventually(async () => deepEqual(await bubbles(page), ["From one", "From the other"]));
    }
    equal(await t.sql`select from messages`.then((rows) => rows.length), 2);
  },
);

browserTest("two windows that write at the same time lose nothing", async (t, browser) => {
  const [ann] = await friends(t);
  const { page, errors } = await openAs(t, browser, ann, { path: `/app#/thread/${BOB}` });
  const other = await page.context().newPage();
  await other.goto(page.url());
  const written: string[] = [];
  await Promise.all([page, other].map(async (window, at) => {
    await field(window).waitFor();
    for (let count = 0; count < 40; count += 1) {
      written.push(`${count} from ${at}`);
      await field(window).fill(`${count} from ${at}`);
      await window.evaluate("document.querySelector('textarea').form.requestSubmit()");
    }
  }));
  await eventually(async () => {
    const sent = await t.sql<{ body: string }[]>`select body from messages`;
    deepEqual(sent.map(({ body }) => body).sort(), written.toSorted());
  }, 60_000);
  deepEqual(errors, []);
});

/** In the page: while `isSlow` is set, the database answers getAll() a second late. */
const TELL_LATE = `const getAll = IDBObjectStore.prototype.getAll;
IDBObjectStore.prototype.getAll = function () {
  const request = getAll.call(this);
  if (!globalThis.isSlow) return request;
  const late = {};
  request.onsuccess = () => setTimeout(() => late.onsuccess(Object.assign(late, { result: request.result })), 1_000);
  return late;
};`;

friendsTest(
  "a message that is discarded in one window while another sends it is not sent",
  async (t, { ann }) => {
    const { page } = ann;
    const other = await page.context().newPage();
    await other.goto(page.url());
    const isGoingOn = Promise.withResolvers<void>();
    await page.route("**/api/uploads", async (route) => {
      await isGoingOn.promise;
      await route.continue();
    });
    await pick(page, makeWav(10_000));
    await page.getByLabel("Caption").press("Enter");
    await other.getByRole("button", { name: "Cancel" }).waitFor();
    await page.evaluate("isSlow = true");
    const uploaded = page.waitForResponse((response) => response.request().method() === "PATCH");
    isGoingOn.resolve();
    await page.waitForResponse((response) => response.url().endsWith("/api/uploads"));
    await other.getByRole("button", { name: "Cancel" }).click();
    await other.locator(".bubble").waitFor({ state: "detached" });
    await page.evaluate("isSlow = false");
    await uploaded;
    await page.locator(".bubble").waitFor({ state: "detached" });
    equal((await t.sql`select from messages`).length, 0);
  },
  [{ script: TELL_LATE }, {}],
);

friendsTest(
  "a message that two windows store at the same time is shown and sent once",
  async (t, { ann, bob }) => {
    await ann.page.context().setOffline(true);
    await write(ann.page, "From one");
    // As happens if both find that the database does not have it yet.
    await eventually(() => ann.page.evaluate(KEEP_AGAIN));
    await write(ann.page, "From the other");
    await ann.page.getByText("From the other").waitFor();
    deepEqual(await bubbles(ann.page), ["From one", "From the other"]);

    await ann.page.context().setOffline(false);
    await eventually(async () => deepEqual(await bubbles(bob.page), ["From one", "From the other"]), 15_000);
    await ticked(ann.page, "Seen");
    deepEqual(await bubbles(ann.page), ["From one", "From the other"]);
    equal(await t.sql`select from messages`.then((rows) => rows.length), 2);
  },
);

browserTest(
  "the client says that it is connecting while the service is away, and recovers by itself when it is back",
  async (t, browser) => {
    const people = { ann: await t.signUp(ANN), bob: await t.signUp(BOB) };
    await t.befriend(people.ann, people.bob);
    const env = {
      DATABASE_URL: t.database.url,
      JWT_SECRET: "a secret of thirty-two bytes or more",
      LIMITS: "off",
      PORT: String(reservedPort()),
    };
    const first = await startService({ env });
    const { page } = await openAs(first, browser, people.ann, { path: `/app#/thread/${BOB}` });
    await field(page).waitFor();
    await first.end("SIGTERM");
    await page.getByText("Connecting").waitFor();
    await write(page, "While you were away");
    const second = await startService({ env });
    await ticked(page, "Sent");
    await page.getByText("Connecting").waitFor({ state: "hidden" });
    await second.end("SIGTERM");
  },
);

/** Runs with a server between browser and service, whose URL is passed on. */
async function withProxy(
  answer: (request: Request) => Response | Promise<Response>,
  run: (url: string) => Promise<void>,
  port = 0,
): Promise<void> {
  const stopping = new AbortController();
  const proxy = Deno.serve(
    { port, hostname: "127.0.0.1", signal: stopping.signal, onListen: () => {} },
    answer,
  );
  try {
    await run(`http://127.0.0.1:${proxy.addr.port}`);
  } finally {
    stopping.abort();
    await proxy.finished;
  }
}

/** What a proxy passes on of an answer of the service. */
function passOn({ url }: { url: string }, path: string): Promise<Response> {
  return fetch(url + path, { headers: { "accept-encoding": "identity" } });
}

/** What may answer in place of the service. */
const STRANGERS: Record<string, () => Response | Promise<Response>> = {
  "a proxy answers that the service is away": () => new Response("Bad gateway", { status: 502 }),
  "a proxy never answers": () => new Promise(() => {}),
  "a proxy stops in the middle of the page": () =>
    new Response(new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode("<p>Half")) }), {
      headers: { "content-type": "text/html" },
    }),
};

for (const [what, answer] of Object.entries(STRANGERS)) {
  browserTest(`if ${what}, the page opens from the stored copy`, async (t, browser) => {
    const port = reservedPort();
    const env = {
      DATABASE_URL: t.database.url,
      JWT_SECRET: "a secret of thirty-two bytes or more",
      LIMITS: "off",
      PORT: String(port),
    };
    const [ann] = await friends(t);
    const service = await startService({ env });
    const { page } = await openAs(service, browser, ann, { path: `/app#/thread/${BOB}` });
    // Only what was shown is stored.
    await field(page).waitFor();
    await untilControlled(page);
    await service.end("SIGTERM");
    await withProxy(answer, async () => {
      await page.reload();
      await page.getByText("Connecting").waitFor({ timeout: 10_000 });
      await field(page).waitFor();
      await page.close();
    }, port);
  });
}

browserTest(
  "a redirect by a proxy, as to its sign-in, is followed when the page is opened",
  async (t, browser) => {
    let isSignedIn = true;
    const proxy = (request: Request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/login") return new Response("Sign in to the proxy");
      if (!isSignedIn) return new Response(null, { status: 302, headers: { location: "/login" } });
      return passOn(t, pathname);
    };
    await withProxy(proxy, async (url) => {
      const { page } = await openWindow({ url }, browser);
      await untilControlled(page);
      isSignedIn = false;
      await page.reload();
      await page.getByText("Sign in to the proxy").waitFor();
      await page.close();
    });
  },
);

browserTest(
  "the files of a new build replace those of the one before, and the texts of notifications stay",
  async (t, browser) => {
    let version = "first";
    const proxy = async (request: Request) => {
      const { pathname } = new URL(request.url);
      const answer = await passOn(t, pathname);
      if (pathname !== "/app/worker.js") return answer;
      const script = (await answer.text()).replace(/"version":"\w+"/, `"version":"${version}"`);
      return new Response(script, { headers: answer.headers });
    };
    await withProxy(proxy, async (url) => {
      const { page } = await openWindow({ url }, browser);
      await untilControlled(page);
      await page.evaluate("caches.open('puffintalk-words').then(() => {})");
      const names = () => page.evaluate("caches.keys().then((names) => names.sort())");
      deepEqual(await names(), ["first", "puffintalk-words"]);
      version = "second";
      await page.reload();
      await eventually(async () => deepEqual(await names(), ["puffintalk-words", "second"]), 15_000);
      await page.close();
    });
  },
);
