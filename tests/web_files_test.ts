import { parse } from "acorn";
import { gunzipSync, gzipSync } from "node:zlib";
import { createApp } from "../routes/app.ts";
import { encodingFor, readWebFiles } from "../routes/web_files.ts";
import { parseConfig } from "../services/config.ts";
import { deepEqual, doesNotThrow, equal, match, notEqual, ok, throws } from "./assert.ts";
import { JWT_SECRET, refused, type TestApp, withApp } from "./support.ts";

const FILES = await readWebFiles(new URL("../web/dist/", import.meta.url));
const KB = 1024;

/** Follows no redirect. The body is decoded, as by any fetch(). */
async function get(t: TestApp, path: string, headers: Record<string, string> = {}) {
  const client = Deno.createHttpClient({});
  try {
    const response = await fetch(t.url + path, { client, redirect: "manual", headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } finally {
    client.close();
  }
}

function scripts(): [string, Uint8Array][] {
  return [...FILES].filter(([name]) => name.endsWith(".js")).map((
    [name, { encoded }],
  ) => [name, encoded.gzip!]);
}

Deno.test("the web client's scripts have at most 60 KB, gzipped", () => {
  const [, main] = scripts().find(([name]) => name.startsWith("main-"))!;
  const [, worker] = scripts().find(([name]) => name === "worker.js")!;
  ok(main.length + worker.length <= 60 * KB, `${main.length} + ${worker.length}`);
});

Deno.test("the web client's scripts can be parsed by browsers of 2021", () => {
  const module = { ecmaVersion: 2021, sourceType: "module" } as const;
  for (const [name, gzipped] of scripts()) {
    doesNotThrow(() => parse(gunzipSync(gzipped).toString(), module), name);
  }
  throws(() => parse("class Newer { static {} }", module));
});

Deno.test("the page with its style in it has at most 14 KB, gzipped, and its style 12 KB", () => {
  const { bytes, encoded } = FILES.get("index.html")!;
  const style = new TextDecoder().decode(bytes).match(/<style>([\s\S]+)<\/style>/)![1]!;
  ok(encoded.gzip!.length <= 14 * KB, `${encoded.gzip!.length}`);
  ok(style.length > 1_000 && gzipSync(style).length <= 12 * KB, `${gzipSync(style).length}`);
  equal(gunzipSync(encoded.gzip!).length, bytes.length);
});

Deno.test("/ redirects browsers to the web client, and answers programs with JSON", () =>
  withApp(async (t) => {
    const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
    const led = await get(t, "/", { accept: browser });
    deepEqual([led.status, led.headers.get("location")], [302, "/app"]);
    for (const accept of ["*/*", "application/json", "", "text/html;q=0.1, application/json"]) {
      const answer = await get(t, "/", { accept });
      equal(answer.status, 200, accept);
      equal(JSON.parse(answer.text).links.web, "/app");
      match(answer.headers.get("vary") ?? "", /Accept/);
    }
  }));

Deno.test("/app is a page that may run only its own scripts and style, and may be framed by nobody", () =>
  withApp(async (t) => {
    const { status, headers, text } = await get(t, "/app");
    equal(status, 200);
    equal(headers.get("content-type"), "text/html; charset=utf-8");
    const policy = headers.get("content-security-policy")!;
    match(policy, /default-src 'none'/);
    match(policy, /script-src 'self';/);
    match(policy, /style-src 'sha256-[\w+/=]+';/);
    match(policy, /frame-ancestors 'none'/);
    const host = new URL(t.url).host;
    ok(
      policy.includes(`connect-src 'self' ws://${host} wss://${host};`),
      "a socket, also in Safari until 16",
    );
    // A fresh voice recording is played from memory.
    match(policy, /media-src 'self' blob:/);
    ok(!policy.includes("unsafe"));
    ok(!/<script(?![^>]*\ssrc=)/.test(text), "an inline script");
    ok(!/\son\w+=|\sstyle=/.test(text), "an inline handler or style");
    ok(!/https?:\/\//.test(text.replaceAll("http://www.w3.org/", "")), "another host");
    equal(headers.get("referrer-policy"), "no-referrer");
    equal(headers.get("cross-origin-opener-policy"), "same-origin");
    equal(headers.get("permissions-policy"), "camera=(), geolocation=(), microphone=(self)");
    equal(headers.get("access-control-allow-origin"), null);
    equal(headers.get("set-cookie"), null);
  }));

Deno.test("the web client's files are compressed as the browser prefers, and sent again only if they have changed", () =>
  withApp(async (t) => {
    const [name] = scripts().find(([name]) => name.startsWith("main-"))!;
    for (const path of ["/app", `/app/${name}`, "/app/worker.js", "/app/mark.svg"]) {
      const plain = await get(t, path, { "accept-encoding": "identity" });
      const small = await get(t, path, { "accept-encoding": "gzip, br;q=0.9" });
      equal(plain.headers.get("content-encoding"), null, path);
      equal(small.text, plain.text, path);
      notEqual(small.headers.get("etag"), plain.headers.get("etag"));
      match(small.headers.get("vary")!, /Accept-Encoding/);
      const known = await get(t, path, {
        "if-none-match": plain.headers.get("etag")!,
        "accept-encoding": "identity",
      });
      deepEqual([known.status, known.text], [304, ""], path);
      const kept = plain.headers.get("cache-control");
      equal(kept, path.includes(name) ? "public, max-age=31536000, immutable" : "no-cache", path);
    }
    const worker = await get(t, "/app/worker.js");
    equal(worker.headers.get("service-worker-allowed"), "/app");
    match(worker.headers.get("content-security-policy")!, /^default-src 'none'; connect-src 'self';/);
    const types = Object.fromEntries(
      await Promise.all(
        ["worker.js", "icon-192.png", "mark.svg", "puffintalk.webmanifest"].map(async (name) => [
          name.split(".")[1],
          (await get(t, `/app/${name}`)).headers.get("content-type"),
        ]),
      ),
    );
    deepEqual(types, {
      js: "text/javascript; charset=utf-8",
      png: "image/png",
      svg: "image/svg+xml",
      webmanifest: "application/manifest+json",
    });
  }));

Deno.test("encodingFor() chooses the smallest encoding that the client accepts, and none that it refuses", () => {
  const file = FILES.get("index.html")!;
  equal(encodingFor(file, "gzip, deflate, br, zstd"), "br");
  equal(encodingFor(file, "gzip"), "gzip");
  equal(encodingFor(file, "br;q=0, gzip;q=0.5"), "gzip");
  equal(encodingFor(file, "GZIP;Q=0.5, Br;q=0"), "gzip");
  equal(encodingFor(file, "identity"), null);
  equal(encodingFor(file), null);
  equal(encodingFor({ ...file, encoded: {} }, "br"), null);
});

Deno.test("below /app there are the built files and nothing else", () =>
  withApp(async (t) => {
    for (
      const path of [
        "/app/index.html",
        "/app/dev.html",
        "/app/built.txt",
        "/app/main.js",
        "/app/..%2Fbuild.ts",
      ]
    ) {
      refused(await t.call("GET", path), 404, "not_found");
    }
    refused(await t.call("POST", "/app"), 405, "method_not_allowed");
  }));

Deno.test("if nothing was built, there are no files, no error, and no links to them", async () => {
  const files = await readWebFiles(new URL("../web/not-built/", import.meta.url));
  equal(files.size, 0);
  await withApp(async (t) => {
    const app = createApp(t.services, parseConfig({ JWT_SECRET }), { webFiles: files });
    const at = async (path: string) =>
      await app.fetch(new Request(`http://localhost${path}`, { headers: { accept: "text/html" } }));
    const root = await at("/");
    equal(root.status, 200);
    equal("web" in (await root.json()).links, false);
    for (const path of ["/app", "/app/worker.js"]) equal((await at(path)).status, 404, path);
  });
});
