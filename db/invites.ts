// Invitations to numbers without an account.

import type { Sql } from "./connection/database.ts";
import type { UserStatus } from "./users.ts";

/**
 * The state of an invitation's SMS. `none`: the inviter's phone sends it; `withheld`: stopped by a rule or an
 * opt-out, and shown as sent; `over`: not sent, because the inviter's daily limit was reached; `sending`:
 * committed, outcome not known yet; `failed`: not sent, as far as is known; `undelivered`: sent, but did not
 * arrive.
 */
export type InviteSms = "none" | "withheld" | "over" | "sending" | "sent" | "failed" | "undelivered";

/** Counts of earlier invitations that the limits look at. A failed SMS counts for none. */
export interface InviteCounts {
  /** SMS to this number by anybody: in total, and recently. */
  to_number: number;
  to_number_lately: number;
  /** Recent invitations of this inviter to anybody. */
  by_inviter_lately: number;
}

export interface NewInvite {
  inviter_id: number;
  invitee_id: number;
  token_hash: Uint8Array;
  sms: InviteSms;
  created_at: Date;
  expires_at: Date;
}

/** An invitation as listed for its inviter, with what is known of its SMS. */
export interface SentInvite {
  phone_number: string;
  sms: InviteSms;
  invitee_status: UserStatus;
  created_at: Date;
}

/** An invitation found by its link. */
export interface FoundInvite {
  inviter: string;
  invitee: string;
  invitee_status: UserStatus;
  expires_at: Date;
}

/**
 * Serialises the decisions on invitations to a number and by an inviter, and blocks a sign-up of that number
 * meanwhile. Locks in the order of ids, so that two transactions cannot deadlock. False if one of the two
 * users is gone.
 */
export async function lockForInvite(sql: Sql, inviterId: number, inviteeId: number): Promise<boolean> {
  const rows = await sql`
    select id
    from users
    where id in (${inviterId}, ${inviteeId}) and status <> 'deleted'
    order by id
    for no key update`;
  return rows.length === 2;
}

/**
 * A span of time. Rows later than `ahead` were dated by a wrong clock and are ignored until their time has
 * come.
 */
export interface Span {
  since: Date;
  ahead: Date;
}

export async function countInvites(
  sql: Sql,
  { inviter_id, invitee_id, number_since, inviter_within }: {
    inviter_id: number;
    invitee_id: number;
    number_since: Date;
    inviter_within: Span;
  },
): Promise<InviteCounts> {
  const [ofNumber] = await sql<Pick<InviteCounts, "to_number" | "to_number_lately">[]>`
    select count(*) as to_number, count(*) filter (where created_at > ${number_since}) as to_number_lately
    from invites
    where invitee_id = ${invitee_id} and sms in ('sending', 'sent', 'undelivered')`;
  return { ...ofNumber!, by_inviter_lately: await countByInviter(sql, inviter_id, inviter_within) };
}

/**
 * Withheld invitations count; otherwise the count would reveal that somebody else had invited the number, or
 * that it had opted out.
 */
export async function countByInviter(sql: Sql, inviterId: number, { since, ahead }: Span): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*) as count
    from invites
    where inviter_id = ${inviterId}
      and created_at > ${since}
      and created_at <= ${ahead}
      and sms not in ('failed', 'over')`;
  return row!.count;
}

/** Whether the inviter already has an entry for this number. */
export async function hasInvited(sql: Sql, inviterId: number, inviteeId: number): Promise<boolean> {
  const rows = await sql`
    select 1
    from invites
    where invitee_id = ${inviteeId} and inviter_id = ${inviterId} and not is_past
    limit 1`;
  return rows.length > 0;
}

export async function insertInvite(sql: Sql, invite: NewInvite): Promise<number> {
  const [row] = await sql<{ id: number }[]>`
    insert into invites (inviter_id, invitee_id, token_hash, sms, created_at, expires_at)
    values (${invite.inviter_id}, ${invite.invitee_id}, ${invite.token_hash}, ${invite.sms}, ${invite.created_at},
      ${invite.expires_at})
    returning id`;
  return row!.id;
}

/** Records the outcome of an invitation's one SMS. */
export async function finishInvite(
  sql: Sql,
  { id, sms, provider_id }: { id: number; sms: InviteSms; provider_id: string | null },
): Promise<void> {
  await sql`
    update invites
    set sms = ${sms}, provider_id = ${provider_id}
    where id = ${id} and sms = 'sending'`;
}

/**
 * Marks an invitation that counted as sent and returns its number, once; null if the SMS was for something
 * else.
 */
export async function markInviteUndelivered(
  sql: Sql,
  providerId: string,
  sms: "undelivered" | "withheld",
): Promise<string | null> {
  const [row] = await sql<{ phone_number: string }[]>`
    update invites as i
    set sms = ${sms}
    from users u
    where i.provider_id = ${providerId} and i.sms = 'sent' and u.id = i.invitee_id
    returning u.phone_number`;
  return row?.phone_number ?? null;
}

/** Newest first. */
export async function listInvites(sql: Sql, inviterId: number, max: number): Promise<SentInvite[]> {
  return await sql<SentInvite[]>`
    select u.phone_number, i.sms, u.status as invitee_status, i.created_at
    from invites i
    join users u on u.id = i.invitee_id
    where i.inviter_id = ${inviterId} and not i.is_past
    order by i.created_at desc, i.id desc
    limit ${max}`;
}

export async function findInvite(sql: Sql, tokenHash: Uint8Array): Promise<FoundInvite | null> {
  const [invite] = await sql<FoundInvite[]>`
    select inviter.phone_number as inviter, invitee.phone_number as invitee, invitee.status as invitee_status,
      i.expires_at
    from invites i
    join users inviter on inviter.id = i.inviter_id
    join users invitee on invitee.id = i.invitee_id
    where i.token_hash = ${tokenHash} and not i.is_past`;
  return invite ?? null;
}
