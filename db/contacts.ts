// Reads contact lists.

import type { Sql } from "./connection/database.ts";
import type { Intent } from "./conversations.ts";

export interface ContactRow {
  phone_number: string;
  display_name: string;
  /** When the entry was last changed, or the newest message was sent, whichever is later. */
  last_touch_at: Date;
  unread_messages: number;
  mine: Intent;
  theirs: Intent;
  ever_accepted: boolean;
}

/**
 * The data of the lists as columns, one group per table; null if that table has no rows. Times are in
 * milliseconds of Unix time.
 */
interface Columns {
  owners: number[] | null;
  peers: number[];
  pairs: number[];
  names: string[];
  changed_ms: number[];

  ids: number[] | null;
  low_ids: number[];
  low_intents: Intent[];
  high_intents: Intent[];
  ever_accepted: boolean[];
  message_ms: (number | null)[];
  low_unread: number[];
  high_unread: number[];

  user_ids: number[] | null;
  phones: string[];
}

/** The whole list of each owner, most recently touched first; with `peerPhone`, only the row of that peer. */
export async function listContacts(
  sql: Sql,
  ownerIds: number[],
  peerPhone: string | null = null,
): Promise<ContactRow[][]> {
  // Each table is read by an array of ids and joined here. A join in SQL would be planned while the tables
  // are small, and would read all of them once they have grown. The result is a single value, because the
  // client pays for each value that it reads.
  const rows = await sql<{ columns: Columns }[]>`
    select json_build_object(
      'owners', c.owners, 'peers', c.peers, 'pairs', c.pairs, 'names', c.names, 'changed_ms', c.changed_ms,
      'ids', v.ids, 'low_ids', v.low_ids, 'low_intents', v.low_intents, 'high_intents', v.high_intents,
      'ever_accepted', v.ever_accepted, 'message_ms', v.message_ms,
      'low_unread', v.low_unread, 'high_unread', v.high_unread,
      'user_ids', u.ids, 'phones', u.phones
    ) as columns
    from (
      select array_agg(owner_id) as owners, array_agg(peer_id) as peers, array_agg(conversation_id) as pairs,
        array_agg(display_name) as names, array_agg((date_part('epoch', changed_at) * 1000)::bigint) as changed_ms
      from contacts
      where owner_id = any(${ownerIds}::bigint[])
        ${
    peerPhone === null ? sql`` : sql`and peer_id = (select id from users where phone_number = ${peerPhone})`
  }
    ) as c
    cross join lateral (
      select array_agg(id) as ids, array_agg(low_id) as low_ids, array_agg(low_intent) as low_intents,
        array_agg(high_intent) as high_intents, array_agg(ever_accepted) as ever_accepted,
        array_agg((date_part('epoch', last_message_at) * 1000)::bigint) as message_ms,
        array_agg(${unreadOf(sql, ownerIds, "low", "high")}) as low_unread,
        array_agg(${unreadOf(sql, ownerIds, "high", "low")}) as high_unread
      from conversations v
      where id = any(c.pairs)
    ) as v
    cross join lateral (
      select array_agg(id) as ids, array_agg(phone_number) as phones
      from users
      where id = any(c.peers)
    ) as u`;
  const lists = new Map(rows.flatMap(({ columns }) => [...listsOf(columns)]));
  return ownerIds.map((id) => lists.get(id)?.sort(byTouchThenNumber) ?? []);
}

/** Unread messages are counted up to this many, among this many of the newest messages. */
const UNREAD_MAX = 9_999;

/**
 * The number of messages that this side has not read, for owners in `ownerIds`. Texts are counted only if the
 * peer has sent something after what was seen, media only if the peer has sent anything.
 */
function unreadOf(sql: Sql, ownerIds: number[], me: "low" | "high", peer: "low" | "high") {
  const [seen, sent, peerId] = [sql(`v.${me}_seen_text_id`), sql(`v.${peer}_sent_id`), sql(`v.${peer}_id`)];
  return sql`case when ${sent} > 0 and ${sql(`v.${me}_id`)} = any(${ownerIds}::bigint[]) then
    least(${UNREAD_MAX}, case when ${sent} > ${seen} then (
      select count(*)::int
      from (
        select m.sender_id, m.type
        from messages m
        where m.conversation_id = v.id and m.id > ${seen}
        order by m.id desc
        limit ${UNREAD_MAX}
      ) as newest
      where sender_id = ${peerId} and type = 'text'
    ) else 0 end + (
      select count(*)::int
      from (
        select
        from messages m
        where m.conversation_id = v.id
          and m.sender_id = ${peerId}
          and m.media_id is not null
          and m.seen_at is null
        limit ${UNREAD_MAX}
      ) as unseen
    )) else 0 end`;
}

/** Joins the columns into rows, by owner. */
function listsOf(of: Columns): Map<number, ContactRow[]> {
  const phones = new Map(of.user_ids?.map((id, index) => [id, of.phones[index]!]));
  const indexes = new Map(of.ids?.map((id, index) => [id, index]));
  const rows = new Map<number, ContactRow[]>();
  of.owners?.forEach((ownerId, index) => {
    const pair = indexes.get(of.pairs[index]!)!;
    const isLow = of.low_ids[pair] === ownerId;
    const row: ContactRow = {
      phone_number: phones.get(of.peers[index]!)!,
      display_name: of.names[index]!,
      last_touch_at: new Date(Math.max(of.changed_ms[index]!, of.message_ms[pair] ?? 0)),
      unread_messages: (isLow ? of.low_unread : of.high_unread)[pair]!,
      mine: (isLow ? of.low_intents : of.high_intents)[pair]!,
      theirs: (isLow ? of.high_intents : of.low_intents)[pair]!,
      ever_accepted: of.ever_accepted[pair]!,
    };
    const list = rows.get(ownerId);
    if (list) list.push(row);
    else rows.set(ownerId, [row]);
  });
  return rows;
}

/** Phone numbers are ASCII, which JavaScript orders like PostgreSQL's collate "C". */
function byTouchThenNumber(one: ContactRow, other: ContactRow): number {
  return other.last_touch_at.getTime() - one.last_touch_at.getTime() ||
    (one.phone_number < other.phone_number ? -1 : 1);
}
