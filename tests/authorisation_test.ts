// Authorisation on every route: each way of not being signed in, and each person's things requested by the
// others. A route without a row in authorisation_rows.ts fails here.

import { deepEqual, equal, ok } from "./assert.ts";

import { ROWS } from "./authorisation_rows.ts";
import { type Call, everything, MISSING, NAMES, setScene, shown } from "./authorisation_scene.ts";
import { type Document, readDocument } from "./operations.ts";
import { shakeHands } from "./raw_socket.ts";
import { ANN, type Answer, CAT, refused, succeeded, type TestApp, withApp } from "./support.ts";
import { ENV, forge, nowS, OTHER, unsigned } from "./token_forgery.ts";

/** Configures everything that adds routes. */
const OPTIONS = {
  env: {
    ...ENV.env,
    ANDROID_APP: `example.puffin=${Array(32).fill("AB").join(":")}`,
    IOS_APP: "ABCDE12345.example.puffin",
  },
};

/** Tokens for every way of having no live session; undefined is no token at all. */
async function badTokens(t: TestApp): Promise<Record<string, string | undefined>> {
  const { token } = await t.signIn(ANN);
  const revoked = await t.signIn(ANN);
  succeeded(await t.call("POST", "/api/auth/signout", { token: revoked.token }));
  return {
    none: undefined,
    garbage: "garbage",
    "alg none": unsigned(token, "none"),
    "another key": await forge(token, { secret: OTHER }),
    expired: await forge(token, { claims: { exp: nowS() - 1 } }),
    revoked: revoked.token,
  };
}

