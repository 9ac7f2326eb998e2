import type { Intent } from "./conversations.ts";
import type { Sql } from "./database.ts";

export interface ContactRow {
  owner_id: number;
  phone_number: string;
  display_name: string;
  last_touch_at: Date;
  unread_messages: number;
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
}

/** These owners' whole lists one after the other, newest touch first; with `peerPhone` that one row of them. */
export async function listContacts(
  sql: Sql,
  ownerIds: number[],
  peerPhone: string | null = null,
): Promise<ContactRow[]> {
  // Each list by itself and row by row: a join would be planned while the tables are small, and read all of them when they
  // have grown. The count of texts looks at nothing unless the peer has sent something newer than what was seen.
  return await sql<ContactRow[]>`
    select owner.id as owner_id, listed.*
    from unnest(${ownerIds}::bigint[]) as owner (id)
    cross join lateral (
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
      cross join lateral (
        select *
        from sides
        where sides.conversation_id = c.conversation_id and sides.me_id = c.owner_id
        limit 1
      ) as v
      cross join lateral (select phone_number from users where users.id = c.peer_id limit 1) as u
      where c.owner_id = owner.id
        ${
    peerPhone === null ? sql`` : sql`and c.peer_id = (select id from users where phone_number = ${peerPhone})`
  }
      order by last_touch_at desc, u.phone_number collate "C"
    ) as listed`;
}
