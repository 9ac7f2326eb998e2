// The key pair that identifies us to push services (VAPID, RFC 8292). Browsers subscribe with the public key
// and can only be woken with the private one. So the pair has to live as long as the subscriptions, which is
// longer than a server secret.

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createECDH, randomBytes } from "node:crypto";
import type { Database } from "../../db/connection/database.ts";
import { insertSealedKey, lockSealedKeys, type SealedKey } from "../../db/push/push_keys.ts";
import { deriveKey } from "../secrets.ts";

/** A P-256 pair in base64url: the uncompressed point, and the 32 bytes of the scalar. */
export interface PushPair {
  public_key: string;
  private_key: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface PushKeys {
  pair(): Promise<PushPair>;
}

/**
 * The configured pair, or one that is generated once and kept in the database, sealed with each server
 * secret. The pair stays as long as each new list of secrets shares one with the list before; with none in
 * common, all sessions have ended as well.
 */
export function createPushKeys(
  { database, secrets, configured }: {
    database: Database;
    secrets: readonly string[];
    configured: PushPair | null;
  },
): PushKeys {
  let kept: Promise<PushPair> | null = configured && Promise.resolve(configured);

  async function load(): Promise<PushPair> {
    const locks = secrets.map(lockOf);
    return await database.begin(async (sql) => {
      const found = await lockSealedKeys(sql, locks.map(({ id }) => id));
      const known = new Map(found.map((row) => [row.sealed_by, row]));
      const opening = locks.find(({ id }) => known.has(id));
      const pair = opening ? open(opening, known.get(opening.id)!) : makePair();
      for (const lock of locks) {
        if (!known.has(lock.id)) await insertSealedKey(sql, seal(lock, pair));
      }
      return pair;
    });
  }

  return {
    pair: () =>
      kept ??= load().catch((error) => {
        kept = null;
        throw error;
      }),
  };
}

export function makePair(): PushPair {
  const curve = createECDH("prime256v1");
  const public_key = curve.generateKeys("base64url");
  // node:crypto leaves out leading zeros.
  const scalar = Buffer.concat([Buffer.alloc(32), curve.getPrivateKey()]).subarray(-32);
  return { public_key, private_key: scalar.toString("base64url") };
}

/** A sealing key derived from a server secret, and an id for it that reveals nothing. */
interface Lock {
  id: string;
  key: Buffer;
}

function lockOf(secret: string): Lock {
  return { id: deriveKey(secret, "push key id", 8).toString("hex"), key: deriveKey(secret, "push key") };
}

function seal({ id, key }: Lock, { public_key, private_key }: PushPair): SealedKey {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(public_key));
  const text = Buffer.concat([cipher.update(private_key, "base64url"), cipher.final()]);
  return { sealed_by: id, public_key, sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]) };
}

/** @throws Error if the row was changed since it was sealed */
function open({ key }: Lock, { public_key, sealed }: SealedKey): PushPair {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce)
    .setAAD(Buffer.from(public_key))
    .setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
  return { public_key, private_key: Buffer.concat([text, decipher.final()]).toString("base64url") };
}
