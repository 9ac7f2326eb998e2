import type { Sql } from "./connection/database.ts";

/** Of a user with a number; one that is deleted has none. */
export type UserStatus = "invited" | "active" | "suspended" | "leaving";

export interface User {
  id: number;
  phone_number: string;
  status: UserStatus;
}

export async function findUser(sql: Sql, phone: string): Promise<User | null> {
  const [user] = await sql<User[]>`
    select id, phone_number, status
    from users
    where phone_number = ${phone}`;
  return user ?? null;
}

/** Those of these users whose accounts are deleted. */
export async function listDeleted(sql: Sql, ids: number[]): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id
    from users
    where id = any(${ids}::bigint[]) and status = 'deleted'`;
  return rows.map(({ id }) => id);
}

/** The user of a number, and he stays what he is until the transaction ends. */
export async function holdUser(sql: Sql, phone: string): Promise<User | null> {
  const [user] = await sql<User[]>`
    select id, phone_number, status
    from users
    where phone_number = ${phone}
    for share`;
  return user ?? null;
}

/**
 * Makes users of numbers that somebody asks for and nobody has; answers with those that were made. The others became
 * somebody's meanwhile.
 */
export async function inviteUsers(sql: Sql, phones: string[], now: Date): Promise<User[]> {
  return await sql<User[]>`
    insert into users (phone_number, status, created_at)
    select phone_number, 'invited', ${now}
    from unnest(${phones}::text[]) as asked (phone_number)
    order by phone_number
    on conflict (phone_number) do nothing
    returning id, phone_number, status`;
}

/** Makes the number a user's. Null when it is one's already. */
export async function activateUser(sql: Sql, phone: string, now: Date): Promise<User | null> {
  const [user] = await sql<User[]>`
    insert into users as u (phone_number, status, created_at)
    values (${phone}, 'active', ${now})
    on conflict (phone_number) do update
    set status = 'active'
    where u.status = 'invited'
    returning id, phone_number, status`;
  return user ?? null;
}
