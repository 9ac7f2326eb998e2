// Helpers for tests that delete accounts.

import { equal } from "./assert.ts";
import { type Answer, eventually, type Person, succeeded, type TestApp } from "./support.ts";

export function askToDelete(t: TestApp, me: Person, phone = me.phone): Promise<Answer> {
  return t.call("POST", "/api/auth/delete-account", { token: me.token, json: { phone_number: phone } });
}

export async function deleteAccount(t: TestApp, me: Person): Promise<void> {
  succeeded(await askToDelete(t, me));
}

/**
 * Waits until everything that deleted accounts left behind is erased, except media that others may still
 * send.
 */
export async function untilErased(t: TestApp): Promise<void> {
  await eventually(async () => {
    const [row] = await t.sql<{ erasures: number; strays: number; media: number }[]>`
      select (select count(*) from erasures) as erasures,
        (select count(*) from messages where conversation_id not in (select id from conversations)) as strays,
        (
          select count(*)
          from media
          join users on users.id = owner_id
          where users.status = 'deleted' and not exists (select from messages where media_id = media.id)
        ) as media`;
    equal(JSON.stringify(row), '{"erasures":0,"strays":0,"media":0}');
  }, 20_000);
}

/** Asserts that no contact shows a user without a number, and that every contact has a conversation. */
export async function assertWhole({ sql }: TestApp): Promise<void> {
  const rows = await sql`
    select contacts.owner_id, contacts.peer_id
    from contacts
    join users owner on owner.id = owner_id
    join users peer on peer.id = peer_id
    left join conversations v on v.id = conversation_id
      and v.low_id = least(owner_id, peer_id) and v.high_id = greatest(owner_id, peer_id)
    where owner.status = 'deleted' or peer.status = 'deleted' or v.id is null`;
  equal(JSON.stringify(rows), "[]");
  const pairs = await sql`
    select v.id
    from conversations v
    join users on users.id in (low_id, high_id)
    where users.status = 'deleted'`;
  equal(JSON.stringify(pairs), "[]");
}
