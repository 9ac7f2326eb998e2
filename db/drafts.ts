// Stores messages, those of many people in one statement. A single text has a shorter statement that does the
// same: a change to one of the two has to be made in both.

import type { Sql } from "./connection/database.ts";
import { wereShown } from "./media/media.ts";
import type { Content } from "./messages.ts";
import { CHANNEL } from "./notify.ts";
import type { Intents } from "./pairs.ts";

/** A message to be stored. */
export interface Draft extends Content {
  conversation_id: number;
  sender_id: number;
  /** The receiver. The conversation has to be the one of sender and receiver. */
  peer_id: number;
  /**
   * The announcement for other processes: a JSON array that ends where its last item, the message id, is to
   * follow.
   */
  announcement: string;
}

/**
 * The outcome of a draft. If it was not stored although nothing forbids it, a message with its `client_id`
 * exists already.
 */
export interface DraftOutcome {
  stored_id: number | null;
  /**
   * When the message was sent, if not at `now`: within a pair no message is older than the one before it.
   * Null otherwise.
   */
  sent_at: Date | null;
  /**
   * The state of the pair. Null if the draft was stored, or if the conversation does not exist or is not the
   * one of these two.
   */
  pair: Intents & { low_id: number } | null;
  /** The media that the draft carries; null if there are none that its sender may send. */
  media: { media_type: string; duration: number | null } | null;
}

/** Announcements per NOTIFY: with ids, two phone numbers and a session id each stays below 130 bytes. */
const DRAFTS_PER_NOTIFY = 60;

/**
 * Stores the drafts by one statement, one commit and few NOTIFYs, with an outcome for each.
 *
 * The pairs are locked in the order of their ids. Intents are read from the locked rows: rows of another
 * table would be read as of before the wait for the lock. Ids are drawn after the lock is taken, so within a
 * pair ids only ascend, and times never go back.
 *
 * A key share lock protects carried media from the sweep. Media may be sent by a user who uploaded them or
 * was sent them before.
 *
 * A draft whose `client_id` is already stored is not stored again; `findByClientId` returns that message.
 */
export async function storeDrafts(
  sql: Sql,
  drafts: Draft[],
  { now, origin }: { now: Date; origin: string },
): Promise<DraftOutcome[]> {
  const hasMedia = drafts.some(({ media_content_id }) => media_content_id !== null);
  if (drafts.length === 1 && !hasMedia) return await storeText(sql, drafts[0]!, { now, origin });
  return await sql<DraftOutcome[]>`
    with draft as materialized (
      select ord, conversation_id, sender_id, least(sender_id, peer_id) as low_id, greatest(sender_id, peer_id) as high_id,
        type, body, media_id, client_id, announcement
      from unnest(
        ${drafts.map((draft) => draft.conversation_id)}::bigint[],
        ${drafts.map((draft) => draft.sender_id)}::bigint[],
        ${drafts.map((draft) => draft.peer_id)}::bigint[],
        ${drafts.map((draft) => draft.message_type)}::text[],
        ${drafts.map((draft) => draft.message)}::text[],
        ${drafts.map((draft) => draft.media_content_id)}::bigint[],
        ${drafts.map((draft) => draft.client_id)}::text[],
        ${drafts.map((draft) => draft.announcement)}::text[]
      ) with ordinality as draft
        (conversation_id, sender_id, peer_id, type, body, media_id, client_id, announcement, ord)
    ), pair as materialized (
      select id, low_id, high_id, low_intent, high_intent, ever_accepted,
        greatest(last_message_at, ${now}) as sent_at
      from conversations
      where id = any((select array_agg(conversation_id) from draft)::bigint[])
      order by id
      for no key update
    ), ${hasMedia ? carriedMedia(sql, drafts) : noMedia(sql)}, numbered as materialized (
      select nextval('message_ids') as id, allowed.*
      from (
        select draft.*, draft.sender_id = pair.low_id as from_low, pair.sent_at
        from draft
        join pair on ${isTheirs(sql)}
        where pair.low_intent = 'want'
          and pair.high_intent = 'want'
          and (draft.media_id is null or exists (select from carried where carried.ord = draft.ord))
        order by draft.ord
      ) as allowed
    ), inserted as (
      insert into messages (conversation_id, id, sender_id, type, body, media_id, client_id, created_at)
      select conversation_id, id, sender_id, type, body, media_id, client_id, sent_at
      from numbered
      on conflict (conversation_id, sender_id, client_id) where client_id is not null do nothing
      returning id
    ), stored as materialized (
      select numbered.id, ord, conversation_id, from_low, sent_at, announcement
      from numbered
      join inserted on inserted.id = numbered.id
    ), touched as (
      update conversations v
      set last_message_at = newest.sent_at,
        low_sent_id = greatest(v.low_sent_id, newest.low_sent_id),
        high_sent_id = greatest(v.high_sent_id, newest.high_sent_id),
        changed_at = clock_timestamp()
      from (
        select conversation_id, max(sent_at) as sent_at,
          coalesce(max(id) filter (where from_low), 0) as low_sent_id,
          coalesce(max(id) filter (where not from_low), 0) as high_sent_id
        from stored
        group by conversation_id
      ) as newest
      where v.id = newest.conversation_id
    ), told as materialized (
      select pg_notify(${CHANNEL}, ${origin} || string_agg(announcement || id || ']', ','))
      from stored
      group by (ord - 1) / ${DRAFTS_PER_NOTIFY}
    )
    select stored.id as stored_id,
      nullif(stored.sent_at, ${now}) as sent_at,
      case when stored.id is null and pair.id is not null then to_json(pair) end as pair,
      case when carried.ord is not null then to_json(carried) end as media
    from draft
    left join pair on ${isTheirs(sql)}
    left join stored on stored.ord = draft.ord
    left join carried on carried.ord = draft.ord
    -- For what it does: it has one row, and none of its columns is asked for.
    cross join (select count(*) from told) as all_told
    order by draft.ord`;
}

