import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";

import { createTokens } from "../services/tokens.ts";
import { ANN, refused, succeeded, type TestApp, withApp } from "./support.ts";

const SECRET = "a secret of the tests of 32 bytes or more";
const OTHER = "a secret of nobody else of 32 bytes or more";
const ENV = { env: { JWT_SECRET: SECRET } };
const HOUR_S = 3_600;

interface Forgery {
  alg?: string;
  secret?: string;
  claims?: Record<string, unknown>;
}

function nowS(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A token of this session as ours are, but for the changes; a claim of undefined is left out. */
function forge(
  token: string,
  { alg = "HS256", secret = SECRET, claims = {} }: Forgery = {},
): Promise<string> {
  const payload = JSON.parse(JSON.stringify({ ...decodeJwt(token), ...claims }));
  return new SignJWT(payload).setProtectedHeader({ alg, typ: "JWT" }).sign(new TextEncoder().encode(secret));
}

/** The same without a signature. */
function unsigned(token: string, alg: string): string {
  const header = Buffer.from(JSON.stringify({ alg, typ: "JWT" })).toString("base64url");
  return `${header}.${token.split(".")[1]}.`;
}

async function isRefused(t: TestApp, token: string, what: string): Promise<void> {
  const answer = await t.call("GET", "/api/contacts", { token });
  equal(answer.status, 401, what);
  refused(answer, 401, "unauthenticated");
}

Deno.test("a token names a user and a session, and says nothing about the person", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const { iat, exp, jti, sid, sub, ...rest } = decodeJwt(token);

    deepEqual(decodeProtectedHeader(token), { alg: "HS256", typ: "JWT" });
    deepEqual(rest, { iss: "puffintalk", aud: "puffintalk" });
    deepEqual((await t.sql`select id, user_id from sessions`)[0], { id: sid, user_id: Number(sub) });
    ok(exp! > nowS() + 29 * 24 * HOUR_S && iat! <= nowS() && jti!.length > 0);
  }, ENV));

Deno.test("a forgery that changes nothing works, so that those below fail for what they change", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    succeeded(await t.call("GET", "/api/contacts", { token: await forge(token) }));
  }, ENV));

Deno.test("a token of another algorithm or key is 401", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const alg of ["HS384", "HS512"]) {
      await isRefused(t, await forge(token, { alg, secret: SECRET.padEnd(64) }), alg);
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
  "without an issuer": { iss: undefined },
  "for another audience": { aud: "somebody" },
  "without an audience": { aud: undefined },
  "without a session": { sid: undefined },
  "of an unknown session": { sid: "unknown" },
  "of a session that is a number": { sid: 1 },
  "of an empty session": { sid: "" },
  "without an end": { exp: undefined },
  "that has ended": { exp: nowS() - 1 },
  "that ends in words": { exp: "tomorrow" },
  "that begins later": { nbf: nowS() + HOUR_S },
  "without a user": { sub: undefined },
  "of another user": { sub: "4711" },
  "of no user": { sub: "ann" },
  "of a user in words": { sub: "" },
};

Deno.test("a token whose claims are not ours is 401, however well it is signed", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    for (const [name, claims] of Object.entries(BAD_CLAIMS)) {
      await isRefused(t, await forge(token, { claims }), `a token ${name}`);
    }
    succeeded(await t.call("GET", "/api/contacts", { token }));
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
  const token = await tokens.sign({ user_id: 1, session_id: "s", expires_at: new Date(endMs) });
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
