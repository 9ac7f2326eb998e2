// The header of a token, and how it was signed: only HS256 with one of our secrets is accepted.

import { decodeJwt, EncryptJWT, exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { Buffer } from "node:buffer";

import { ANN, succeeded, withApp } from "./support.ts";
import { ENV, forge, hmac, isRefused, OTHER, SECRET, signedAs } from "./token_forgery.ts";

Deno.test("a header signed like ours is accepted, so those below fail for what they say", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const same = await signedAs(token, { alg: "HS256", typ: "JWT" }, await hmac(SECRET));
    succeeded(await t.call("GET", "/api/contacts", { token: same }));
  }, ENV));

Deno.test("a token signed by our key is 401 if its header says anything but HS256, however it is spelt", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const sign = await hmac(SECRET);
    const algorithms = [
      ...[
        "hs256",
        "Hs256",
        "HS256 ",
        "HS-256",
        "HMAC",
        "none",
        "NONE",
        "nOnE",
        "",
        "RS256",
        "PS256",
        "ES256",
      ],
      ...["EdDSA", "dir", "A256KW", "HS384", "HS512", null, 256, ["HS256"], { HS256: 1 }, undefined],
    ];
    for (const alg of algorithms) {
      await isRefused(t, await signedAs(token, { alg, typ: "JWT" }, sign), JSON.stringify(alg) ?? "no alg");
    }
  }, ENV));

Deno.test("a token is 401 if it is signed by another kind of key, or by a key that it contains or names", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const payload = decodeJwt(token);
    await isRefused(
      t,
      await new SignJWT(payload).setProtectedHeader({ alg: "RS256" }).sign(privateKey),
      "RS256",
    );
    const jwk = await exportJWK(publicKey);
    await isRefused(
      t,
      await new SignJWT(payload).setProtectedHeader({ alg: "RS256", jwk }).sign(privateKey),
      "RS256 with its jwk",
    );
    const pem = await exportSPKI(publicKey);
    await isRefused(t, await forge(token, { secret: pem }), "a public key as the secret");

    const sign = await hmac(OTHER);
    const k = Buffer.from(OTHER).toString("base64url");
    const headers = [
      { jwk: { kty: "oct", k } },
      { jku: "http://127.0.0.1:9/keys" },
      { x5u: "http://127.0.0.1:9/keys" },
      { x5c: [Buffer.from(OTHER).toString("base64")] },
      { kid: "../../dev/null" },
      { kid: "' union select 'x" },
    ];
    for (const header of headers) {
      const forged = await signedAs(token, { alg: "HS256", ...header }, sign);
      await isRefused(t, forged, JSON.stringify(header));
    }
    await isRefused(t, await forge(token, { secret: "\0".repeat(32) }), "a key of zeros");
  }, ENV));

Deno.test("a token is 401 if it requires unknown extensions, or is encrypted", () =>
  withApp(async (t) => {
    const { token } = await t.signUp(ANN);
    const sign = await hmac(SECRET);
    const critical = { alg: "HS256", crit: ["x"], x: 1 };
    await isRefused(t, await signedAs(token, critical, sign), "crit");
    await isRefused(t, await signedAs(token, { alg: "HS256", crit: ["b64"], b64: false }, sign), "b64");
    const key = new TextEncoder().encode(SECRET).slice(0, 32);
    const encrypted = await new EncryptJWT(decodeJwt(token)).setProtectedHeader({
      alg: "dir",
      enc: "A256GCM",
    })
      .encrypt(key);
    await isRefused(t, encrypted, "encrypted");
  }, ENV));
