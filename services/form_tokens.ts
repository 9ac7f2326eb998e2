// What proves that a form is one of ours: a token in every form of a page, good for one step of one link and for a
// while. No cookie is involved, so there is none that somebody else's page could ride on.

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey } from "./secrets.ts";

/** Long enough for an SMS that is late and a person who looks for reading glasses. */
const LIFETIME_MS = 2 * 60 * 60 * 1000;

export type FormTokens = ReturnType<typeof createFormTokens>;

/** The key is made from the first secret; where secrets change, open pages have to be loaded again. */
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
