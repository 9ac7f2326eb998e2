import { createHmac, hkdfSync } from "node:crypto";

/** A name for what is counted, in which nothing of it can be read. */
export type LimitKeys = (text: string) => string;

const NAME_BYTES = 16;

/**
 * Names by HMAC-SHA-256 under a key of its own, which is derived from the first of the secrets (HKDF, RFC 5869): phone
 * numbers and addresses are too few for a bare hash. With another first secret all counts start anew.
 */
export function createLimitKeys([secret]: readonly string[]): LimitKeys {
  if (secret === undefined) throw new Error("Cannot derive the names of limits: there is no secret");
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "puffintalk limit key", 32));
  return (text) =>
    createHmac("sha256", key).update(text).digest().subarray(0, NAME_BYTES).toString("base64url");
}
