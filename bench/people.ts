// Users for the bench, created in bulk by SQL, with the sessions and tokens that a sign-in would make.

import { createTokens } from "../services/sessions/tokens.ts";
import type { BenchDatabase } from "./cluster.ts";
import { BENCH_SECRET } from "./service.ts";

export interface Person {
  id: number;
  phone: string;
  token: string;
}

const SIGNING_AT_ONCE = 500;

/** Creates `count` signed-in users; their numbers continue from the highest id. */
export async function makePeople({ sql }: BenchDatabase, count: number): Promise<Person[]> {
  const rows = await sql<{ id: number; phone: string; session_id: string; expires_at: Date }[]>`
    with person as (
      insert into users (phone_number, status, created_at)
      select '+1415' || lpad((coalesce((select max(id) from users), 0) + n)::text, 8, '0'), 'active', now()
      from generate_series(1, ${count}) as n
      returning id, phone_number
    ), opened as (
      insert into sessions (id, user_id, device, created_at, last_seen_at, expires_at)
      select 'bench' || lpad(id::text, 17, '0'), id, 'bench', now(), now(), date_trunc('second', now()) + interval '30 days'
      from person
      returning id as session_id, user_id, expires_at
    )
    select person.id, phone_number as phone, session_id, expires_at
    from opened
    join person on person.id = user_id
    order by person.id`;
  const tokens = createTokens([BENCH_SECRET]);
  const people: Person[] = [];
  for (let from = 0; from < rows.length; from += SIGNING_AT_ONCE) {
    people.push(
      ...await Promise.all(
        rows.slice(from, from + SIGNING_AT_ONCE).map(async ({ id, phone, session_id, expires_at }) => ({
          id,
          phone,
          token: await tokens.sign({ user_id: id, session_id, expires_at }),
        })),
      ),
    );
  }
  await sql`analyze users, sessions`;
  return people;
}

/** Makes each pair friends; returns the ids of their conversations. */
export async function befriend(
  { sql }: BenchDatabase,
  pairs: (readonly [Person, Person])[],
): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    with pair as (
      select least(one, other) as low_id, greatest(one, other) as high_id, ord
      from unnest(
        ${pairs.map(([one]) => one.id)}::bigint[],
        ${pairs.map(([, other]) => other.id)}::bigint[]
      ) with ordinality as pair (one, other, ord)
    ), conversation as (
      insert into conversations (low_id, high_id, low_intent, high_intent, ever_accepted)
      select low_id, high_id, 'want', 'want', true
      from pair
      order by ord
      returning id, low_id, high_id
    ), listed as (
      insert into contacts (owner_id, peer_id, conversation_id, changed_at)
      select low_id, high_id, id, now() from conversation
      union all
      select high_id, low_id, id, now() from conversation
    )
    select conversation.id
    from pair
    join conversation using (low_id, high_id)
    order by ord`;
  await sql`analyze conversations, contacts`;
  return rows.map(({ id }) => id);
}
