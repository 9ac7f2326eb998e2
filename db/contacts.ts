import type { Intent } from "./conversations.ts";
import type { Sql } from "./database.ts";

export interface ContactRow {
  phone_number: string;
  display_name: string;
  last_touch_at: Date;
  unread_messages: number;
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
}

/** The owner's whole list, newest touch first; with `peerPhone` that one row of it. */
export async function listContacts(
  sql: Sql,
  ownerId: number,
  peerPhone: string | null = null,
): Promise<ContactRow[]> {
  // The count of texts looks at nothing unless the peer has sent something newer than what was seen.
  return await sql<ContactRow[]>`
    select u.phone_number, c.display_name, v.mine, v.theirs, v.ever_accepted,
      greatest(c.changed_at, v.last_message_at) as last_touch_at,
      case when v.peer_sent_id > v.my_seen_text_id then (
        select count(*)::int
        from messages m
        where m.conversation_id = c.conversation_id
          and m.id > v.my_seen_text_id
          and m.sender_id = c.peer_id
          and m.type = 'text'
      ) else 0 end + (
        select count(*)::int
        from messages m
        where m.conversation_id = c.conversation_id
          and m.sender_id = c.peer_id
          and m.media_id is not null
          and m.seen_at is null
      ) as unread_messages
    from contacts c
    join sides v on v.conversation_id = c.conversation_id and v.me_id = c.owner_id
    join users u on u.id = c.peer_id
    where c.owner_id = ${ownerId}
      ${peerPhone === null ? sql`` : sql`and u.phone_number = ${peerPhone}`}
    order by last_touch_at desc, u.phone_number collate "C"`;
}

/** Puts the peer on the owner's list, or notes that what the owner sees of him has changed now. */
export async function touchContact(
  sql: Sql,
  { owner_id, peer_id, conversation_id, now }: {
    owner_id: number;
    peer_id: number;
    conversation_id: number;
    now: Date;
  },
): Promise<void> {
  await sql`
    insert into contacts (owner_id, peer_id, conversation_id, changed_at)
    values (${owner_id}, ${peer_id}, ${conversation_id}, ${now})
    on conflict (owner_id, peer_id) do update
    set changed_at = ${now}`;
}

/** Takes the peer off the owner's list, and the owner's name for him with it. */
export async function removeContact(sql: Sql, ownerId: number, peerId: number): Promise<void> {
  await sql`
    delete from contacts
    where owner_id = ${ownerId} and peer_id = ${peerId}`;
}

/** Sets the owner's name for a peer. Null when it was that already. */
export async function renameContact(
  sql: Sql,
  { owner_id, peer_id, display_name }: { owner_id: number; peer_id: number; display_name: string },
): Promise<{ peer_id: number } | null> {
  const [row] = await sql<{ peer_id: number }[]>`
    update contacts
    set display_name = ${display_name}
    where owner_id = ${owner_id} and peer_id = ${peer_id} and display_name <> ${display_name}
    returning peer_id`;
  return row ?? null;
}
