// Passcodes whose SMS was paid for, and whether their code came back.

import type { Sql } from "./connection/database.ts";

export interface PaidPasscode {
  sent_at: Date;
  verified: boolean;
}

/** Locks the prefix until the transaction ends. */
export async function lockPrefix(sql: Sql, prefix: string): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended(${prefix}, 0))`;
}

/** The last `count` passcodes sent to a prefix, newest first. */
export async function listLatest(sql: Sql, prefix: string, count: number): Promise<PaidPasscode[]> {
  return await sql<PaidPasscode[]>`
    select sent_at, verified
    from paid_passcodes
    where prefix = ${prefix}
    order by id desc
    limit ${count}`;
}

export async function insertPaid(
  sql: Sql,
  { prefix, nonce, at }: { prefix: string; nonce: Uint8Array; at: Date },
): Promise<void> {
  await sql`
    insert into paid_passcodes (prefix, nonce, sent_at)
    values (${prefix}, ${nonce}, ${at})`;
}

/** Deletes the entry of a send that did not go out. */
export async function deletePaid(sql: Sql, { nonce, at }: { nonce: Uint8Array; at: Date }): Promise<void> {
  await sql`
    delete from paid_passcodes
    where nonce = ${nonce} and sent_at = ${at}::timestamptz(3) and not verified`;
}

/** Marks every SMS that carried this code as verified. */
export async function verifyPaid(sql: Sql, nonce: Uint8Array): Promise<void> {
  await sql`
    update paid_passcodes
    set verified = true
    where nonce = ${nonce} and not verified`;
}
