// The service worker: opens the pages without a network, from the files that `deno task build` made.

declare const self: ServiceWorkerGlobalScope & {
  /** The files of the app and a version that names this build; the build prepends them to this script. */
  SHELL: { version: string; paths: string[] };
};

const PAGE = "/app";
/** The cache in which the pages leave the texts of notifications in the user's language. */
const WORDS = "puffintalk-words";
const PATIENCE_MS = 4_000;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(self.SHELL.version);
    await cache.addAll(self.SHELL.paths);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => ![self.SHELL.version, WORDS].includes(name));
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === PAGE) event.respondWith(newest(event.request));
  else if (self.SHELL.paths.includes(pathname)) event.respondWith(kept(event.request));
});

/**
 * The page from the network; the cached one if the service does not answer in time and in full, or something
 * else answers with an error. A redirect, as to the sign-in of a proxy, is left to the browser, which accepts
 * no answer that was redirected already.
 */
async function newest(request: Request): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const headers = { accept: "text/html" };
    const answer = await fetch(request.url, { signal: patience.signal, headers, redirect: "manual" });
    if (answer.type === "opaqueredirect") return answer;
    if (answer.status >= 500) return await caches.match(PAGE) ?? answer;
    return new Response(await answer.blob(), answer);
  } catch {
    return await caches.match(PAGE) ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}

async function kept(request: Request): Promise<Response> {
  return await caches.match(new URL(request.url).pathname) ?? await fetch(request);
}

// A push says only what happened, not from whom or what: the pages fetch that when they are opened.
self.addEventListener("push", (event) => {
  event.waitUntil((async () => {
    const { event: name } = event.data?.json() ?? {};
    const kept = await (await caches.open(WORDS)).match("/app/words.json");
    const words: Record<string, string> = kept ? await kept.json() : {};
    await self.registration.showNotification("PuffinTalk", {
      body: words[name] ?? "",
      tag: name ?? "news",
      icon: "/app/icon-192.png",
    });
  })());
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const hash: string = event.notification.data?.hash ?? "";
  event.waitUntil((async () => {
    // Includes windows that were loaded before this worker was installed.
    const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const [open] = windows.filter(({ url }) => new URL(url).pathname === PAGE);
    if (!open) return void await self.clients.openWindow(PAGE + hash);
    if (hash) open.postMessage({ hash });
    await open.focus();
  })());
});
