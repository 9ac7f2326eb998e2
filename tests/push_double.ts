// A double of a push service on a real port, as strict as real ones: it refuses what is not signed for it
// (RFC 8292) or not encrypted (RFC 8291). Also the browsers that subscribe with it, each with a key pair of
// its own.

import { importJWK, jwtVerify } from "jose";
import { Buffer } from "node:buffer";
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";

export interface Push {
  path: string;
  headers: Headers;
  body: Uint8Array;
  /** The public VAPID key of the signature. */
  key: string;
  /** The claims of the signature. */
  claims: { aud?: string; exp?: number; sub?: string };
}

export interface Browser {
  path: string;
  /** What PushSubscription.toJSON() gives. */
  subscription: { endpoint: string; expirationTime: number | null; keys: { p256dh: string; auth: string } };
  /** The decrypted pushes it received, oldest first. */
  read(): string[];
}

export interface PushDouble {
  /** For PUSH_HOSTS. */
  origin: string;
  /** All pushes, accepted or answered otherwise, oldest first. */
  pushes: Push[];
  /** The reasons for its own refusals. */
  refusals: string[];
  /** The largest number of concurrent pushes. */
  atOnceMax: number;
  /** The next `times` pushes, one by default, are answered like this. */
  answer(next: (push: Push) => Response | Promise<Response>, times?: number): void;
  browser(): Browser;
  close(): Promise<void>;
}

export function startPushDouble(): PushDouble {
  const pushes: Push[] = [];
  const refusals: string[] = [];
  const answers: ((push: Push) => Response | Promise<Response>)[] = [];
  const stopping = new AbortController();
  let atOnce = 0;

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal: stopping.signal, onListen: () => {} },
    async (request) => {
      double.atOnceMax = Math.max(double.atOnceMax, ++atOnce);
      try {
        return await receive(request);
      } finally {
        atOnce -= 1;
      }
    },
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;

  async function receive(request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const signed = await readSignature(request.headers.get("authorization"), origin);
    const { headers, method } = request;
    const wrong = typeof signed === "string"
      ? signed
      : method !== "POST"
      ? "is no POST"
      : headers.get("content-encoding") !== "aes128gcm"
      ? "is not encrypted"
      : !/^\d+$/.test(headers.get("ttl") ?? "")
      ? "has no TTL"
      : null;
    if (wrong !== null || typeof signed === "string") {
      refusals.push(wrong!);
      return new Response(wrong, { status: 400 });
    }
    const push = { path: new URL(request.url).pathname, headers, body, ...signed };
    pushes.push(push);
    return await answers.shift()?.(push) ?? new Response(null, { status: 201 });
  }

  const double: PushDouble = {
    origin,
    pushes,
    refusals,
    atOnceMax: 0,
    answer: (next, times = 1) => void answers.push(...Array.from({ length: times }, () => next)),
    browser: () => createBrowser(origin, pushes),
    async close() {
      stopping.abort();
      await server.finished;
    },
  };
  return double;
}

function createBrowser(origin: string, pushes: Push[]): Browser {
  const curve = createECDH("prime256v1");
  const p256dh = curve.generateKeys("base64url");
  const auth = randomBytes(16);
  const path = `/push/${randomBytes(16).toString("base64url")}`;
  return {
    path,
    subscription: {
      endpoint: origin + path,
      expirationTime: null,
      keys: { p256dh, auth: auth.toString("base64url") },
    },
    read: () => pushes.filter((push) => push.path === path).map(({ body }) => decrypt(body)),
  };

  /** RFC 8291, section 3.4, over RFC 8188, for one record. */
  function decrypt(body: Uint8Array): string {
    const [salt, sender] = [body.subarray(0, 16), body.subarray(21, 21 + body[20]!)];
    const sealed = body.subarray(21 + sender.length);
    const expand = (secret: Uint8Array, salt: Uint8Array, label: string | Uint8Array, bytes: number) =>
      new Uint8Array(hkdfSync("sha256", secret, salt, label, bytes));
    const about = Buffer.concat([Buffer.from("WebPush: info\0"), curve.getPublicKey(), sender]);
    const secret = expand(curve.computeSecret(sender), auth, about, 32);
    const key = expand(secret, salt, "Content-Encoding: aes128gcm\0", 16);
    const nonce = expand(secret, salt, "Content-Encoding: nonce\0", 12);
    const decipher = createDecipheriv("aes-128-gcm", key, nonce).setAuthTag(sealed.subarray(-16));
    const text = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    return text.subarray(0, text.lastIndexOf(2)).toString();
  }
}

/** The key and the claims; or what is wrong with the signature. */
async function readSignature(
  header: string | null,
  audience: string,
): Promise<Pick<Push, "key" | "claims"> | string> {
  const [, token, key] = header?.match(/^vapid t=([\w.-]+), k=([\w-]{87})$/) ?? [];
  if (token === undefined || key === undefined) return "is not signed";
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33).toString("base64url"), point.subarray(33).toString("base64url")];
  try {
    const publicKey = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
    const { payload } = await jwtVerify(token, publicKey, {
      algorithms: ["ES256"],
      audience,
    });
    return payload.exp && payload.sub ? { key, claims: payload as Push["claims"] } : "lacks claims";
  } catch (error) {
    return `is badly signed: ${error}`;
  }
}
