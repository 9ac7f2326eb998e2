// Numbers that do not want SMS from us.

import type { Sql } from "./connection/database.ts";

/** A carrier's STOP blocks every SMS to the number; "never invite me again" blocks only invitations. */
export type Suppression = "carrier_stop" | "no_invitations";

/** Whether every SMS to the number is blocked. */
export async function isSuppressed(sql: Sql, phone: string): Promise<boolean> {
  return (await listSuppressions(sql, phone)).includes("carrier_stop");
}

export async function listSuppressions(sql: Sql, phone: string): Promise<Suppression[]> {
  const rows = await sql<{ reason: Suppression }[]>`
    select reason
    from suppressions
    where phone_number = ${phone}`;
  return rows.map(({ reason }) => reason);
}

export async function suppress(sql: Sql, phone: string, reason: Suppression, now: Date): Promise<void> {
  await sql`
    insert into suppressions (phone_number, reason, created_at)
    values (${phone}, ${reason}, ${now})
    on conflict (phone_number, reason) do nothing`;
}

export async function unsuppress(sql: Sql, phone: string, reason: Suppression): Promise<void> {
  await sql`
    delete from suppressions
    where phone_number = ${phone} and reason = ${reason}`;
}
