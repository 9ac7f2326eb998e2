// JWTs by jose, HS256 only. A token identifies a session and says nothing about the person.

import { jwtVerify, SignJWT } from "jose";
import { RANDOM_NAME } from "../random_names.ts";
import { createRecent } from "../recent.ts";

const ISSUER = "puffintalk";
const AUDIENCE = "puffintalk";
/** The signature: 32 bytes in base64url, in their only canonical spelling (no padding, unused bits zero). */
const SIGNED = /\.[\w-]{42}[AEIMQUYcgkosw048]$/;
const USER_ID = /^[1-9]\d{0,15}$/;
const VERIFIED_MAX = 20_000;
const VERIFIED_KEPT_MS = 60_000;

export interface Claims {
  user_id: number;
  session_id: string;
  /** When the token expires: the end of its session at the time of signing. */
  expires_at: Date;
}

export interface Tokens {
  sign(claims: Claims): Promise<string>;
  /** Null unless it is a valid and unexpired token of ours. */
  verify(token: string, now: Date): Promise<Claims | null>;
  /** The claims of a recently verified token, without verifying it again; null for any other. */
  recall(token: string, now: Date): Claims | null;
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && form.test(value);
}

/** The first secret signs, all of them verify, so that secrets can be rotated without signing anybody out. */
export function createTokens(secrets: readonly string[]): Tokens {
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  // A valid signature stays valid, so the token of a busy client is not verified again for every request.
  const verified = createRecent<Claims>({ turnMs: VERIFIED_KEPT_MS, max: VERIFIED_MAX });

  async function verifyWith(key: Uint8Array, token: string, now: Date): Promise<Claims | null> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ["exp", "sub", "sid"],
        currentDate: now,
      });
      const { sub, sid } = payload;
      if (!isText(sub, USER_ID) || !isText(sid, RANDOM_NAME)) return null;
      const userId = Number(sub);
      if (!Number.isSafeInteger(userId)) return null;
      return { user_id: userId, session_id: sid, expires_at: new Date(payload.exp! * 1000) };
    } catch {
      return null;
    }
  }

  function recall(token: string, now: Date): Claims | null {
    const known = verified.get(token);
    return known && known.expires_at > now ? known : null;
  }

  return {
    sign: ({ user_id, session_id, expires_at }) =>
      new SignJWT({ sid: session_id })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(String(user_id))
        .setIssuedAt()
        .setJti(crypto.randomUUID())
        .setExpirationTime(expires_at)
        .sign(keys[0]!),

    recall,

    async verify(token, now) {
      if (verified.get(token)) return recall(token, now);
      if (!SIGNED.test(token)) return null;
      for (const key of keys) {
        const claims = await verifyWith(key, token, now);
        if (!claims) continue;
        verified.set(token, claims);
        return claims;
      }
      return null;
    },
  };
}
