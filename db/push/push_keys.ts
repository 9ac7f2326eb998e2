// The VAPID key pair that the service generated, sealed with each of the server's secrets.

import type { Sql } from "../connection/database.ts";

export interface SealedKey {
  /** The id of the secret that opens it. */
  sealed_by: string;
  public_key: string;
  sealed: Uint8Array;
}

/** The rows that these secrets can open. Locks the table until the transaction ends. */
export async function lockSealedKeys(sql: Sql, sealedBy: string[]): Promise<SealedKey[]> {
  await sql`lock table push_keys in exclusive mode`;
  return await sql<SealedKey[]>`
    select sealed_by, public_key, sealed
    from push_keys
    where sealed_by = any(${sealedBy}::text[])`;
}

export async function insertSealedKey(sql: Sql, key: SealedKey): Promise<void> {
  await sql`
    insert into push_keys (sealed_by, public_key, sealed)
    values (${key.sealed_by}, ${key.public_key}, ${key.sealed})`;
}
