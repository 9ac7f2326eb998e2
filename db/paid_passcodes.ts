// Passcodes that were paid for, and whether their code came back.

import type { Sql } from "./connection/database.ts";

export interface PaidPasscode {
  sent_at: Date;
  verified: boolean;
}

/** Lets nobody else look at the prefix, until the transaction ends. */
export async function lockPrefix(sql: Sql, prefix: string): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended(${prefix}, 0))`;
}

/** The last so many that went to a prefix, newest first. */
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

/** Forgets the one that was to go out at this moment, and did not. */
export async function deletePaid(sql: Sql, { nonce, at }: { nonce: Uint8Array; at: Date }): Promise<void> {
  await sql`
    delete from paid_passcodes
    where nonce = ${nonce} and sent_at = ${at}::timestamptz(3) and not verified`;
}

/** The code came back: of every SMS that carried it. */
export async function verifyPaid(sql: Sql, nonce: Uint8Array): Promise<void> {
  await sql`
    update paid_passcodes
    set verified = true
    where nonce = ${nonce} and not verified`;
}