/** Like `t.call`, for answers of any type. */
async function callRaw(
  t: TestApp,
  method: string,
  { path, json, raw, headers }: Call,
  token?: string,
): Promise<Answer> {
  const body = json === undefined ? raw : JSON.stringify(json);
  const response = await fetch(t.url + path, {
    method,
    headers: {
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

const methodOf = (route: string) => route.split(" ")[0]!;

Deno.test("every route has a row that says what it needs, and every row has its route", () =>
  withApp(async (t) => {
    const { paths } = await readDocument(t);
    const routes = Object.entries<Document>(paths).flatMap(([path, item]) =>
      Object.entries<Document>(item).map(([method, { security }]) =>
        [`${method.toUpperCase()} ${path}`, security.length === 0 ? "nothing" : "session"] as const
      )
    );
    for (const [route] of routes) ok(route in ROWS, `Give tests/authorisation_rows.ts a row for "${route}"`);
    deepEqual(
      Object.fromEntries(Object.entries(ROWS).map(([route, { needs }]) => [route, needs])),
      Object.fromEntries(routes),
    );
  }, OPTIONS));

Deno.test("without a live session every route that needs one gives the same 401, and changes nothing", () =>
  withApp(async (t) => {
    const scene = await setScene(t);
    const bad = await badTokens(t);
    const { paths } = await readDocument(t);
    const answers = new Map<string, string>();
    for (const [route, { needs, ask }] of Object.entries(ROWS)) {
      if (needs === "nothing") continue;
      const [method, pattern] = route.split(" ") as [string, string];
      const call = ask("ann", scene);
      const before = await everything(t);
      for (const [what, token] of Object.entries(bad)) {
        const seen = [await callRaw(t, method, call, token)];
        if (paths[pattern][method.toLowerCase()].security.some((way: Document) => "queryToken" in way)) {
          const path = `${call.path}${call.path.includes("?") ? "&" : "?"}token=${token ?? ""}`;
          seen.push(await callRaw(t, method, { ...call, path }));
        }
        for (const answer of seen) {
          equal(answer.status, 401, `${route} with ${what}`);
          if (method !== "HEAD") refused(answer, 401, "unauthenticated");
          const kind = method === "HEAD" ? "HEAD" : /uploads/.test(pattern) ? "tus" : "others";
          answers.set(kind, answers.get(kind) ?? shown(answer, ""));
          equal(shown(answer, ""), answers.get(kind), `${route} with ${what}`);
        }
      }
      equal(await everything(t), before, route);
      // A live session is let in, so the token was the reason.
      const { token } = await t.signIn(ANN);
      ok((await callRaw(t, method, call, token)).status !== 401, route);
    }
  }, OPTIONS));

Deno.test("a WebSocket without a live session is 401 before its upgrade, wherever the token is sent", () =>
  withApp(async (t) => {
    await t.signUp(ANN);
    for (const [what, token = ""] of Object.entries(await badTokens(t))) {
      const ways: [string, Record<string, string>][] = [
        [`?token=${token}`, {}],
        [`?ticket=${token}`, {}],
        ["", token === "" ? {} : { authorization: `Bearer ${token}` }],
        ["", token === "" ? {} : { "sec-websocket-protocol": `bearer, ${token}` }],
      ];
      for (const [query, headers] of ways) {
        const { status, conn } = await shakeHands(t.url, `/api/notifications${query}`, headers);
        conn.close();
        equal(status, 401, `${what} ${query}`);
      }
    }
  }, OPTIONS));

Deno.test("a route that needs no session answers the same whatever token is sent", () =>
  withApp(async (t) => {
    const scene = await setScene(t);
    const tokens = { ...await badTokens(t), good: scene.people.ann.token };
    t.clock.freeze();
    for (const [route, { needs, ask }] of Object.entries(ROWS)) {
      if (needs === "session") continue;
      const plain = shown(await callRaw(t, methodOf(route), ask("ann", scene)), "");
      for (const [what, token] of Object.entries(tokens)) {
        const answer = await callRaw(t, methodOf(route), ask("ann", scene), token);
        equal(shown(answer, ""), plain, `${route} with ${what}`);
      }
    }
  }, OPTIONS));

Deno.test("things that a person may not see look as if they did not exist, on every route that can name them", () =>
  withApp(async (t) => {
    const scene = await setScene(t);
    t.clock.freeze();
    let cells = 0;
    for (const [route, { names = [] }] of Object.entries(ROWS)) {
      for (const { kind, ask, may, status = 404 } of names) {
        const before = await everything(t);
        for (const me of NAMES) {
          const { token } = scene.people[me];
          const tell = async (value: string | number) =>
            shown(await callRaw(t, methodOf(route), ask(value, me, scene), token), value);
          const missing = await tell(MISSING[kind]);
          equal(JSON.parse(missing)[0], status, `${route}: ${me} names a ${kind} that is not there`);
          for (const thing of scene.things[kind].filter((thing) => !may(me, thing))) {
            equal(await tell(thing.value), missing, `${route}: ${me} names a ${kind} of ${thing.owner}`);
            cells += 1;
          }
        }
        equal(await everything(t), before, route);
      }
    }
    console.log(`  ${cells} foreign things named, on ${Object.keys(ROWS).length} routes`);
    ok(cells > 100);
  }, OPTIONS));

Deno.test("no answer shows a person anything that belongs to others alone", () =>
  withApp(async (t) => {
    const scene = await setScene(t);
    for (const [route, { needs, ask }] of Object.entries(ROWS)) {
      if (needs === "nothing" || /signout|DELETE/.test(route)) continue;
      for (const me of NAMES) {
        const { body } = await callRaw(t, methodOf(route), ask(me, scene), scene.people[me].token);
        const text = JSON.stringify(body);
        for (const secret of scene.secretsFrom[me]) {
          ok(!text.includes(secret), `${route} shows ${secret} to ${me}: ${text}`);
        }
      }
    }
  }, OPTIONS));

Deno.test("a friend request to a stranger looks the same as one to a number that nobody has", () =>
  withApp(async (t) => {
    const scene = await setScene(t);
    t.clock.freeze();
    const { token } = scene.people.ann;
    const seen: string[] = [];
    for (const phone_number of [CAT, MISSING.number]) {
      const request = await t.call("PUT", "/api/contacts/request", { token, json: { phone_number } });
      succeeded(request);
      const repeated = await t.call("PUT", "/api/contacts/request", { token, json: { phone_number } });
      const cancelled = await t.call("PUT", "/api/contacts/delete", { token, json: { phone_number } });
      seen.push([request, repeated, cancelled].map((answer) => shown(answer, phone_number)).join("\n"));
    }
    equal(seen[0], seen[1]);
  }, OPTIONS));
