import type { Sql } from "./database.ts";

export type UserStatus = "invited" | "active" | "suspended";

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

/** The same, and he stays what he is until the transaction ends. */
export async function holdUser(sql: Sql, phone: string): Promise<User | null> {
  const [user] = await sql<User[]>`
    select id, phone_number, status
    from users
    where phone_number = ${phone}
    for share`;
  return user ?? null;
}

/**
 * The user of a number that somebody asks for, made as `invited` when nobody has it. The row stays locked against
 * a signup's completion, so that each of the two knows whether the other came first.
 */
export async function findOrInviteUser(sql: Sql, phone: string, now: Date): Promise<User> {
  await sql`
    insert into users (phone_number, status, created_at)
    values (${phone}, 'invited', ${now})
    on conflict (phone_number) do nothing`;
  return (await holdUser(sql, phone))!;
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
