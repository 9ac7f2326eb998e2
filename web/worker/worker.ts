// The service worker: opens the pages without a network, with what `deno task build` made.

declare const self: ServiceWorkerGlobalScope & {
  /** The addresses of the shell and a name for this build of it; the build writes them in front. */
  SHELL: { version: string; paths: string[] };
};

const PAGE = "/app";
/** Where the pages leave the words of their language. */
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

/** The page as the service has it now; the kept one where it does not answer, or another in its place. */
async function newest(request: Request): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(request.url, { signal: patience.signal, headers: { accept: "text/html" } });
    return answer.status < 500 ? answer : await caches.match(PAGE) ?? answer;
  } catch {
    return await caches.match(PAGE) ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}

async function kept(request: Request): Promise<Response> {
  return await caches.match(new URL(request.url).pathname) ?? await fetch(request);
}

// Pushed is only what happened, never from whom or what: the pages fetch that when they are opened.
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
    // One that was loaded before this worker was there counts as well.
    const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const [open] = windows.filter(({ url }) => new URL(url).pathname === PAGE);
    if (!open) return void await self.clients.openWindow(PAGE + hash);
    if (hash) open.postMessage({ hash });
    await open.focus();
  })());
});
