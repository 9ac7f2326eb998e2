// Addresses that open one media for a while, for players that can send no header: a signature instead of a token, so
// that what a player logs or shares gives away nothing else.

import { Buffer } from "node:buffer";
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

const LIFETIME_MS = 10 * 60 * 1000;

export interface Signature {
  /** Seconds since 1970. */
  expires: number;
  signature: string;
}

export type MediaLinks = ReturnType<typeof createMediaLinks>;

/** The first secret signs, all verify. */
export function createMediaLinks({ secrets, now }: { secrets: readonly string[]; now: () => Date }) {
  const keys = secrets.map((secret) =>
    Buffer.from(hkdfSync("sha256", secret, "", "puffintalk media link", 32))
  );

  function sign(id: number): Signature & { expires_at: Date } {
    const expires = Math.floor((now().getTime() + LIFETIME_MS) / 1000);
    return { expires, signature: mac(keys[0]!, id, expires), expires_at: new Date(expires * 1000) };
  }

  function isValid(id: number, { expires, signature }: Signature): boolean {
    if (expires * 1000 <= now().getTime()) return false;
    const given = Buffer.from(signature);
    return keys.some((key) => {
      const expected = Buffer.from(mac(key, id, expires));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  }

  return { sign, isValid };
}

function mac(key: Buffer, id: number, expires: number): string {
  return createHmac("sha256", key).update(`${id}|${expires}`).digest("base64url");
}
