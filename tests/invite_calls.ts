// Helpers for invitations: who invites whom, and what the carrier was given to deliver.

import { equal } from "./assert.ts";
import { change } from "./contact_calls.ts";
import { twilioEnv } from "./passcode_calls.ts";
import { type Answer, type Person, succeeded, type TestApp, withApp } from "./support.ts";
import { type AskedMessage, startTwilioDouble, type TwilioDouble } from "./twilio_double.ts";

export const PUBLIC_URL = "https://talk.example";

/** Numbers without an account, each of which can receive SMS. */
export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, place) => `+1415555${2_000 + place}`);
}

/** Runs a test against a service that sends through a double of Twilio. */
export async function withInvites(
  run: (t: TestApp, twilio: TwilioDouble) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const twilio = startTwilioDouble();
  try {
    await withApp((t) => run(t, twilio), { env: { ...twilioEnv(twilio), PUBLIC_URL, ...env } });
  } finally {
    await twilio.close();
  }
}

/** Signs up with the passcode that the double received. */
export async function join(t: TestApp, twilio: TwilioDouble, phone: string): Promise<Person> {
  succeeded(await t.call("POST", "/api/auth/signup", { json: { phone_number: phone } }));
  const { body } = twilio.messages.findLast(({ to, body }) => to === phone && /^\d{6} /.test(body))!;
  const json = { phone_number: phone, passcode: body.slice(0, 6) };
  const answer = await t.call("POST", "/api/auth/complete-signup", { json });
  succeeded(answer);
  return { phone, token: answer.body.token };
}

/** This many people with accounts. */
export async function inviters(t: TestApp, twilio: TwilioDouble, count: number): Promise<Person[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, place) => join(t, twilio, `+1415555${1_000 + place}`)),
  );
}

/**
 * Sends a friend request, and asserts that the inviter sees nothing but `requesting`, whatever became of the
 * SMS.
 */
export async function invite(t: TestApp, me: Person, phone: string): Promise<Answer> {
  const answer = await change(t, "request", me, phone);
  succeeded(answer);
  const row = answer.body.contacts.find((row: { phone_number: string }) => row.phone_number === phone);
  equal(row.status, "requesting");
  return answer;
}

/** Withdraws the request and sends it again. */
export async function inviteAgain(t: TestApp, me: Person, phone: string): Promise<void> {
  succeeded(await change(t, "delete", me, phone));
  await invite(t, me, phone);
}

/** The invitations that the double received, oldest first. */
export function invitations(twilio: TwilioDouble, phone?: string): AskedMessage[] {
  return twilio.messages.filter(({ to, body }) =>
    body.includes("/i/") && (phone === undefined || to === phone)
  );
}

export function linkToken({ body }: AskedMessage): string {
  return body.match(/\/i\/([\w-]+)/)![1]!;
}

/** As in the OpenAPI document, which every answer was checked against. */
interface ListedInvites {
  invites: { phone_number: string; status: string; created_at: string }[];
  remaining_today: number;
}

export async function invitesOf(t: TestApp, me: Person): Promise<ListedInvites> {
  const answer = await t.call("GET", "/api/invites", { token: me.token });
  succeeded(answer);
  const { success: _, ...listed } = answer.body;
  return listed;
}

/** `status` by number, of the newest invitation to each. */
export async function inviteStatuses(t: TestApp, me: Person): Promise<Record<string, string>> {
  const { invites } = await invitesOf(t, me);
  return Object.fromEntries(
    invites.toReversed().map((row) => [row.phone_number, row.status]),
  );
}
