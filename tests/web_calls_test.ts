// How the web client treats refusals, including those of a proxy, and how long it waits before a retry.

import { deepEqual, equal, ok, rejects } from "./assert.ts";

/** Imported dynamically, because they have the types of browsers, which conflict with those of Deno. */
const load = (name: string) => import(new URL(`../web/client/${name}.ts`, import.meta.url).href);
const { createBackoff } = await load("backoff");
const { createHttp, PASSING, refusalOf } = await load("http");

Deno.test("the web client waits longer before each retry, half a minute at most, and starts over after a success", () => {
  const backoff = createBackoff(() => 1);
  const waits = Array.from({ length: 9 }, () => backoff.nextMs());
  deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  for (let time = 0; time < 2_000; time += 1) backoff.nextMs();
  equal(backoff.nextMs(), 30_000);
  backoff.reset();
  equal(backoff.nextMs(), 500);
});

Deno.test("many web clients that lost the service at the same moment come back spread over half of the wait", () => {
  const first = (random: number) => createBackoff(() => random).nextMs();
  deepEqual([first(0), first(0.5), first(1)], [250, 375, 500]);
  const waits = new Set(Array.from({ length: 20 }, () => createBackoff().nextMs()));
  ok(waits.size > 1);
});

Deno.test("an answer of a proxy instead of the service is judged by its status, and retried only if that may help", () => {
  const codes = [413, 500, 502, 503, 504, 400, 404].map((status) => refusalOf(status, null).code);
  deepEqual(codes, [
    "too_large",
    ...["unavailable", "unavailable", "unavailable", "unavailable"],
    ...["unexpected", "unexpected"],
  ]);
  ok(PASSING.includes("unavailable") && !PASSING.includes("too_large"));
});

Deno.test("the web client keeps of a refusal exactly what the service says", () => {
  const refusal = refusalOf(429, {
    success: false,
    code: "rate_limited",
    message: "Too many",
    retry_after: 7,
    issues: [{ path: "message", message: "Is too long" }],
  });
  const { code, message, status, retryAfter, paths } = refusal;
  deepEqual({ code, message, status, retryAfter, paths }, {
    code: "rate_limited",
    message: "Too many",
    status: 429,
    retryAfter: 7,
    paths: ["message"],
  });
});

Deno.test("a refused token ends the session that has it, but not one that has replaced it meanwhile", async () => {
  let token: string | null = null;
  let next: string | null = null;
  const asked: (string | null)[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, ({ headers }) => {
    asked.push(headers.get("authorization"));
    token = next;
    return Response.json({ success: false, code: "unauthenticated", message: "Sign in" }, { status: 401 });
  });
  let refused = 0;
  const call = createHttp({
    origin: `http://127.0.0.1:${server.addr.port}`,
    token: () => token,
    person: () => "+14155550101",
    onRefused: () => refused += 1,
  });
  const told = async (before: string | null, after: string | null) => {
    [token, next, refused] = [before, after, 0];
    await rejects(call("get", "/api/contacts"), { code: "unauthenticated", status: 401 });
    return refused;
  };
  try {
    equal(await told("one", "one"), 1);
    equal(await told("one", "two"), 0);
    equal(await told(null, null), 0);
    deepEqual(asked, ["Bearer one", "Bearer one", null]);
  } finally {
    await server.shutdown();
  }
});
