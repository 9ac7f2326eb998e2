import { decodeJwt, decodeProtectedHeader } from "jose";
import { deepEqual, equal, ok } from "./assert.ts";

import { createTokens } from "../services/sessions/tokens.ts";
import { ANN, BOB, refused, succeeded, withApp } from "./support.ts";
import { ENV, forge, isRefused, nowS, OTHER, SECRET, unsigned } from "./token_forgery.ts";

const HOUR_S = 3_600;

/** The alphabet of base64url, in order. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Deno.test("a token names a user and a session, and says nothing about the person", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const { iat, exp, jti, sid, sub, ...rest } = decodeJwt(token);

    deepEqual(decodeProtectedHeader(token), { alg: "HS256", typ: "JWT" });
    deepEqual(rest, { iss: "puffintalk", aud: "puffintalk" });
    deepEqual((await t.sql`select id, user_id from sessions`)[0], { id: sid, user_id: Number(sub) });
    ok(exp! > nowS() + 29 * 24 * HOUR_S && iat! <= nowS() && jti!.length > 0);
  }, ENV));

Deno.test("a forgery without changes is accepted, so those below fail for what they change", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    succeeded(await t.call("GET", "/api/contacts", { token: await forge(token) }));
  }, ENV));

Deno.test("a token of another algorithm or key is 401", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const alg of ["HS384", "HS512"]) {
      await isRefused(t, await forge(token, { alg, secret: SECRET.padEnd(99) }), alg);
      await isRefused(t, await forge(token, { alg }), alg);
    }
    for (const alg of ["none", "None", "HS256", ""]) {
      await isRefused(t, unsigned(token, alg), `unsigned ${alg}`);
    }
    await isRefused(t, await forge(token, { secret: OTHER }), "another key");
    for (const secret of [" ", `${SECRET} `]) {
      await isRefused(t, await forge(token, { secret }), "another key");
    }
  }, ENV));

const BAD_CLAIMS: Record<string, Record<string, unknown>> = {
  "of another issuer": { iss: "somebody" },
  "of two issuers, one of them ours": { iss: ["puffintalk", "somebody"] },
  "of an issuer in other letters": { iss: "PuffinTalk" },
  "without an issuer": { iss: undefined },
  "for another audience": { aud: "somebody" },
  "for an audience that is ours and more": { aud: "puffintalk.example" },
  "for nobody": { aud: [] },
  "without an audience": { aud: undefined },
  "without a session": { sid: undefined },
  "of an unknown session": { sid: "unknown" },
  "of a session that is a number": { sid: 1 },
  "of an empty session": { sid: "" },
  "of a session of NULs": { sid: "\0".repeat(22) },
  "without an end": { exp: undefined },
  "that has ended": { exp: nowS() - 1 },
  "that ends in words": { exp: "tomorrow" },
  "that ends never": { exp: null },
  "that begins later": { nbf: nowS() + HOUR_S },
  "without a user": { sub: undefined },
  "of another user": { sub: "4711" },
  "of no user": { sub: "ann" },
  "of a user in words": { sub: "" },
  "of a user and a half": { sub: "1.5" },
};

Deno.test("a token whose claims are not ours is 401, however well it is signed", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const [name, claims] of Object.entries(BAD_CLAIMS)) {
      await isRefused(t, await forge(token, { claims }), `a token ${name}`);
    }
    const { sub } = decodeJwt(token);
    for (const spelling of [`0${sub}`, ` ${sub}`, `+${sub}`, `${sub}.0`, `0x${sub}`, Number(sub)]) {
      await isRefused(t, await forge(token, { claims: { sub: spelling } }), `a token of user ${spelling}`);
    }
    succeeded(await t.call("GET", "/api/contacts", { token }));
  }, ENV));

Deno.test("a token of one user for the session of another is 401, even if both were checked a moment ago", () =>
  withApp(async (t) => {
    const ann = await t.signUp(ANN);
    const bob = await t.signUp(BOB);
    const { sub } = decodeJwt(bob.token);
    const mixed = await forge(ann.token, { claims: { sub } });
    for (const _ of [1, 2, 3]) {
      succeeded(await t.call("GET", "/api/contacts", { token: ann.token }));
      await isRefused(t, mixed, "a token of Bob for Ann's session");
    }
  }, ENV));

Deno.test("garbage is 401", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const [header, payload, signature] = token.split(".") as [string, string, string];
    const garbage = [
      "x",
      "..",
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature}.${signature}`,
      `${header}.${payload}.${signature.split("").reverse().join("")}`,
      `${header}.${payload}x.${signature}`,
      `${header}.${header}.${signature}`,
      `${token}${token}`,
      `${token}=`,
      // Decodes to the same 32 bytes: only a padding bit differs.
      token.slice(0, -1) + LETTERS[LETTERS.indexOf(token.at(-1)!) + 1],
      "a".repeat(6_000),
    ];
    for (const some of garbage) await isRefused(t, some, some);
    const headers = [
      "",
      "Bearer",
      "Bearer ",
      `Basic ${token}`,
      token,
      `Bearer ${token} x`,
      `Bearer "${token}"`,
    ];
    for (const authorization of headers) {
      refused(await t.call("GET", "/api/contacts", { headers: { authorization } }), 401, "unauthenticated");
    }
    refused(await t.call("GET", "/api/contacts"), 401, "unauthenticated");
  }, ENV));

Deno.test("a token is refused after its end although it was verified before", async () => {
  const tokens = createTokens([SECRET]);
  const endMs = Date.UTC(2026, 0, 31);
  const token = await tokens.sign({ user_id: 1, session_id: "s".repeat(22), expires_at: new Date(endMs) });
  for (const again of [1, 2]) {
    ok(await tokens.verify(token, new Date(endMs - again)));
    equal(await tokens.verify(token, new Date(endMs)), null);
  }
});

Deno.test("two tokens of one session are never the same", async () => {
  const tokens = createTokens([SECRET]);
  const claims = { user_id: 1, session_id: "s", expires_at: new Date() };
  const made = await Promise.all(Array.from({ length: 20 }, () => tokens.sign(claims)));
  equal(new Set(made).size, 20);
});
