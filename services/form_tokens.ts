// Tokens that prove that a form came from one of our pages: each is valid for one step of one link, and for a
// limited time. No cookie is involved, so another site's page has none to ride on (CSRF).

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey } from "./secrets.ts";

/** Long enough for a late SMS and a person who has to find their reading glasses. */
const LIFETIME_MS = 2 * 60 * 60 * 1000;

export type FormTokens = ReturnType<typeof createFormTokens>;

/** The key is derived from the first secret; after a change of secrets, open pages have to be reloaded. */
export function createFormTokens({ secrets, now }: { secrets: readonly string[]; now: () => Date }) {
  const key = deriveKey(secrets[0]!, "form token");

  function mac(link: string, step: string, expires: number): string {
    return createHmac("sha256", key).update(JSON.stringify([link, step, expires])).digest("base64url");
  }

  function make(link: string, step: string): string {
    const expires = now().getTime() + LIFETIME_MS;
    return `${expires}.${mac(link, step, expires)}`;
  }

  function isValid(token: string, link: string, step: string): boolean {
    const [, digits, given] = token.match(/^(\d{1,15})\.([\w-]{43})$/) ?? [];
    if (digits === undefined || given === undefined || Number(digits) <= now().getTime()) return false;
    const expected = mac(link, step, Number(digits));
    return timingSafeEqual(Buffer.from(expected), Buffer.from(given));
  }

  return { make, isValid };
}
