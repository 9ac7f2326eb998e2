// Users. A user is a number that signed up, one that somebody asked to be friends with before it did, or one
// that inherits what has to outlive a deleted account (`accounts.ts`). A deleted user has no number.

import type { Sql } from "./connection/database.ts";

/**
 * The status of a user with a number; a deleted user has none. `invited`: has no account yet; `suspended`: by
 * the operator; `leaving`: marked by the operator for deletion.
 */
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

/** Keeps only users whose accounts are deleted. */
export async function listDeleted(sql: Sql, ids: number[]): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    select id
    from users
    where id = any(${ids}::bigint[]) and status = 'deleted'`;
  return rows.map(({ id }) => id);
}

/** The user of a number, share-locked: their status cannot change until the transaction ends. */
export async function holdUser(sql: Sql, phone: string): Promise<User | null> {
  const [user] = await sql<User[]>`
    select id, phone_number, status
    from users
    where phone_number = ${phone}
    for share`;
  return user ?? null;
}

/**
 * Creates invited users for numbers that have no user; returns the created ones. A number that is missing
 * from the result got a user meanwhile.
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

/** Creates an active user for the number, or activates an invited one. Null if the number has an account. */
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
