import type { Sql } from "./database.ts";

/** Resolves when the database answers a query. */
export async function ping(sql: Sql): Promise<void> {
  await sql`select 1`;
}
