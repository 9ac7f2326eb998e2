// The key pair by which push services know us (VAPID, RFC 8292). A browser subscribes with the public key, and nobody
// without the private one can wake it: so the pair has to stay for as long as subscriptions do, longer than a secret.

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createECDH, randomBytes } from "node:crypto";
import type { Database } from "../../db/connection/database.ts";
import { insertSealedKey, lockSealedKeys, type SealedKey } from "../../db/push/push_keys.ts";
import { deriveKey } from "../secrets.ts";

/** Of P-256, in base64url: the uncompressed point, the 32 bytes of the scalar. */
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
 * The configured pair, or one that is made once and kept in the database, sealed with every secret of the list. As long
 * as a list has one secret in common with the list before, the pair stays; with none, all sessions are over as well.
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
  // Leading zeros are left out of what node:crypto gives.
  const scalar = Buffer.concat([Buffer.alloc(32), curve.getPrivateKey()]).subarray(-32);
  return { public_key, private_key: scalar.toString("base64url") };
}

/** A key of a server secret, and a name for it that gives nothing away. */
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

/** Throws where the row is not what was sealed. */
function open({ key }: Lock, { public_key, sealed }: SealedKey): PushPair {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce)
    .setAAD(Buffer.from(public_key))
    .setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
  return { public_key, private_key: Buffer.concat([text, decipher.final()]).toString("base64url") };
}
