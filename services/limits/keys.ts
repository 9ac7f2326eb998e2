import { LRUCache } from "lru-cache";
import { createHmac } from "node:crypto";
import { deriveKey } from "../secrets.ts";

/** Turns a text, such as a phone number, into a limit key from which it cannot be recovered. */
export type LimitKeys = (text: string) => string;

const NAME_BYTES = 16;
/**
 * Recent keys are cached: a client that does something limited soon does it again, and computing the key
 * takes as long as everything else done for a limit. The cache holds the texts (numbers, addresses) in memory
 * only and never writes them anywhere.
 */
const NAMES_MAX = 10_000;
const NAMES_KEPT_MS = 10 * 60_000;

/**
 * Keys by HMAC-SHA-256 with a key derived from the first secret: phone numbers and addresses are too few for
 * a bare hash. With another first secret all counts start anew.
 */
export function createLimitKeys([secret]: readonly string[]): LimitKeys {
  const key = deriveKey(secret!, "limit key");
  const names = new LRUCache<string, string>({ max: NAMES_MAX, ttl: NAMES_KEPT_MS });

  function nameOf(text: string): string {
    return createHmac("sha256", key).update(text).digest().subarray(0, NAME_BYTES).toString("base64url");
  }

  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = nameOf(text);
    names.set(text, name);
    return name;
  };
}
