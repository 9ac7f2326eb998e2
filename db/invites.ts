import type { Sql } from "./connection/database.ts";
import type { UserStatus } from "./users.ts";

export type InviteSms = "none" | "withheld" | "over" | "sending" | "sent" | "failed" | "undelivered";

/** What of earlier invitations the limits look at. A failed SMS counts against none. */
export interface InviteCounts {
  /** SMS to this number by anybody, ever and lately. */
  to_number: number;
  to_number_lately: number;
  /** Invitations of this inviter to anybody lately. */
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

/** Somebody's own invitation, as far as the database knows what became of it. */
export interface SentInvite {
  phone_number: string;
  sms: InviteSms;
  invitee_status: UserStatus;
  created_at: Date;
}

/** An invitation as its link finds it. */
export interface FoundInvite {
  inviter: string;
  invitee: string;
  invitee_status: UserStatus;
  expires_at: Date;
}

/**
 * Lets one invitation to a number, and one of an inviter, be decided after the other, and keeps a signup out meanwhile.
 * In the order of ids, so that none waits in a ring. False where one of the two is gone.
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

/** What was noted later than `ahead` was noted by a wrong clock, and is passed over until its time has come. */
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

/** Withheld ones count, or the number would tell that somebody else had invited, or that the invitee had opted out. */
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

/** Whether the inviter has an entry for this number already. */
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

/** Writes down what became of the one SMS of an invitation. */
export async function finishInvite(
  sql: Sql,
  { id, sms, provider_id }: { id: number; sms: InviteSms; provider_id: string | null },
): Promise<void> {
  await sql`
    update invites
    set sms = ${sms}, provider_id = ${provider_id}
    where id = ${id} and sms = 'sending'`;
}

/** The number of an invitation that was thought sent, once; null for an SMS of something else. */
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
