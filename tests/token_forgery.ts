// Forged tokens: like ours except for one thing.

import { decodeJwt, SignJWT } from "jose";
import { Buffer } from "node:buffer";
import { equal } from "./assert.ts";

import { refused, type TestApp } from "./support.ts";

/** Long enough for HS512, so that a token of another algorithm is wrong in its `alg` alone. */
export const SECRET = "a secret of the tests of sixty-four bytes which HS384 and HS512 take as a key";
export const OTHER = "a secret of nobody else of 32 bytes or more";
export const ENV = { env: { JWT_SECRET: SECRET } };

export interface Forgery {
  alg?: string;
  secret?: string;
  claims?: Record<string, unknown>;
}

export function nowS(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A token of this session with these changes; a claim of undefined is left out. */
export function forge(
  token: string,
  { alg = "HS256", secret = SECRET, claims = {} }: Forgery = {},
): Promise<string> {
  const payload = JSON.parse(JSON.stringify({ ...decodeJwt(token), ...claims }));
  return new SignJWT(payload).setProtectedHeader({ alg, typ: "JWT" }).sign(new TextEncoder().encode(secret));
}

/** A token of this session without a signature. */
export function unsigned(token: string, alg: string): string {
  const header = Buffer.from(JSON.stringify({ alg, typ: "JWT" })).toString("base64url");
  return `${header}.${token.split(".")[1]}.`;
}

export async function isRefused(t: TestApp, token: string, what: string): Promise<void> {
  const answer = await t.call("GET", "/api/contacts", { token });
  equal(answer.status, 401, what);
  refused(answer, 401, "unauthenticated");
}

/** A token of this session with another header, signed by `sign`. */
export async function signedAs(
  token: string,
  header: Record<string, unknown>,
  sign: (bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>,
): Promise<string> {
  const head = `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${token.split(".")[1]}`;
  const signature = await sign(new TextEncoder().encode(head));
  return `${head}.${Buffer.from(signature).toString("base64url")}`;
}

export async function hmac(
  secret: string,
): Promise<(bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>> {
  const key = new TextEncoder().encode(secret);
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  return (bytes) => crypto.subtle.sign("HMAC", imported, bytes);
}
