// The passcode challenge of each number and purpose: when codes were sent, how often one was guessed, whether
// it was used. The code itself is derived, not stored.

import type { Sql } from "./connection/database.ts";

export type Purpose = "signup" | "signin";

export interface Challenge {
  phone_number: string;
  purpose: Purpose;
  nonce: Uint8Array;
  key_id: string;
  /** Guesses so far. */
  attempts: number;
  expires_at: Date;
  /**
   * When the code was used up; also set in a blank row, which has no code. Null if it was not used; it may
   * still have expired, or have no attempts left.
   */
  used_at: Date | null;
  /** Sends of the last day, oldest first, that were not followed by a successful guess. */
  sent_at: Date[];
  /** The delivery state of the last SMS; null before the first one and after a success. */
  last_delivery: "sent" | "undelivered" | null;
}

/** The current challenge of a number and purpose. */
export async function findChallenge(sql: Sql, phone: string, purpose: Purpose): Promise<Challenge | null> {
  const [challenge] = await sql<Challenge[]>`
    select phone_number, purpose, nonce, key_id, attempts, expires_at, used_at, sent_at, last_delivery
    from passcodes
    where phone_number = ${phone} and purpose = ${purpose}`;
  return challenge ?? null;
}

/** The same, locked: requests and guesses for one number and purpose run one after the other. */
export async function lockChallenge(sql: Sql, phone: string, purpose: Purpose): Promise<Challenge | null> {
  const [challenge] = await sql<Challenge[]>`
    select phone_number, purpose, nonce, key_id, attempts, expires_at, used_at, sent_at, last_delivery
    from passcodes
    where phone_number = ${phone} and purpose = ${purpose}
    for update`;
  return challenge ?? null;
}

/**
 * Inserts a blank row if there is none, so that two first requests have a row to queue on. An existing row is
 * locked; otherwise the deletion of old rows could remove it before it is read.
 */
export async function ensureChallenge(sql: Sql, blank: Challenge): Promise<void> {
  await sql`
    insert into passcodes (phone_number, purpose, nonce, key_id, expires_at, used_at)
    values (${blank.phone_number}, ${blank.purpose}, ${blank.nonce}, ${blank.key_id}, ${blank.expires_at},
      ${blank.used_at})
    on conflict (phone_number, purpose) do update
    set used_at = passcodes.used_at`;
}

export async function saveChallenge(sql: Sql, challenge: Challenge): Promise<void> {
  await sql`
    update passcodes
    set nonce = ${challenge.nonce},
      key_id = ${challenge.key_id},
      attempts = ${challenge.attempts},
      expires_at = ${challenge.expires_at},
      used_at = ${challenge.used_at},
      sent_at = ${challenge.sent_at.map((at) => at.toISOString())}::timestamptz[]
    where phone_number = ${challenge.phone_number} and purpose = ${challenge.purpose}`;
}

/** Removes the send recorded at this moment, which never went out. */
export async function releaseSend(
  sql: Sql,
  { phone_number, purpose, at }: { phone_number: string; purpose: Purpose; at: Date },
): Promise<void> {
  await sql`
    update passcodes
    set sent_at = array_remove(sent_at, ${at}::timestamptz(3))
    where phone_number = ${phone_number} and purpose = ${purpose}`;
}

/** Records that the last SMS was sent, with the provider's id for it. */
export async function markSent(
  sql: Sql,
  { phone_number, purpose, provider_id }: {
    phone_number: string;
    purpose: Purpose;
    provider_id: string | null;
  },
): Promise<void> {
  await sql`
    update passcodes
    set provider_id = ${provider_id}, last_delivery = 'sent'
    where phone_number = ${phone_number} and purpose = ${purpose}`;
}

/**
 * Marks the last SMS of a number as undelivered and returns that number, once; null if the SMS was an earlier
 * one or for something else.
 */
export async function markUndelivered(sql: Sql, providerId: string): Promise<string | null> {
  const [row] = await sql<{ phone_number: string }[]>`
    update passcodes
    set last_delivery = 'undelivered'
    where provider_id = ${providerId} and last_delivery = 'sent'
    returning phone_number`;
  return row?.phone_number ?? null;
}

/** Takes one attempt before anything is compared, so that parallel guesses cannot share one. */
export async function takeAttempt(
  sql: Sql,
  { phone_number, purpose, now, attemptsMax }: {
    phone_number: string;
    purpose: Purpose;
    now: Date;
    attemptsMax: number;
  },
): Promise<{ nonce: Uint8Array; key_id: string } | null> {
  const [challenge] = await sql<{ nonce: Uint8Array; key_id: string }[]>`
    update passcodes
    set attempts = attempts + 1
    where phone_number = ${phone_number}
      and purpose = ${purpose}
      and used_at is null
      and expires_at > ${now}
      and attempts < ${attemptsMax}
    returning nonce, key_id`;
  return challenge ?? null;
}

/** Uses the challenge up and clears its sends. Null if another request has just used it. */
export async function useChallenge(
  sql: Sql,
  { phone_number, purpose, nonce, now }: {
    phone_number: string;
    purpose: Purpose;
    nonce: Uint8Array;
    now: Date;
  },
): Promise<{ phone_number: string } | null> {
  const [challenge] = await sql<{ phone_number: string }[]>`
    update passcodes
    set used_at = ${now}, sent_at = '{}', provider_id = null, last_delivery = null
    where phone_number = ${phone_number}
      and purpose = ${purpose}
      and nonce = ${nonce}
      and used_at is null
    returning phone_number`;
  return challenge ?? null;
}
