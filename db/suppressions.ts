import type { Sql } from "./database.ts";

export async function isSuppressed(sql: Sql, phone: string): Promise<boolean> {
  const rows = await sql`
    select 1
    from suppressions
    where phone_number = ${phone}`;
  return rows.length > 0;
}

/** Stops every SMS to a number whose carrier reported STOP. */
export async function suppress(sql: Sql, phone: string, now: Date): Promise<void> {
  await sql`
    insert into suppressions (phone_number, reason, created_at)
    values (${phone}, 'carrier_stop', ${now})
    on conflict (phone_number) do nothing`;
}
