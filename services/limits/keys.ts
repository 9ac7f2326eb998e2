import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import { deriveKey } from "../secrets.ts";

/** Makes the name under which something is counted, from which it cannot be read back. */
export type LimitKeys = (text: string) => string;

const NAME_BYTES = 16;
/**
 * Names made lately are kept: whoever does something limited does it again soon, and to make a name takes as long as all else
 * that is done for a limit. What was named (a number, an address) is only ever in memory, as it is while a request lasts.
 */
const NAMES_MAX = 10_000;
const NAMES_KEPT_MS = 10 * 60_000;

/**
 * Names by HMAC-SHA-256 under a key of its own, which is derived from the first of the secrets: phone numbers and
 * addresses are too few for a bare hash. With another first secret all counts start anew.
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
