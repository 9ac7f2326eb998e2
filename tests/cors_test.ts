import { deepEqual, equal, ok } from "./assert.ts";
import { shakeHands } from "./raw_socket.ts";
import { ANN, type Answer, type TestApp, withApp } from "./support.ts";

const PAGE = "https://page.example";
const NARROW = { env: { CORS_ORIGINS: "https://one.example,https://two.example" } };

function corsOf({ headers }: Answer): string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-")).sort();
}

function preflight(t: TestApp, path: string, origin: string, method = "POST"): Promise<Answer> {
  return t.call("OPTIONS", path, {
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });
}

Deno.test("a page of any origin may call the API, and read its errors and their request ids", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const answers = [
      await t.call("GET", "/api/contacts", { token, headers: { origin: PAGE } }),
      await t.call("GET", "/api/contacts", { headers: { origin: PAGE } }),
      await t.call("GET", "/api/nope", { headers: { origin: PAGE } }),
      await t.call("PATCH", "/api/contacts", { headers: { origin: PAGE } }),
      await t.call("POST", "/api/auth/signup", { headers: { origin: PAGE }, raw: "x" }),
    ];
    deepEqual(answers.map(({ status }) => status), [200, 401, 404, 405, 415]);
    for (const { headers } of answers) {
      equal(headers.get("access-control-allow-origin"), "*");
      const exposed = headers.get("access-control-expose-headers")!.split(",");
      for (const name of ["X-Request-Id", "Retry-After"]) ok(exposed.includes(name), name);
      equal(headers.get("access-control-allow-credentials"), null);
    }
  }));

Deno.test("a preflight allows the methods and headers of the API", () =>
  withApp(async (t) => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const { status, headers, body } = await preflight(t, "/api/messages/send", PAGE, method);
      deepEqual([status, body], [204, null]);
      equal(headers.get("access-control-allow-origin"), "*");
      ok(headers.get("access-control-allow-methods")!.split(",").includes(method));
      equal(headers.get("access-control-allow-headers"), "authorization,content-type,idempotency-key");
      equal(headers.get("access-control-max-age"), "600", "or there were a second request for each");
      ok(headers.get("x-request-id"));
    }
  }));

Deno.test("a page of any origin may read the headers needed to resume an upload and to fetch a part of a film", () =>
  withApp(async (t) => {
    const { headers } = await t.call("GET", "/healthz", { headers: { origin: PAGE } });
    const exposed = headers.get("access-control-expose-headers")!.split(",");
    for (
      const name of ["Location", "Upload-Offset", "Tus-Resumable", "Accept-Ranges", "Content-Range", "ETag"]
    ) ok(exposed.includes(name), name);
  }));

Deno.test("cross-origin requests that are no preflight reach their route: OPTIONS of tus, and a WebSocket", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const asked = await t.call("OPTIONS", "/api/uploads", { token, headers: { origin: PAGE } });
    deepEqual([asked.status, asked.headers.get("tus-version")], [204, "1.0.0"]);
    const opened = await shakeHands(t.url, `/api/notifications?token=${token}`, { origin: PAGE });
    deepEqual([opened.status, opened.headers.get("upgrade")?.toLowerCase()], [101, "websocket"]);
    opened.conn.close();
  }));

Deno.test("CORS_ORIGINS admits the pages of these origins and no others", () =>
  withApp(async (t) => {
    for (const origin of ["https://one.example", "https://two.example"]) {
      const called = await t.call("GET", "/api/contacts", { headers: { origin } });
      const asked = await preflight(t, "/api/contacts", origin);
      for (const { headers } of [called, asked]) {
        equal(headers.get("access-control-allow-origin"), origin);
        ok(headers.get("vary")?.toLowerCase().includes("origin"));
      }
    }
    for (const origin of [PAGE, "https://one.example.evil.example", "http://one.example", "null", ""]) {
      const called = await t.call("GET", "/api/contacts", { headers: { origin } });
      const asked = await preflight(t, "/api/contacts", origin);
      for (const { headers } of [called, asked]) {
        equal(headers.get("access-control-allow-origin"), null, origin);
      }
    }
    for (const [method, path] of [["GET", "/api/nope"], ["PATCH", "/api/contacts"]] as const) {
      const { headers } = await t.call(method, path, { headers: { origin: "https://one.example" } });
      ok(headers.get("vary")?.toLowerCase().includes("origin"), path);
    }
  }, NARROW));

Deno.test("no page of another origin may read the pages for developers on this machine", () =>
  withApp(async (t) => {
    for (const path of ["/dev/sms", "/dev/nope"]) {
      deepEqual(corsOf(await t.call("GET", path, { headers: { origin: PAGE } })), [], path);
      deepEqual(corsOf(await preflight(t, path, PAGE, "GET")), [], path);
    }
  }));

Deno.test("no page of another origin may read an invitation's page or the web client", () =>
  withApp(async (t) => {
    for (const path of ["/i/AAAAAAAAAAAAAAAAAAAAAA", "/app", "/app/nope.js"]) {
      const { headers, body } = await fetch(t.url + path, { headers: { origin: PAGE } });
      await body?.cancel();
      equal(headers.get("access-control-allow-origin"), null, path);
      equal(headers.get("access-control-expose-headers"), null, path);
    }
  }));
