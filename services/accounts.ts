// Signing up and in: a passcode by SMS, then a session for who returned it.

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

/** A code that came back, from where, and for which device. */
export interface Completion {
  phone: PhoneNumber;
  passcode: string;
  device: string;
  address: string;
}

/** The session of somebody who was let in, and the events that tell others of it. */
interface Entered {
  session: SessionToken;
  events: Event[];
}

/** What is said to whoever signs up with an account, or signs in without one: in the answer, or by SMS alone. */
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
    /** Whether it is only the SMS, and no answer, that says who has an account. */
    uniform: boolean;
  },
) {
  /**
   * What may be judged of an ask before it is read: whether its address has been told all that it may be.
   * @throws AppError rate_limited
   */
  async function judgeAsk(address: string): Promise<void> {
    const retryAfter = uniform ? null : await limiter.wait({ limit: "reveal_address", of: address });
    if (retryAfter !== null) throw new AppError("rate_limited", { retryAfter });
  }

  /** @throws AppError already_registered, not_registered where answers are not uniform, and as `passcodes.ask` */
  async function ask(phone: PhoneNumber, purpose: Purpose, address: string): Promise<PasscodeSent> {
    if (!uniform) return await askTelling(phone, purpose, address);
    const isWrong = await database.run((sql) => isWrongForm(sql, phone, purpose));
    return await passcodes.ask(phone, purpose, {
      address,
      instead: isWrong ? WRONG_FORM[purpose].instead : null,
    });
  }

  /** A code for whoever has one way in only; `completeEither` takes it. @throws AppError as `passcodes.ask` */
  function askEither(phone: PhoneNumber, address: string): Promise<PasscodeSent> {
    return passcodes.ask(phone, "signup", { address });
  }

  /**
   * Sends a code, or refuses whoever has taken the wrong form, which tells whether the number has an account. So that is
   * paid for before it is known, and every other limit is judged before it too: what they refuse, they refuse alike.
   * It is given back where nothing was told, or where an SMS is charged to the address instead, whether that arrives or not.
   */
  async function askTelling(phone: PhoneNumber, purpose: Purpose, address: string): Promise<PasscodeSent> {
    const paid = await limiter.pay({ limit: "reveal_address", of: address });
    const judge = async (sql: Sql, willSend: boolean) => {
      const isWrong = await isWrongForm(sql, phone, purpose);
      if (!isWrong && willSend) return await paid.giveBack(sql);
      // Where no SMS will be sent, that tells as much as the other answer.
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

  /** Whether who has an account signs up, or who has none signs in. */
  async function isWrongForm(sql: Sql, phone: PhoneNumber, purpose: Purpose): Promise<boolean> {
    const user = await findUser(sql, phone);
    const isRegistered = user !== null && user.status !== "invited";
    return isRegistered === (purpose === "signup");
  }

  /** @throws AppError already_registered, and as `passcodes.redeem` */
  async function completeSignUp(completion: Completion): Promise<SessionToken> {
    const session = await redeem("signup", completion, async (sql) => {
      const entered = await register(sql, completion);
      // Undone: the code that nobody was sent is no better than another.
      if (!entered && uniform) throw new AppError("invalid_passcode");
      return entered;
    });
    if (!session) throw new AppError("already_registered");
    return session;
  }

  /** @throws AppError suspended, and as `passcodes.redeem` */
  async function completeSignIn(completion: Completion): Promise<SessionToken> {
    const session = await redeem("signin", completion, (sql) => admit(sql, completion));
    if (!session) throw new AppError("suspended");
    return session;
  }

  /** @throws AppError suspended, and as `passcodes.redeem` */
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

  /** Makes the account and its first session, and tells everybody who asked this number. Null where there is an account already. */
  async function register(sql: Sql, { phone, device }: Completion): Promise<Entered | null> {
    const user = await activateUser(sql, phone, now());
    if (!user) return null;
    const { session } = await sessions.open(sql, user.id, device);
    const requesters = await listRequesters(sql, user.id);
    return { session, events: requesters.map((to) => ({ to, event: "contacts_updated" })) };
  }

  /**
   * Makes a session, and tells the user's other sessions. Null where the account is suspended, or marked for deletion.
   * @throws AppError invalid_passcode where there is no account
   */
  async function admit(sql: Sql, { phone, device }: Completion): Promise<Entered | null> {
    // Held, so that a suspension comes before the session, or after it and ends it.
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