/**
 * Whether the pair still is the one that the draft is for. If the database was replaced by one that lacks the
 * latest changes, the id may belong to nobody or to other people.
 *
 * Compared as one array: for three conditions the planner expects a single row and then scans all rows for
 * each draft, which made a full batch take half as long again.
 */
function isTheirs(sql: Sql) {
  return sql`array[pair.id, pair.low_id, pair.high_id] = array[draft.conversation_id, draft.low_id, draft.high_id]`;
}

/** The same for a single text, the usual case under light load: without arrays it takes half the time. */
async function storeText(
  sql: Sql,
  { conversation_id, sender_id, peer_id, message, client_id, announcement }: Draft,
  { now, origin }: { now: Date; origin: string },
): Promise<DraftOutcome[]> {
  return await sql<DraftOutcome[]>`
    with pair as materialized (
      select low_id, high_id, low_intent, high_intent, ever_accepted, greatest(last_message_at, ${now}) as sent_at
      from conversations
      where id = ${conversation_id}
        and low_id = ${Math.min(sender_id, peer_id)}
        and high_id = ${Math.max(sender_id, peer_id)}
      for no key update
    ), inserted as (
      insert into messages (conversation_id, id, sender_id, type, body, client_id, created_at)
      select ${conversation_id}, nextval('message_ids'), ${sender_id}, 'text', ${message}, ${client_id}, sent_at
      from pair
      where low_intent = 'want' and high_intent = 'want'
      on conflict (conversation_id, sender_id, client_id) where client_id is not null do nothing
      returning id, created_at
    ), touched as (
      update conversations
      set last_message_at = inserted.created_at,
        low_sent_id = case low_id when ${sender_id} then inserted.id else low_sent_id end,
        high_sent_id = case low_id when ${sender_id} then high_sent_id else inserted.id end,
        changed_at = clock_timestamp()
      from inserted
      where conversations.id = ${conversation_id}
    ), told as materialized (
      select pg_notify(${CHANNEL}, ${origin} || ${announcement} || inserted.id || ']')
      from inserted
    )
    select inserted.id as stored_id,
      nullif(inserted.created_at, ${now}) as sent_at,
      case when inserted.id is null and pair.low_id is not null then to_json(pair) end as pair,
      null as media
    from (select count(*) from told) as all_told
    left join pair on true
    left join inserted on true`;
}

/** The carried media that may be sent, locked against the sweep. */
function carriedMedia(sql: Sql, drafts: Draft[]) {
  return sql`held as materialized (
      select id, owner_id, kind, media_type, duration
      from media
      where id = any(${drafts.flatMap((draft) => draft.media_content_id ?? [])}::bigint[]) and state = 'ready'
      order by id
      for key share
    ), carried as (
      select draft.ord, held.media_type, held.duration
      from draft
      join held on held.id = draft.media_id and held.kind = draft.type
      where held.owner_id = draft.sender_id or ${wereShown(sql, sql`held.id`, sql`draft.sender_id`)}
    )`;
}

/** The same for a batch of texts only, as most are; the planner removes it. */
function noMedia(sql: Sql) {
  return sql`carried as (
      select 0 as ord, null::text as media_type, null::double precision as duration
      where false
    )`;
}
