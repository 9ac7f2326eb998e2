// Signing up and signing in: a passcode is sent by SMS, and returning it opens a session.

import type { Database, Sql } from "../db/connection/database.ts";
import { listRequesters } from "../db/conversations.ts";
import type { Purpose } from "../db/passcodes.ts";
import { activateUser, findUser, holdUser } from "../db/users.ts";
import { AppError } from "./errors.ts";
import type { Bus } from "./events/bus.ts";
import type { Event } from "./events/events.ts";
import type { Limiter } from "./limits/limiter.ts";
import type { Passcodes, PasscodeSent } from "./passcodes/passcodes.ts";
import type { PhoneNumber } from "./phone_number.ts";
import type { Sessions, SessionToken } from "./sessions/sessions.ts";

/** A passcode that was returned, with the client's address and the name of its device. */
export interface Completion {
  phone: PhoneNumber;
  passcode: string;
  device: string;
  address: string;
}

/** A new session, and the events that announce it to others. */
interface Entered {
  session: SessionToken;
  events: Event[];
}

/**
 * The reply to a sign-up by a registered number, or a sign-in by an unregistered one. It is given as an error
 * (`refusal`), or only by SMS (`instead`) where answers are uniform.
 */
const WRONG_FORM = {
  signup: { refusal: "already_registered", instead: "sign_in" },
  signin: { refusal: "not_registered", instead: "sign_up" },
} as const;

export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts(
  { database, bus, limiter, passcodes, sessions, now, uniform }: {
    database: Database;
    bus: Bus;
    limiter: Limiter;
    passcodes: Passcodes;
    sessions: Sessions;
    now: () => Date;
    /** Whether only the SMS, and never an HTTP answer, may reveal who has an account. */
    uniform: boolean;
  },
) {
  /**
   * Checks a request for a passcode before its body is read: refuses an address that has used up
   * `reveal_address`.
   * @throws AppError rate_limited
   */
  async function judgeAsk(address: string): Promise<void> {
    const retryAfter = uniform ? null : await limiter.wait({ limit: "reveal_address", of: address });
    if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
  }

  /**
   * @throws AppError already_registered or not_registered unless answers are uniform, and whatever
   * `passcodes.ask` throws
   */
  async function ask(phone: PhoneNumber, purpose: Purpose, address: string): Promise<PasscodeSent> {
    if (!uniform) return await askTelling(phone, purpose, address);
    const isWrong = await database.run((sql) => isWrongForm(sql, phone, purpose));
    return await passcodes.ask(phone, purpose, {
      address,
      instead: isWrong ? WRONG_FORM[purpose].instead : null,
    });
  }

  /**
   * Sends a code that either signs up or signs in; `completeEither` redeems it.
   * @throws AppError as `passcodes.ask`
   */
  function askEither(phone: PhoneNumber, address: string): Promise<PasscodeSent> {
    return passcodes.ask(phone, "signup", { address });
  }

  /**
   * Sends a code, or refuses the wrong form, which reveals whether the number has an account. A use of
   * `reveal_address` is therefore taken before the account is looked up. All other limits are checked before
   * that as well, so that their refusals reveal nothing. The use is given back if nothing was revealed, or if
   * the address is charged for an SMS instead, whether or not that SMS arrives.
   */
  async function askTelling(phone: PhoneNumber, purpose: Purpose, address: string): Promise<PasscodeSent> {
    const paid = await limiter.pay({ limit: "reveal_address", of: address });
    const judge = async (sql: Sql, willSend: boolean) => {
      const isWrong = await isWrongForm(sql, phone, purpose);
      if (!isWrong && willSend) return await paid.giveBack(sql);
      // No SMS will be sent, and that answer reveals as much as an error, so the use stays charged.
      paid.keep();
      if (isWrong) throw new AppError(WRONG_FORM[purpose].refusal);
    };
    try {
      return await passcodes.ask(phone, purpose, { address, judge });
    } catch (error) {
      await paid.giveBackAfter(error);
      throw error;
    }
  }

  /** Whether a registered number signs up, or an unregistered one signs in. */
  async function isWrongForm(sql: Sql, phone: PhoneNumber, purpose: Purpose): Promise<boolean> {
    const user = await findUser(sql, phone);
    const isRegistered = user !== null && user.status !== "invited";
    return isRegistered === (purpose === "signup");
  }

  /** Redeems a sign-up code. @throws AppError already_registered, and as `passcodes.redeem` */
  async function completeSignUp(completion: Completion): Promise<SessionToken> {
    const session = await redeem("signup", completion, async (sql) => {
      const entered = await register(sql, completion);
      // Undoes the transaction: this code was never sent to anybody, so it counts as wrong.
      if (!entered && uniform) throw new AppError("invalid_passcode");
      return entered;
    });
    if (!session) throw new AppError("already_registered");
    return session;
  }

  /** Redeems a sign-in code. @throws AppError suspended, and as `passcodes.redeem` */
  async function completeSignIn(completion: Completion): Promise<SessionToken> {
    const session = await redeem("signin", completion, (sql) => admit(sql, completion));
    if (!session) throw new AppError("suspended");
    return session;
  }

  /** Redeems a code of `askEither`: signs up, or in. @throws AppError suspended, and as `passcodes.redeem` */
  async function completeEither(completion: Completion): Promise<SessionToken> {
    const session = await redeem(
      "signup",
      completion,
      async (sql) => await register(sql, completion) ?? await admit(sql, completion),
    );
    if (!session) throw new AppError("suspended");
    return session;
  }

  async function redeem(
    purpose: Purpose,
    { phone, passcode, address }: Completion,
    enter: (sql: Sql) => Promise<Entered | null>,
  ): Promise<SessionToken | null> {
    const entered = await passcodes.redeem({ phone, purpose, passcode, address }, async (sql) => {
      const entered = await enter(sql);
      if (entered) await bus.announce(sql, entered.events);
      return entered;
    }, (entered) => entered && bus.deliver(entered.events));
    return entered?.session ?? null;
  }

  /**
   * Creates the account and its first session. The events notify everybody who has a friend request open to
   * this number. Null if there already is an account.
   */
  async function register(sql: Sql, { phone, device }: Completion): Promise<Entered | null> {
    const user = await activateUser(sql, phone, now());
    if (!user) return null;
    const { session } = await sessions.open(sql, user.id, device);
    const requesters = await listRequesters(sql, user.id);
    return { session, events: requesters.map((to) => ({ to, event: "contacts_updated" })) };
  }

  /**
   * Opens a session. The event notifies the user's other sessions. Null if the account is suspended or marked
   * for deletion.
   * @throws AppError invalid_passcode if there is no account
   */
  async function admit(sql: Sql, { phone, device }: Completion): Promise<Entered | null> {
    // The row lock orders this against a suspension: either the suspension comes first and is seen here, or
    // it comes later and ends this session.
    const user = await holdUser(sql, phone);
    if (!user || user.status === "invited") throw new AppError("invalid_passcode");
    if (user.status !== "active") return null;
    const { session, event } = await sessions.open(sql, user.id, device);
    return { session, events: [event] };
  }

  return {
    judgeAsk,
    judgeGuess: passcodes.judgeAddress,
    ask,
    askEither,
    completeSignUp,
    completeSignIn,
    completeEither,
  };
}
