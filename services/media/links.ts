// Addresses that open one media for a while, for players that can send no header: a signature instead of a token, so
// that what a player logs or shares gives away nothing else.

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey } from "../secrets.ts";

const LIFETIME_MS = 10 * 60 * 1000;

export interface Signature {
  /** Seconds since 1970. */
  expires: number;
  signature: string;
}

/** Letters that tell the people apart who sign, and nothing else of them. */
const TAG_LETTERS = 11;

export type MediaLinks = ReturnType<typeof createMediaLinks>;

/** The first secret signs, all verify. */
export function createMediaLinks({ secrets, now }: { secrets: readonly string[]; now: () => Date }) {
  const keys = secrets.map((secret) => deriveKey(secret, "media link"));

  /** Tells one person from another, and nothing else of either. */
  function tagOf(userId: number): string {
    return mac(keys[0]!, `by|${userId}`).slice(0, TAG_LETTERS);
  }

  function sign(id: number, userId: number): Signature & { expires_at: Date } {
    const expires = Math.floor((now().getTime() + LIFETIME_MS) / 1000);
    const tag = tagOf(userId);
    return {
      expires,
      signature: signatureOf(keys[0]!, id, expires, tag),
      expires_at: new Date(expires * 1000),
    };
  }

  /** The tag of whoever signed; null where nobody did, or too long ago. */
  function signerOf(id: number, { expires, signature }: Signature): string | null {
    if (expires * 1000 <= now().getTime()) return null;
    const given = Buffer.from(signature);
    const tag = signature.slice(0, TAG_LETTERS);
    const isValid = keys.some((key) => {
      const expected = Buffer.from(signatureOf(key, id, expires, tag));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
    return isValid ? tag : null;
  }

  return { tagOf, sign, signerOf };
}

function signatureOf(key: Buffer, id: number, expires: number, tag: string): string {
  return tag + mac(key, `${id}|${expires}|${tag}`);
}

function mac(key: Buffer, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}
