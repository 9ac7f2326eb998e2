// Delivered and seen marks: moves them, and finds what is not marked yet.

import type { Sql } from "./connection/database.ts";
import type { Intent } from "./conversations.ts";
import { CHANNEL } from "./notify.ts";

/**
 * A move of a reader's marks in a thread up to these ids, and media that become seen. Marks never move back,
 * nor beyond what the peer has sent.
 */
export interface Move {
  conversation_id: number;
  reader_id: number;
  delivered_to: number;
  seen_text_to: number;
  /** Media messages with ids in this range become seen; none if `from` is above `to`. */
  seen_media: { from: number; to: number };
  /**
   * Events for other processes: for the peer, unless they refuse the reader, and for the reader's other
   * sessions.
   */
  event: { peer: string; own: string };
}

/** Moves per NOTIFY. */
const MOVES_PER_NOTIFY = 24;

/**
 * Moves many marks in one statement, locking the pairs in the order of their ids. Returns the moves that
 * changed something, by their index in `moves`, and whether to notify the peer.
 */
export async function moveMarks(
  sql: Sql,
  moves: Move[],
  { now, origin }: { now: Date; origin: string },
): Promise<{ index: number; tell_peer: boolean }[]> {
  return await sql<{ index: number; tell_peer: boolean }[]>`
    with move as (
      select (ord - 1)::int as index, conversation_id, reader_id, delivered_to, seen_text_to, media_from, media_to,
        peer_event, own_event
      from unnest(
        ${moves.map((move) => move.conversation_id)}::bigint[],
        ${moves.map((move) => move.reader_id)}::bigint[],
        ${moves.map((move) => move.delivered_to)}::bigint[],
        ${moves.map((move) => move.seen_text_to)}::bigint[],
        ${moves.map((move) => move.seen_media.from)}::bigint[],
        ${moves.map((move) => move.seen_media.to)}::bigint[],
        ${moves.map((move) => move.event.peer)}::text[],
        ${moves.map((move) => move.event.own)}::text[]
      ) with ordinality as move
        (conversation_id, reader_id, delivered_to, seen_text_to, media_from, media_to, peer_event, own_event, ord)
    ), pair as materialized (
      select id, low_id, low_intent, high_intent, low_sent_id, high_sent_id,
        low_delivered_id, high_delivered_id, low_seen_text_id, high_seen_text_id
      from conversations
      where id = any(${moves.map((move) => move.conversation_id)}::bigint[])
      order by id
      for no key update
    ), wanted as materialized (
      select move.index, pair.id, move.reader_id, pair.low_id = move.reader_id as by_low, peer_event, own_event,
        media_from, media_to,
        least(greatest(delivered_to, seen_text_to), sent_id) as delivered_to,
        least(seen_text_to, sent_id) as seen_text_to,
        delivered_id, seen_text_id, peer_intent <> 'refuse' as tell_peer
      from move
      join pair on pair.id = move.conversation_id
      cross join lateral (
        select
          case when pair.low_id = move.reader_id then high_sent_id else low_sent_id end as sent_id,
          case when pair.low_id = move.reader_id then high_intent else low_intent end as peer_intent,
          case when pair.low_id = move.reader_id then low_delivered_id else high_delivered_id end as delivered_id,
          case when pair.low_id = move.reader_id then low_seen_text_id else high_seen_text_id end as seen_text_id
      ) as side
    ), played as (
      update messages m
      set seen_at = ${now}
      from wanted
      where m.conversation_id = wanted.id
        and m.sender_id <> wanted.reader_id
        and m.media_id is not null
        and m.seen_at is null
        and m.id between wanted.media_from and wanted.media_to
      returning wanted.index
    ), moving as materialized (
      select index, id, by_low, peer_event, own_event, delivered_to, seen_text_to, tell_peer
      from wanted
      where delivered_to > delivered_id
        or seen_text_to > seen_text_id
        or exists (select from played where played.index = wanted.index)
    ), target as (
      select id,
        max(delivered_to) filter (where by_low) as low_delivered_to,
        max(seen_text_to) filter (where by_low) as low_seen_text_to,
        max(delivered_to) filter (where not by_low) as high_delivered_to,
        max(seen_text_to) filter (where not by_low) as high_seen_text_to
      from moving
      group by id
    ), moved as (
      update conversations v
      set low_delivered_id = greatest(v.low_delivered_id, low_delivered_to),
        low_seen_text_id = greatest(v.low_seen_text_id, low_seen_text_to),
        high_delivered_id = greatest(v.high_delivered_id, high_delivered_to),
        high_seen_text_id = greatest(v.high_seen_text_id, high_seen_text_to),
        changed_at = clock_timestamp()
      from target
      where v.id = target.id
    ), told as (
      select pg_notify(
        ${CHANNEL},
        ${origin} || string_agg(concat_ws(',', own_event, case when tell_peer then peer_event end), ',')
      )
      from moving
      group by index / ${MOVES_PER_NOTIFY}
    )
    select index, tell_peer, (select count(*) from told) as told
    from moving
    order by index`;
}

/** The id of the nth unseen media message from this peer within a range of ids; null if there are fewer. */
export async function findUnseenMedia(
  sql: Sql,
  { conversation_id, peer_id, from, to, nth }: {
    conversation_id: number;
    peer_id: number;
    from: number;
    to: number;
    nth: number;
  },
): Promise<number | null> {
  const [message] = await sql<{ id: number }[]>`
    select id
    from messages
    where conversation_id = ${conversation_id}
      and sender_id = ${peer_id}
      and media_id is not null
      and seen_at is null
      and id between ${from} and ${to}
    order by id
    offset ${nth - 1}
    limit 1`;
  return message?.id ?? null;
}

/** The threads of these users that have undelivered messages. */
export async function listUndelivered(sql: Sql, userIds: number[]): Promise<Undelivered[]> {
  return await sql<Undelivered[]>`
    select v.me_id, v.mine, v.conversation_id, v.peer_id, u.phone_number as peer_phone, v.peer_sent_id
    from contacts c
    join sides v on v.conversation_id = c.conversation_id and v.me_id = c.owner_id
    join users u on u.id = v.peer_id
    where c.owner_id = any(${userIds}::bigint[]) and v.peer_sent_id > v.my_delivered_id`;
}

export interface Undelivered {
  me_id: number;
  mine: Intent;
  conversation_id: number;
  peer_id: number;
  peer_phone: string;
  peer_sent_id: number;
}
