// Signed addresses that open one media file for a while, for players that cannot send headers. A signature
// replaces the token, so that whatever a player logs or shares reveals nothing else.

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey } from "../secrets.ts";

const LIFETIME_MS = 10 * 60 * 1000;

export interface Signature {
  /** Unix time in seconds. */
  expires: number;
  signature: string;
}

/** Characters of the tag that identifies the signer. */
const TAG_LETTERS = 11;

export type MediaLinks = ReturnType<typeof createMediaLinks>;

/** The first secret signs, all of them verify. */
export function createMediaLinks({ secrets, now }: { secrets: readonly string[]; now: () => Date }) {
  const keys = secrets.map((secret) => deriveKey(secret, "media link"));

  /** Identifies a person by a tag that reveals nothing about them. */
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

  /** The tag of the signer; null if the signature is invalid or expired. */
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
