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
