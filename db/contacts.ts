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

/** One owner's list as it comes: column by column, and of three tables side by side. Null where there is nobody. */
interface Columns {
  peers: number[] | null;
  names: string[];
  changed_ms: number[];
  pair_peers: number[];
  mine: Intent[];
  theirs: Intent[];
  ever_accepted: boolean[];
  message_ms: (number | null)[];
  unread: number[];
  user_ids: number[];
  phones: string[];
}

/** The whole list of each of these owners, newest touch first; with `peerPhone` that one row of it. */
export async function listContacts(
  sql: Sql,
  ownerIds: number[],
  peerPhone: string | null = null,
): Promise<ContactRow[][]> {
  // Each table is looked into by arrays of its own ids, and joined by nobody here: a join would be planned while the tables
  // are small, and read all of them when they have grown. A list is one value, because the client pays for each it reads.
  // Messages are counted only where the peer has sent something newer than what was seen, or anything at all.
  const rows = await sql<{ list: Columns }[]>`
    select json_build_object(
      'peers', c.peers, 'names', c.names, 'changed_ms', c.changed_ms,
      'pair_peers', v.peers, 'mine', v.mine, 'theirs', v.theirs, 'ever_accepted', v.ever_accepted,
      'message_ms', v.message_ms, 'unread', v.unread,
      'user_ids', u.ids, 'phones', u.phones
    ) as list
    from unnest(${ownerIds}::bigint[]) with ordinality as owner (id, ord)
    cross join lateral (
      select array_agg(peer_id) as peers, array_agg(conversation_id) as conversation_ids,
        array_agg(display_name) as names, array_agg(${ms(sql, sql`changed_at`)}) as changed_ms
      from contacts
      where owner_id = owner.id
        ${
    peerPhone === null ? sql`` : sql`and peer_id = (select id from users where phone_number = ${peerPhone})`
  }
    ) as c
    cross join lateral (
      select array_agg(peer_id) as peers, array_agg(mine) as mine, array_agg(theirs) as theirs,
        array_agg(ever_accepted) as ever_accepted, array_agg(${ms(sql, sql`last_message_at`)}) as message_ms,
        array_agg(
          case when peer_sent_id > my_seen_text_id then (
            select count(*)::int
            from messages m
            where m.conversation_id = v.id
              and m.id > my_seen_text_id
              and m.sender_id = side.peer_id
              and m.type = 'text'
          ) else 0 end + case when peer_sent_id > 0 then (
            select count(*)::int
            from messages m
            where m.conversation_id = v.id
              and m.sender_id = side.peer_id
              and m.media_id is not null
              and m.seen_at is null
          ) else 0 end
        ) as unread
      from conversations v
      cross join lateral (
        select case when low_id = owner.id then high_id else low_id end as peer_id,
          case when low_id = owner.id then low_intent else high_intent end as mine,
          case when low_id = owner.id then high_intent else low_intent end as theirs,
          case when low_id = owner.id then high_sent_id else low_sent_id end as peer_sent_id,
          case when low_id = owner.id then low_seen_text_id else high_seen_text_id end as my_seen_text_id
      ) as side
      where v.id = any(c.conversation_ids)
    ) as v
    cross join lateral (
      select array_agg(id) as ids, array_agg(phone_number) as phones
      from users
      where id = any(c.peers)
    ) as u
    order by owner.ord`;
  return rows.map(({ list }) => list.peers === null ? [] : rowsOf(list, list.peers));
}

/** A time as whole milliseconds of the Unix epoch, which is how precise it is. */
function ms(sql: Sql, time: ReturnType<Sql>) {
  return sql`(date_part('epoch', ${time}) * 1000)::bigint`;
}

function rowsOf(list: Columns, peers: number[]): ContactRow[] {
  const phones = new Map(list.user_ids.map((id, place) => [id, list.phones[place]!]));
  const pairs = new Map(list.pair_peers.map((id, place) => [id, place]));
  const rows = peers.map((peerId, place): ContactRow => {
    const pair = pairs.get(peerId)!;
    return {
      phone_number: phones.get(peerId)!,
      display_name: list.names[place]!,
      last_touch_at: new Date(Math.max(list.changed_ms[place]!, list.message_ms[pair] ?? 0)),
      unread_messages: list.unread[pair]!,
      mine: list.mine[pair]!,
      theirs: list.theirs[pair]!,
      ever_accepted: list.ever_accepted[pair]!,
    };
  });
  return rows.sort(byTouchThenNumber);
}

/** Numbers are ASCII, which JavaScript compares as PostgreSQL does with collate "C". */
function byTouchThenNumber(one: ContactRow, other: ContactRow): number {
  return other.last_touch_at.getTime() - one.last_touch_at.getTime() ||
    (one.phone_number < other.phone_number ? -1 : 1);
}
