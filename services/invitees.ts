// What an invited person can do: sign up, or sign in if they have an account, and answer the request.

import type { Purpose } from "../db/passcodes.ts";
import type { Accounts, Completion } from "./accounts.ts";
import type { Status } from "./contacts/contact_state.ts";
import type { Contacts } from "./contacts/contacts.ts";
import { AppError } from "./errors.ts";
import type { InvitePeople, Invites } from "./invites/invites.ts";
import type { PasscodeSent } from "./passcodes/passcodes.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Sessions } from "./sessions/sessions.ts";

export type { Purpose };
export type { Invitation } from "./invites/invites.ts";

/** The result of asking for a code. `purpose` says what the code is good for, whether or not one was sent. */
export interface CodeSent {
  purpose: Purpose;
  asked: PasscodeSent | null;
  refusal: AppError | null;
}

export type Invitees = ReturnType<typeof createInvitees>;

export function createInvitees(
  { invites, accounts, contacts, sessions, uniform }: {
    invites: Invites;
    accounts: Accounts;
    contacts: Contacts;
    sessions: Sessions;
    /** Whether only the SMS, and never an answer, may reveal who has an account. */
    uniform: boolean;
  },
) {
  /**
   * Sends a sign-up code, or a sign-in code if the number has an account. If answers are uniform, one code
   * does both.
   */
  async function sendCode(phone: PhoneNumber, address: string): Promise<CodeSent> {
    if (uniform) return await attempt("signup", () => accounts.askEither(phone, address));
    const signUp = await attempt("signup", () => accounts.ask(phone, "signup", address));
    if (signUp.refusal?.code !== "already_registered") return signUp;
    return await attempt("signin", () => accounts.ask(phone, "signin", address));
  }

  /** @throws AppError as `completeSignIn`, `completeSignUp` and `completeEither` of accounts */
  async function enter(purpose: Purpose, completion: Completion): Promise<string> {
    if (purpose === "signin") return (await accounts.completeSignIn(completion)).token;
    const complete = uniform ? accounts.completeEither : accounts.completeSignUp;
    return (await complete(completion)).token;
  }

  /** The status of the inviter on the list of this session's user. @throws AppError unauthenticated */
  async function statusOf(session: string, inviter: PhoneNumber): Promise<Status | null> {
    const me = await sessions.authenticate(session);
    // The inviter opened their own link: there is nobody to answer.
    if (me.phone_number === inviter) return null;
    return (await contacts.list(me, inviter))[0]?.status ?? null;
  }

  /**
   * Accepts or declines an open request; a request that is no longer open stays unchanged. Returns the status
   * afterwards, so that a form that is sent twice gets the same answer twice.
   * @throws AppError unauthenticated, also if the session belongs to somebody else
   */
  async function answer(
    choice: "accept" | "decline",
    session: string,
    { inviter, invitee }: InvitePeople,
  ): Promise<Status | null> {
    const me = await sessions.authenticate(session);
    if (me.phone_number !== invitee) throw new AppError("unauthenticated");
    if (await statusOf(session, inviter) === "requested") {
      await contacts.act(choice === "accept" ? "accept" : "delete", me, inviter).catch(ignoreGone);
    }
    return await statusOf(session, inviter);
  }

  return { open: invites.find, neverAgain: invites.neverAgain, sendCode, enter, statusOf, answer };
}

async function attempt(purpose: Purpose, ask: () => Promise<PasscodeSent>): Promise<CodeSent> {
  try {
    return { purpose, asked: await ask(), refusal: null };
  } catch (error) {
    if (error instanceof AppError) return { purpose, asked: null, refusal: error };
    throw error;
  }
}

/** Ignores that the inviter has just withdrawn the request. */
function ignoreGone(error: unknown): void {
  const gone = error instanceof AppError &&
    (error.code === "request_not_found" || error.code === "contact_not_found");
  if (!gone) throw error;
}
