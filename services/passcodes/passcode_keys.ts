// Passcodes are derived, not stored: a leaked database reveals none, and a resend can repeat the same code.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Purpose } from "../../db/passcodes.ts";
import { deriveKey } from "../secrets.ts";

export const PASSCODE_LENGTH = 6;

/** What a code is derived from, in addition to the key. */
export interface ChallengeSeed {
  phone_number: string;
  purpose: Purpose;
  nonce: Uint8Array;
  key_id: string;
}

export interface PasscodeKeys {
  /** The id of the key that new challenges use. */
  readonly currentId: string;
  /** The code of a challenge; null if its key is no longer configured. */
  derive(seed: ChallengeSeed): string | null;
}

/**
 * One key per server secret. The first secret makes new codes. Codes of the others stay valid, so that
 * rotating secrets invalidates no live code.
 * @throws Error without a secret
 */
export function createPasscodeKeys(secrets: readonly string[]): PasscodeKeys {
  const keys = new Map(
    secrets.map((secret) => [
      deriveKey(secret, "passcode key id", 8).toString("hex"),
      deriveKey(secret, "passcode key"),
    ]),
  );
  const [currentId] = keys.keys();
  if (currentId === undefined) throw new Error("Cannot derive passcodes: there is no secret");
  return {
    currentId,
    derive({ phone_number, purpose, nonce, key_id }) {
      const key = keys.get(key_id);
      if (!key) return null;
      const mac = createHmac("sha256", key).update(`${phone_number}|${purpose}|`).update(nonce).digest();
      // 64 bits modulo a million are uniform to within 10^-13.
      const number = mac.readBigUInt64BE() % 10n ** BigInt(PASSCODE_LENGTH);
      return number.toString().padStart(PASSCODE_LENGTH, "0");
    },
  };
}

/** Compares in constant time, so that timing does not reveal where two codes differ. */
export function isSameCode(expected: string, given: string): boolean {
  const [a, b] = [new TextEncoder().encode(expected), new TextEncoder().encode(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
