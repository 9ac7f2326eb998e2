// The steps of an invitation's page: what each form does, and which view follows.

import { AppError, type ErrorCode } from "../../services/errors.ts";
import type { Invitation, Invitees } from "../../services/invitees.ts";
import { parseTypedNumber, type PhoneNumber } from "../../services/phone_number.ts";
import { pageErrorOf } from "../../services/texts/pages.ts";
import type { Trouble, View } from "../pages/invite.tsx";

/** The fields of each step's form, besides its name and its token. */
export const STEP_FIELDS = {
  send: ["phone_number"],
  verify: ["phone_number", "purpose", "passcode"],
  accept: ["session"],
  decline: ["session"],
  never: [],
} as const;

export type Step = keyof typeof STEP_FIELDS;
type Fields = Partial<Record<"phone_number" | "purpose" | "passcode" | "session", string>>;

/** The view to show, and the error that decides the HTTP status; null after a success. */
export interface Outcome {
  view: View;
  refusal: AppError | null;
}

export interface Visit {
  link: string;
  invitation: Invitation;
  fields: Fields;
  /** The name of the browser for the list of sessions, and the client's address for limits. */
  device: string;
  address: string;
}

/**
 * Errors after which a passcode can still be typed, now or later, so the page keeps showing the field for it.
 */
const STAYS: ErrorCode[] = ["rate_limited", "invalid_passcode", "passcode_expired", "too_many_attempts"];

/** @throws AppError for errors that no view of the page can help with */
export function takeStep(invitees: Invitees, step: Step, visit: Visit): Promise<Outcome> {
  switch (step) {
    case "send":
      return send(invitees, visit);
    case "verify":
      return verify(invitees, visit);
    case "accept":
    case "decline":
      return answer(invitees, step, visit);
    case "never":
      return never(invitees, visit);
  }
}

async function send(invitees: Invitees, visit: Visit): Promise<Outcome> {
  const number = numberOf(visit);
  if (number.phone === null) return startAgain(visit, new AppError("invalid_phone_number"));
  const { purpose, asked, refusal } = await invitees.sendCode(number.phone, visit.address);
  if (refusal && !STAYS.includes(refusal.code)) return startAgain(visit, refusal);
  const view: View = {
    at: "passcode",
    phone: number.phone,
    typed: number.typed,
    purpose,
    ...(asked ? { resendIn: asked.resend_in, undelivered: asked.last_delivery === "undelivered" } : {}),
    ...(refusal ? { trouble: troubleOf(refusal) } : {}),
  };
  return { view, refusal };
}

async function verify(invitees: Invitees, visit: Visit): Promise<Outcome> {
  const { link, fields: { purpose, passcode = "" }, invitation: { people }, device, address } = visit;
  const { phone, typed } = numberOf(visit);
  if (phone === null) return startAgain(visit, new AppError("invalid_phone_number"));
  if (purpose !== "signup" && purpose !== "signin") throw new AppError("invalid_input");
  try {
    const session = await invitees.enter(purpose, { phone, passcode, device, address });
    const status = people && await invitees.statusOf(session, people.inviter);
    const handover = { session, phone };
    if (status === "accepted") return shown({ at: "done", outcome: "accepted", handover });
    if (people === null || status !== "requested") {
      return shown({ at: "done", outcome: "signed_in", handover });
    }
    return shown({ at: "request", inviter: people.inviter, session });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (!STAYS.includes(error.code)) return startAgain(visit, error);
    if (purpose === "signup" && error.code === "invalid_passcode") {
      // The form may have been sent twice or reloaded: then the account has already been made with this
      // passcode.
      const invitation = await invitees.open(link);
      if (invitation.state === "used") {
        return startAgain({ ...visit, invitation }, new AppError("already_registered"));
      }
    }
    return { view: { at: "passcode", phone, typed, purpose, trouble: troubleOf(error) }, refusal: error };
  }
}

async function answer(invitees: Invitees, choice: "accept" | "decline", visit: Visit): Promise<Outcome> {
  const { fields: { session = "" }, invitation: { people } } = visit;
  try {
    const status = people && await invitees.answer(choice, session, people);
    const outcome = status === "accepted" ? "accepted" : status === "deleted" ? "declined" : "gone";
    const handover = people && { session, phone: people.invitee };
    return shown({ at: "done", outcome, ...(handover ? { handover } : {}) });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return startAgain(visit, error);
  }
}

async function never(invitees: Invitees, visit: Visit): Promise<Outcome> {
  if (await invitees.neverAgain(visit.link)) return shown({ at: "never" });
  return shown({ at: "start", invitation: visit.invitation });
}

/**
 * The number that the invitation was sent to. Only an invitation without a number takes one from the form.
 */
function numberOf({ invitation: { people }, fields }: Visit): { phone: PhoneNumber | null; typed: boolean } {
  if (people === null) return { phone: parseTypedNumber(fields.phone_number ?? ""), typed: true };
  if (fields.phone_number !== undefined) throw new AppError("invalid_input");
  return { phone: people.invitee, typed: false };
}

function shown(view: View): Outcome {
  return { view, refusal: null };
}

function startAgain({ invitation }: Visit, refusal: AppError): Outcome {
  return { view: { at: "start", invitation, trouble: troubleOf(refusal) }, refusal };
}

export function troubleOf({ code, details: { retryAfter } }: AppError): Trouble {
  return { error: pageErrorOf(code), ...(retryAfter === undefined ? {} : { retryAfter }) };
}
