// Passcodes are not stored but derived, so that a leak of the database reveals none and a resend can repeat one.

import { Buffer } from "node:buffer";
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Purpose } from "../db/passcodes.ts";

export const PASSCODE_LENGTH = 6;

/** What a code is derived from, beside the key. */
export interface ChallengeSeed {
  phone_number: string;
  purpose: Purpose;
  nonce: Uint8Array;
  key_id: string;
}

export interface PasscodeKeys {
  /** The id of the key that new challenges use. */
  readonly currentId: string;
  /** The code of a challenge; null when its key is not known any more. */
  derive(seed: ChallengeSeed): string | null;
}

/**
 * One key for each server secret, by HKDF-SHA-256 (RFC 5869) under a label of its own. The first secret makes new
 * codes; the codes of the others stay good, so that a rotated secret kills no live code.
 */
export function createPasscodeKeys(secrets: readonly string[]): PasscodeKeys {
  const keys = new Map(
    secrets.map((secret) => [expand(secret, "passcode key id", 8).toString("hex"), secret]),
  );
  const derived = new Map([...keys].map(([id, secret]) => [id, expand(secret, "passcode key", 32)]));
  const [currentId] = derived.keys();
  if (currentId === undefined) throw new Error("Cannot derive passcodes: there is no secret");
  return {
    currentId,
    derive({ phone_number, purpose, nonce, key_id }) {
      const key = derived.get(key_id);
      if (!key) return null;
      const mac = createHmac("sha256", key).update(`${phone_number}|${purpose}|`).update(nonce).digest();
      // 64 bits taken modulo a million are even to within 10^-13.
      const number = mac.readBigUInt64BE() % 10n ** BigInt(PASSCODE_LENGTH);
      return number.toString().padStart(PASSCODE_LENGTH, "0");
    },
  };
}

/** Compares in a time that tells nothing of where two codes differ. */
export function isSameCode(expected: string, given: string): boolean {
  const [a, b] = [new TextEncoder().encode(expected), new TextEncoder().encode(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function expand(secret: string, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `puffintalk ${label}`, bytes));
}
